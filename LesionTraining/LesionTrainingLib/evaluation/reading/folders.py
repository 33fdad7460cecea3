"""Folders with one result an image: our ``detections.json``, or label maps.

DIR/<image>/detections.json    as ``lesion detect COHORT`` writes it
DIR/<image>.json               the same, one file an image
DIR/<image>.nii.gz             a label map (or .nii, .nrrd, .mha, .mhd), as truth only
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.measurements import equivalent_diameter_mm

from ...cohorts.cohort import LeftOut
from ..matching.findings import Findings
from .sets import ImageMarks, ImageTruth, MarkSet, TruthSet

DETECTIONS = "detections.json"
_LABEL_MAPS = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
_MOST_LABELS = 10_000
"""An image with more lesions than this is no label map."""


def read_marks(folder: Path, progress: Progress) -> MarkSet:
    """The detections in a folder, all of them, whatever their score.

    A file that cannot be read is left out and listed.

    Raises:
        InputError: there is no such folder, or no detections in it.
        Cancelled: through ``progress``.
    """
    images, left_out, notes, points = (
        dict[str, ImageMarks](),
        list[LeftOut](),
        dict[str, None](),
        set[tuple[str, float]](),
    )
    files = _detections_files(folder)
    if not files:
        raise InputError(f"{folder} holds no detections: neither <image>/{DETECTIONS} nor <image>.json.")
    for index, (name, path) in enumerate(files.items()):
        progress(index / len(files), name)
        try:
            found = Detections.load(path)
        except InputError as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        images[name] = ImageMarks(Findings.of_lesions(found.lesions), found.geometry)
        notes.update(dict.fromkeys(warning for warning in found.warnings if "phantom" in warning))
        points.add((found.operating_point.name, found.operating_point.threshold))
    if any(threshold > 0 for _, threshold in points):
        least = max(threshold for _, threshold in points)
        notes[
            f"The detections were written at an operating point (score {least:.3g} or more in some images): what scores less is "
            "not in them, so curves end early."
        ] = None
    named = {name: threshold for name, threshold in points if threshold > 0} if len(points) == 1 else {}
    return MarkSet(
        images,
        folder.name,
        complete=False,
        left_out=tuple(left_out),
        notes=tuple(notes),
        operating_points=named,
        default_point=next(iter(named), ""),
    )


def read_truth(folder: Path, progress: Progress) -> TruthSet:
    """Lesions from detections files or label maps, whichever the folder holds.

    A file that cannot be read is left out and listed.

    Raises:
        InputError: there is no such folder, or neither in it.
        Cancelled: through ``progress``.
    """
    files = _detections_files(folder) or _label_maps(folder)
    if not files:
        raise InputError(
            f"{folder} holds no truth: neither <image>/{DETECTIONS} nor <image>.json nor label maps ({', '.join(_LABEL_MAPS)})."
        )
    images, left_out = dict[str, ImageTruth](), list[LeftOut]()
    for index, (name, path) in enumerate(files.items()):
        progress(index / len(files), name)
        try:
            images[name] = _truth(path)
        except InputError as error:
            left_out.append(LeftOut(name, str(error)))
    if not images:
        raise InputError(f"None of the {len(files)} files in {folder} can be used. The first: {left_out[0].reason}")
    return TruthSet(images, f"{len(files)} images of {folder.name}", tuple(left_out))


def lesions_of_label_map(image: Image) -> Findings:
    """Each label value's connected parts (26 neighbours) as a lesion each: mask, centroid, and the diameter of the sphere
    of its volume.

    Raises:
        InputError: values that are not whole numbers, or too many parts.
    """
    from scipy.ndimage import find_objects, label

    voxels = image.voxels
    if voxels.dtype.kind == "f" and not np.array_equal(voxels, np.rint(voxels)):
        raise InputError(f"“{image.name}” is no label map: it has values that are not whole numbers.")
    masks = list[Mask]()
    for value in np.unique(voxels[voxels != 0]):
        parts, count = label(voxels == value, np.ones((3, 3, 3)))
        if len(masks) + count > _MOST_LABELS:
            raise InputError(f"“{image.name}” is no label map: it has more than {_MOST_LABELS} separate parts.")
        for number, place in enumerate(find_objects(parts), 1):
            k, j, i = (part.start for part in place)
            masks.append(Mask(parts[place] == number, (i, j, k)))
    geometry = image.geometry
    centers = np.array([mask.centroid_ras_mm(geometry) for mask in masks]).reshape(-1, 3)
    diameters = np.array([equivalent_diameter_mm(mask.count * geometry.voxel_volume_mm3) for mask in masks])
    return Findings(centers, diameters, np.ones(len(masks)), masks=tuple(masks))


def _truth(path: Path) -> ImageTruth:
    if path.suffix == ".json":
        found = Detections.load(path)
        return ImageTruth(Findings.of_lesions(found.lesions), geometry=found.geometry)
    from LesionDetectionLib.io.files import read_image  # SimpleITK, only where there are label maps

    image = read_image(path)
    return ImageTruth(lesions_of_label_map(image), geometry=image.geometry)


def _detections_files(folder: Path) -> dict[str, Path]:
    """Image name -> its file, by name."""
    _require_folder(folder)
    found = {path.parent.name: path for path in sorted(folder.glob(f"*/{DETECTIONS}"))}
    own = {path.name.removesuffix(".json").removesuffix(".detections"): path for path in sorted(folder.glob("*.json"))}
    return found or {name: path for name, path in own.items() if _is_detections(path)}


def _is_detections(path: Path) -> bool:
    """Whether a file says in its first lines that it holds detections; a folder may hold other JSON too."""
    with path.open("rb") as file:
        return b"lesion-detections" in file.read(200)


def _label_maps(folder: Path) -> dict[str, Path]:
    found = dict[str, Path]()
    for path in sorted(folder.iterdir()):
        ending = next(
            (end for end in sorted(_LABEL_MAPS, key=len, reverse=True) if path.name.lower().endswith(end)), ""
        )
        name = path.name[: len(path.name) - len(ending)]
        if ending and path.is_file() and name:
            if name in found:
                raise InputError(
                    f"{folder} has two label maps of “{name}”: {found[name].name} and {path.name}. Keep one."
                )
            found[name] = path
    return found


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.")
