"""Cases as the recipe uses them: both projections as the network sees them, the label, and the annotated point; cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import PET, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.pet_weak.architecture import NONE, UNET, PetWeakArchitecture
from LesionDetectionLib.methods.pet_weak.placing import PixelAxis, Placing
from LesionDetectionLib.methods.pet_weak.projections import network_views, project
from LesionDetectionLib.methods.pet_weak.settings import Seen
from LesionDetectionLib.methods.usable_pet import usable_pet

from ...cohorts.caching import Content, Entry, Maker
from ...cohorts.case import Case, Truth
from ...cohorts.cohort import LeftOut
from ..recipe import Run

_ARRAYS = ("suv", "points", "drawn")


@dataclass(frozen=True, eq=False)
class TrainingViews:
    """One case. h, w = height and width of its canvas.

    Attributes:
        name: id of the case.
        label: what the whole scan shows.
        suv: [2, h, w] float16: coronal and sagittal projection, SUV from 0 to the one that becomes 1.
        points: [2, 2] float64: row and column of the annotated point in both, in pixels; not numbers without a tumour.
        drawn: [2, h, w] bool: projections of the drawn tumours, for networks that learn from these; all false where nobody drew
            any.
        outlined: whether every lesion is drawn; true of a case without any.
        pixel_mm: of the projections.
        entry: of the cache, held so that it stays there; None for what is in memory only.
    """

    name: str
    label: str
    suv: npt.NDArray[np.float16]
    points: npt.NDArray[np.float64]
    drawn: npt.NDArray[np.bool_]
    outlined: bool
    pixel_mm: float
    entry: Entry | None = None

    @property
    def has_tumour(self) -> bool:
        return self.label != NONE

    @property
    def identity(self) -> str:
        """Changes when image, labels or settings do, where it comes from the cache."""
        return self.name if self.entry is None else self.entry.key


def prepare_views(image: Image, truth: Truth, seen: Seen, name: str = "") -> TrainingViews:
    """Both projections of a case, its label and its point.

    The point is the centre of the largest lesion (paper, section 2: “one central point at the center of the tumor”).

    Args:
        image: PET in SUV, on whose grid the lesions' masks lie.
        truth: with a label.
        name: id of the case; empty for the image's name.

    Raises:
        InputError: no label, a tumour without a point, or a PET that cannot be used.
    """
    name = name or image.name
    _check_label(truth, name)
    image, _ = usable_pet({PET: image}, "Tumours", "learning from its projections")
    views = network_views(project(to_axial(image), seen.pixel_mm), seen)
    tumour = truth.label != NONE
    return TrainingViews(
        name,
        truth.label,
        (views.inputs[:, 0] * seen.most_suv).astype(np.float16),
        np.asarray(views.pixel_of(_point(truth.lesions))) if tumour else np.full((2, 2), np.nan),
        _drawn(image, truth.lesions, views.placing, views.inputs.shape[2:]),
        all(lesion.mask is not None for lesion in truth.lesions),
        seen.pixel_mm,
    )


def _check_label(truth: Truth, name: str) -> None:
    if not truth.label:
        raise InputError(f"Nobody said what “{name}” shows as a whole: a label of the image is what is learned from.")
    if truth.label == NONE and truth.lesions:
        raise InputError(f"“{name}” is labelled “{NONE}”, and has a tumour marked in it.")
    if truth.label != NONE and not truth.lesions:
        raise InputError(f"“{name}” is labelled “{truth.label}”, and nobody marked the centre of its tumour.")


def _point(lesions: Sequence[Lesion]) -> tuple[float, float, float]:
    return max(lesions, key=lambda lesion: lesion.diameter_mm).center_ras_mm


def _drawn(image: Image, lesions: Sequence[Lesion], placing: Placing, size: Sequence[int]) -> npt.NDArray[np.bool_]:
    """[2, h, w]: the projections of all outlines, on the canvas of the image's own."""
    outlines = np.zeros(image.voxels.shape, dtype=np.uint8)
    for lesion in lesions:
        if lesion.mask is not None:
            outlines[lesion.mask.slices_kji] |= lesion.mask.voxels
    volume = to_axial(Image(outlines, image.ijk_to_ras)).voxels > 0
    rows = _voxels_at(placing.rows, size[0])
    pictures = []
    for axis, across in zip(placing.columns, (1, 2), strict=True):
        picture = np.pad(volume.any(axis=across), ((0, 1), (0, 1)))  # index -1 is outside
        pictures.append(picture[np.ix_(rows, _voxels_at(axis, size[1]))])
    return np.stack(pictures)


def _voxels_at(axis: PixelAxis, count: int) -> npt.NDArray[np.int_]:
    """[count] the voxel at the middle of each pixel of the canvas, -1 where the PET ends."""
    nearest = np.floor(axis.index_of(np.arange(count)) + 0.5 + 1e-6).astype(int)
    return np.where((nearest >= 0) & (nearest < axis.voxels), nearest, -1)


def _prepared(case: Case, seen: Seen, progress: Progress) -> Content:
    """A labelled case for the cache. Raises InputError where it cannot be used."""
    truth = case.truth()
    _check_label(truth, case.id)  # before the voxels: found at once
    found = prepare_views(case.images(progress)[PET], truth, seen, case.id)
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(found, name) for name in _ARRAYS}
    values = {"name": case.id, "label": found.label, "outlined": found.outlined, "pixel_mm": found.pixel_mm}
    return Content(arrays, values)


VIEWS = Maker("pet-weak-views", 1, _prepared)
"""Makes entries of the cache that :func:`views_from` reads; raise its version when it makes something else."""


def views_from(entry: Entry) -> TrainingViews:
    """Projections from the cache, as long as ``entry`` lives."""
    arrays: dict[str, Any] = {name: entry.arrays[name] for name in _ARRAYS}
    return TrainingViews(**entry.values, **arrays, entry=entry)


def prepared_views(
    cases: Sequence[Case], run: Run, seen: Seen, architecture: PetWeakArchitecture, progress: Progress
) -> list[TrainingViews]:
    """The projections of all cases that this network can learn from; the others join ``run.left_out``. The first process
    prepares them; what it made the others find in the cache.

    Raises:
        OutputError: the disk is full.
        Cancelled: through ``progress``.
    """
    found = [views_from(entry) for entry in run.prepared(cases, seen.seen(), VIEWS, progress)]
    reasons = [unfit_for(one, architecture) for one in found]
    run.left_out += [LeftOut(one.name, reason) for one, reason in zip(found, reasons, strict=True) if reason]
    return [one for one, reason in zip(found, reasons, strict=True) if not reason]


def unfit_for(one: TrainingViews, architecture: PetWeakArchitecture) -> str:
    """Why a network cannot learn from a case, in a sentence; empty where it can."""
    if one.label not in architecture.classes:
        known = ", ".join(architecture.classes)
        return f"It is labelled “{one.label}”, which is no class of the network: {known}."
    if architecture.kind == UNET and not one.outlined:
        return "A tumour in it is not drawn, and this kind of network learns from drawn tumours only."
    return ""
