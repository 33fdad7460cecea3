"""Scans that a person reviewed, as cases to learn from: ``reviewed:FOLDER``.

A case is a folder, named by a number or a hash, never by a patient:

    image.nrrd     the scan, with its modality and unit
    labels.nrrd    the accepted lesions as a label map; labels-2.nrrd and so on where outlines overlap
    case.json      each lesion's centre, size and meaning; places that are no lesion; what nobody decided on
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import InputError, ModalityError, OutputError, UsageError
from LesionDetectionLib.core.finding import Finding, Findings, Status
from LesionDetectionLib.core.image import PHANTOM, Geometry, Image, understood_as
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .case import Case, Truth
from .cohort import Cohort, LeftOut
from .file_images import grid_of, read_as
from .file_names import file_name
from .label_maps import read_label_map
from .spec import Kind

IMAGE, LABELS, CASE = "image.nrrd", "labels.nrrd", "case.json"
SCHEMA_VERSION = 1
_SCHEMA = "lesion-reviewed-case"
_HASH_DIGITS = 12

Labels = npt.NDArray[np.integer[Any]]


def write_reviewed_case(
    folder: Path, image: Image, findings: Findings, case_id: str = "", overwrite: bool = False, *, patient: str = ""
) -> Path:
    """Keep a reviewed scan as a case of ``folder``: all of it or nothing.

    Accepted findings become lesions, as they are now; rejected ones places that are known to be none. What is listed and
    nobody decided on is neither, and is excluded. Candidates below the threshold were not looked at and are left out, and
    so are rejected ones on a lesion that stays: a second mark on it is no place without a lesion.

    Args:
        image: on whose grid the findings lie.
        case_id: a number or hash; empty for a hash of the series (of the voxels, where it did not come from DICOM).
        overwrite: replace an earlier review of the same scan.
        patient: a number or hash that all scans of the patient share, so that splits keep them together; empty for one
            that the series of one study share.

    Returns:
        The case's folder.

    Raises:
        UsageError: a ``case_id`` that is no plain name, nothing decided, or findings of another image.
        ModalityError: the image does not say what it is.
        GeometryError: axes that are not at right angles.
        OutputError: there is such a case already, no permission, disk full.
    """
    from LesionDetectionLib.io.files import write_image

    image = understood_as(image)
    _check(image, findings, case_id)
    case_id = case_id or _hash(image.identifiers.get("SeriesInstanceUID", "") or _content(image))
    study = image.identifiers.get("StudyInstanceUID", "")
    accepted = [item for item in findings.items if item.status is Status.ACCEPTED]
    undecided = [item for item in findings.listed if item.status is Status.NEW]
    rejected = [
        item
        for item in findings.items
        if item.status is Status.REJECTED and not any(_on(item, other) for other in (*accepted, *undecided))
    ]
    layers, places = _layers([item.lesion.mask for item in accepted], image)
    names = [LABELS if n == 0 else f"labels-{n + 1}.nrrd" for n in range(len(layers))]
    content = {
        "schema": _SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "id": case_id,
        "patient": patient or (_hash(study) if study else case_id),
        "modality": image.modality,
        "unit": image.unit,
        "phantom": image.identifiers.get(PHANTOM, ""),
        "labels": names,
        "lesions": [_entry(item, *place) for item, place in zip(accepted, places, strict=True)],
        "negatives": [_entry(item) for item in rejected],
        "excluded": [_entry(item) for item in undecided],
        "made_by": {"method": findings.run.method, "model": findings.run.provenance.get("model")},
    }
    target = Path(folder) / case_id
    with atomic_folder(target, overwrite) as temporary:
        try:
            write_image(image, temporary / IMAGE)
            for name, layer in zip(names, layers, strict=True):
                write_image(Image(layer, image.ijk_to_ras), temporary / name)
        except OutputError as error:
            raise OutputError(str(error).replace(str(temporary), str(target))) from error
        text = json.dumps(content, indent=1, allow_nan=False, default=str) + "\n"
        (temporary / CASE).write_text(text, encoding="utf-8")
    for left in target.glob("labels*.nrrd"):
        if left.name not in names:  # of an earlier review
            left.unlink()
    return target


@dataclass(frozen=True)
class ReviewedOptions:
    """Attributes:
    undecided: what becomes of lesions that nobody decided on: ``excluded`` (neither lesion nor false mark), or ``ignored``
        (as if they had not been found).
    """

    undecided: str = "excluded"


@dataclass(frozen=True)
class ReviewedCase(Case):
    """Attributes:
    exclude: whether what nobody decided on is excluded.
    phantom: whether the scan is computer-made.
    folder: its files.
    labels: its label maps.
    """

    exclude: bool
    phantom: bool
    folder: Path = field(repr=False)
    labels: tuple[Path, ...] = field(repr=False)

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        (modality,) = self.modalities
        return {modality: replace(read_as(self.folder / IMAGE, modality, progress), name=self.id)}

    def truth(self) -> Truth:
        content = _read(self.folder)
        geometry = grid_of(self.folder / IMAGE)
        masks = {path.name: _masks_in(path, geometry) for path in self.labels}
        try:
            lesions = tuple(_lesion(entry, masks) for entry in content["lesions"])
            negatives = [Lesion.from_json(entry["lesion"]).center_ras_mm for entry in content["negatives"]]
            excluded = tuple(_lesion(entry, {}) for entry in content["excluded"] if self.exclude)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.folder / CASE} is damaged ({error!r}). Write the case again.") from error
        notes = (f"Findings that nobody decided on: {len(excluded)}.",) if excluded else ()
        return Truth(lesions, excluded, np.array(negatives, dtype=np.float64).reshape(-1, 3), notes)

    def sources(self) -> tuple[Path, ...]:
        return (self.folder / IMAGE, self.folder / CASE, *self.labels)


def open_reviewed(path: Path, options: ReviewedOptions, progress: Progress) -> Cohort:
    """The cohort of all cases in a folder; a case that cannot be used is left out.

    Raises:
        UsageError: an option that makes no sense.
        InputError: no folder, or no case in it.
        Cancelled: through ``progress``.
    """
    if options.undecided not in ("excluded", "ignored"):
        raise UsageError(f"undecided is excluded or ignored, not “{options.undecided}”.")
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name the one that reviewed cases were written to.")
    folders = sorted(entry for entry in path.iterdir() if (entry / CASE).is_file() and not entry.name.startswith("."))
    if not folders:
        raise InputError(f"The folder {path} holds no reviewed cases: none of the folders in it has a {CASE}.")
    cases, left_out = list[ReviewedCase](), list[LeftOut]()
    for n, folder in enumerate(folders):
        progress(n / len(folders), folder.name)
        try:
            cases.append(_case(folder, options))
        except InputError as error:
            left_out.append(LeftOut(folder.name, str(error)))
    on_phantoms = bool(cases) and all(case.phantom for case in cases)
    title = f"reviewed {'phantoms' if on_phantoms else 'scans'} in {path.resolve().name}"
    return Cohort("", title, tuple(cases), tuple(left_out), on_phantoms=on_phantoms)


def _check(image: Image, findings: Findings, case_id: str) -> None:
    if case_id and (case_id != file_name(case_id) or case_id.startswith(".")):
        raise UsageError(
            f"“{case_id}” cannot name a case: letters, digits, dots, hyphens and underscores only, and no patient's name."
        )
    if not image.geometry.same_grid(findings.run.geometry):
        raise UsageError(f"These findings are not of “{image.name}”. Choose the image that they were made on.")
    if not image.modality:
        raise ModalityError(f"“{image.name}” does not say whether it is CT or PET. Set its modality and try again.")
    if findings.listed and all(item.status is Status.NEW for item in findings.items):
        raise UsageError("Nothing was decided yet: accept or reject findings, then there is something to learn from.")


def _on(mark: Finding, other: Finding) -> bool:
    """Whether the centre of ``mark`` lies in the ball of another finding."""
    return math.dist(mark.lesion.center_ras_mm, other.lesion.center_ras_mm) < other.lesion.diameter_mm / 2


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_HASH_DIGITS]


def _content(image: Image) -> str:
    return hashlib.sha256(np.ascontiguousarray(image.voxels).tobytes()).hexdigest() + image.ijk_to_ras.tobytes().hex()


def _layers(masks: Iterable[Mask | None], image: Image) -> tuple[list[Labels], list[tuple[str, int]]]:
    """Label maps, as few as come easily such that no two masks in one share a voxel; and where each mask is: file, label."""
    masks = list(masks)
    layers, places, kind = list[Labels](), list[tuple[str, int]](), np.uint8 if len(masks) < 256 else np.uint16
    for number, mask in enumerate(masks, 1):
        if mask is None:
            places.append(("", 0))
            continue
        box = mask.slices_kji
        layer = next((n for n, there in enumerate(layers) if not there[box][mask.voxels].any()), len(layers))
        if layer == len(layers):
            layers.append(np.zeros(image.shape_kji, dtype=kind))
        layers[layer][box][mask.voxels] = number
        places.append((LABELS if layer == 0 else f"labels-{layer + 1}.nrrd", number))
    return layers, places


def _entry(item: Finding, labels: str = "", label: int = 0) -> dict[str, Any]:
    return {
        "labels": labels,
        "label": label,
        "tracking_uid": item.tracking_uid,
        "origin": item.origin,
        "corrected": item.corrected,
        "lesion": replace(item.lesion, mask=None).to_json(),
    }


def _case(folder: Path, options: ReviewedOptions) -> ReviewedCase:
    """Raises InputError, with what is wrong."""
    content = _read(folder)
    if content["id"] != folder.name:
        raise InputError(f"{folder / CASE} is of the case “{content['id']}”. Was the folder renamed or copied?")
    files = (folder / IMAGE, *(folder / file_name(name) for name in content["labels"]))
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}. Write the case again.")
    modalities = (content["modality"],)
    return ReviewedCase(
        folder.name,
        content["patient"],
        "",
        modalities,
        True,
        options.undecided == "excluded",
        bool(content.get("phantom")),
        folder,
        files[1:],
    )


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CASE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise InputError(f"{path} does not describe a reviewed case.")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path} has version {content.get('schema_version')} of its format; this program reads version "
            f"{SCHEMA_VERSION}. Update the program."
        )
    texts = ("id", "patient", "modality")
    lists = ("labels", "lesions", "negatives", "excluded")
    good = all(isinstance(content.get(name), str) and content[name] for name in texts)
    good = good and all(isinstance(content.get(name), list) for name in lists)
    if not good or not all(isinstance(name, str) for name in content["labels"]):
        raise InputError(f"{path} is damaged: it lacks a part. Write the case again.")
    return content


def _masks_in(path: Path, geometry: Geometry) -> dict[int, Mask]:
    labels = read_label_map(path)
    if not labels.geometry.same_grid(geometry, 1e-2):
        raise InputError(f"{path} lies on another grid than the image beside it. Write the case again.")
    (layer,) = labels.layers
    found = {}
    for number, box in enumerate(ndimage.find_objects(layer), 1):
        if box is not None:
            found[number] = Mask(layer[box] == number, (box[2].start, box[1].start, box[0].start))
    return found


def _lesion(entry: dict[str, Any], masks: dict[str, dict[int, Mask]]) -> Lesion:
    lesion = replace(Lesion.from_json(entry["lesion"]), score=1.0)
    if not entry["label"] or not masks:
        return lesion
    mask = masks.get(entry["labels"], {}).get(entry["label"])
    if mask is None:
        raise InputError(f"The label {entry['label']} is missing in {entry['labels']}. Write the case again.")
    return replace(lesion, mask=mask)


KIND = Kind(
    "reviewed",
    "scans whose findings a person accepted and rejected",
    "the folder that reviewed cases were written to",
    ReviewedOptions,
    open_reviewed,
)
