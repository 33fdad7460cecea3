"""Cases whose lesion is measured: as the cohort's labels have it, or as a folder with detections or label maps has.

DIR/<case>/detections.json    as ``lesion detect COHORT`` writes it
DIR/<case>.json               the same, one file a case
DIR/<case>.nii.gz             a label map (or .nii, .nrrd, .mha, .mhd); every connected part is a lesion
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case, Truth
from ..cohorts.cohort import Cohort, LeftOut
from ..evaluation.reading.folders import DETECTIONS, lesions_of_label_map
from .settings import ALL

BoolArray = npt.NDArray[np.bool_]

_LABEL_MAPS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")


@dataclass(frozen=True)
class MaskedCase(Case):
    """A case with the place of its lesions.

    Attributes:
        case: whose images these are.
        modality: of the image that is measured; empty for the case's main one.
        drawn: the file with its lesions; None for the case's own labels.
    """

    case: Case = field(repr=False)
    modality: str = ""
    drawn: Path | None = field(default=None, repr=False)

    @classmethod
    def of(cls, case: Case, modality: str = "", drawn: Path | None = None) -> MaskedCase:
        return cls(case.id, case.patient, case.split, case.modalities, case.labelled, case, modality, drawn)

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        return self.case.images(progress)

    def truth(self) -> Truth:
        return self.case.truth()

    def sources(self) -> tuple[Path, ...]:
        return (*self.case.sources(), *([self.drawn] if self.drawn else []))

    def values(self) -> Mapping[str, Any]:
        kind = type(self.case).__name__
        return {**self.case.values(), "case": kind, "measured": self.modality, "own_labels": self.drawn is None}

    def measured(self, lesion: str, progress: Progress | None = None) -> tuple[Image, BoolArray]:
        """The image that is measured, and [k, j, i] the lesion on its grid.

        Args:
            lesion: ``largest`` or ``all``.

        Raises:
            InputError: files that cannot be read, no lesion, lesions without masks, or such on another grid.
            ModalityError: the case has no image of the modality.
        """
        images = self.images(progress)
        main = next(iter(images.values()))
        image = images.get(self.modality) if self.modality else main
        if image is None:
            raise ModalityError(f"It has no image of modality {self.modality}, only {', '.join(images)}.")
        lesions, grid = self._lesions(main)
        mask = joined_mask(lesions, lesion, grid)
        return image, on_grid(mask, grid, image.geometry)

    def _lesions(self, main: Image) -> tuple[Sequence[Mask | None], Geometry]:
        """The mask of each lesion, None where it has none, and the grid that they lie on."""
        if self.drawn is None:
            return [lesion.mask for lesion in self.truth().lesions], main.geometry
        if self.drawn.suffix == ".json":
            found = Detections.load(self.drawn)
            least = found.operating_point.threshold
            shown = [one for one in found.lesions if one.score >= least and found.passing(one)]
            return [lesion.mask for lesion in shown], found.geometry
        from LesionDetectionLib.io.files import read_image  # SimpleITK, only where there are label maps

        label_map = read_image(self.drawn)
        return lesions_of_label_map(label_map).masks, label_map.geometry


def masked_cases(cohort: Cohort, masks: Path | None, modality: str) -> tuple[tuple[MaskedCase, ...], list[LeftOut]]:
    """One case of each patient, the first in the cohort that has a mask, and what is left out.

    Args:
        masks: a folder of detections or label maps; None for the cohort's labels.

    Raises:
        InputError: there is no such folder, no masks in it, or none of the cohort's cases.
    """
    files = mask_files(masks) if masks else {}
    chosen, left_out = dict[str, MaskedCase](), list(cohort.left_out)
    for case in cohort.cases:
        if masks and case.id not in files:
            left_out.append(LeftOut(case.id, f"{masks.name} has nothing of it."))
        elif not masks and not case.labelled:
            left_out.append(LeftOut(case.id, "It has no labels."))
        elif case.patient in chosen:
            left_out.append(LeftOut(case.id, f"The patient's case {chosen[case.patient].id} comes first."))
        else:
            chosen[case.patient] = MaskedCase.of(case, modality, files.get(case.id))
    if not chosen:
        where = f"No case of {cohort.spec} is in {masks}" if masks else f"No case of {cohort.spec} has labels"
        raise InputError(f"{where}. The first: {left_out[0].case}: {left_out[0].reason}" if left_out else f"{where}.")
    return tuple(chosen.values()), left_out


def mask_files(folder: Path) -> dict[str, Path]:
    """Case -> the file with its lesions.

    Raises:
        InputError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.")
    found = {path.parent.name: path for path in sorted(folder.glob(f"*/{DETECTIONS}"))}
    endings = (".detections.json", ".json", *_LABEL_MAPS)
    for path in [] if found else sorted(folder.iterdir()):
        ending = next((end for end in endings if path.name.lower().endswith(end)), "")
        if ending and (path.suffix != ".json" or _holds_detections(path)):
            found.setdefault(path.name[: -len(ending)], path)
    if not found:
        raise InputError(f"{folder} holds no masks: neither <case>/{DETECTIONS} nor <case>.json nor <case>.nii.gz.")
    return found


def _holds_detections(path: Path) -> bool:
    """A folder may hold other JSON too."""
    with path.open("rb") as file:
        return b"lesion-detections" in file.read(200)


def joined_mask(lesions: Sequence[Mask | None], which: str, grid: Geometry) -> Mask:
    """The mask of the largest lesion, or of all together.

    Raises:
        InputError: there is none, or none has a mask, or one does not fit the grid.
    """
    masks = [mask for mask in lesions if mask is not None]
    if not masks:
        raise InputError("It has no lesion." if not lesions else "Its lesions have no masks, only places.")
    for mask in masks:
        last = np.array(mask.start_ijk[::-1]) + mask.voxels.shape
        if min(mask.start_ijk) < 0 or bool(np.any(last > np.array(grid.shape_kji))):
            raise InputError("A lesion's mask does not lie within the image: they are not of the same scan.")
    if which != ALL:
        return max(masks, key=lambda mask: mask.count)
    full = np.zeros(grid.shape_kji, dtype=bool)
    for mask in masks:
        full[mask.slices_kji] |= mask.voxels
    return Mask.from_full(full)


def on_grid(mask: Mask, grid: Geometry, target: Geometry) -> BoolArray:
    """[k, j, i] the mask on another grid: each of its voxels as the nearest one of ``grid``; the same on the same grid.

    Raises:
        InputError: nothing of it lies on the other grid.
    """
    if grid.same_grid(target):
        return mask.full(target.shape_kji)
    low, high = (np.array(corner) for corner in mask.box_ras_mm(grid))
    corners = np.array(np.meshgrid(*np.stack([low, high], axis=1), indexing="ij")).reshape(3, -1).T
    places = target.ijk_from_ras(corners)
    start = np.maximum(0, np.floor(places.min(axis=0)).astype(int))
    stop = np.minimum(target.shape_kji[::-1], np.ceil(places.max(axis=0)).astype(int) + 1)
    full = np.zeros(target.shape_kji, dtype=bool)
    if (stop > start).all():
        ijk = np.stack(np.meshgrid(*map(np.arange, start, stop), indexing="ij"), axis=-1)  # [i, j, k, 3]
        there = np.rint(grid.ijk_from_ras(target.ras_from_ijk(ijk))).astype(int) - mask.start_ijk
        size = np.array(mask.voxels.shape[::-1])
        valid = np.all((there >= 0) & (there < size), axis=-1)
        i, j, k = np.moveaxis(np.where(valid[..., None], there, 0), -1, 0)
        box = np.transpose(mask.voxels[k, j, i] & valid, (2, 1, 0))
        full[start[2] : stop[2], start[1] : stop[1], start[0] : stop[0]] = box
    if not full.any():
        raise InputError("Nothing of the lesion lies on the image that is measured: they are not of the same place.")
    return full
