"""What is read: the truth of many images, the marks on many images, and how both are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ..matching.findings import NO_FINDINGS, Findings, ImageFindings
from ..matching.overlap import boxes_of


@dataclass(frozen=True, eq=False)
class ImageTruth:
    """One image's lesions, what is excluded, the grid that their masks lie on (None where it is not known), and its patient,
    the same for all images of one (empty where that is not known)."""

    lesions: Findings
    excluded: Findings = NO_FINDINGS
    geometry: Geometry | None = None
    patient: str = ""


@dataclass(frozen=True, eq=False)
class TruthSet:
    """The truth of many images.

    Attributes:
        images: by name, in the order in which results list them.
        title: what they are, in words.
        left_out: images that cannot be scored, and why.
        notes: sentences that belong to every figure measured on them.
        on_phantoms: whether all of them are computer-made.
        cases: where their images can be read, by name; empty where that is not known.
    """

    images: Mapping[str, ImageTruth]
    title: str
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    on_phantoms: bool = False
    cases: Mapping[str, Case] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ImageMarks:
    """One image's marks, and the grid that their masks lie on."""

    marks: Findings
    geometry: Geometry | None = None


@dataclass(frozen=True, eq=False)
class MarkSet:
    """A detector's marks on many images.

    Attributes:
        images: by name.
        title: whose marks, in words.
        complete: whether an image without an entry has no marks, as in a list; in a folder it has no result.
        left_out: images that could not be detected in or read, and why.
        notes: sentences that belong to every figure measured with them ("trained on phantoms").
        operating_points: name -> least score, as the model gives them.
        default_point: the one that the model shows by itself, or empty.
    """

    images: Mapping[str, ImageMarks]
    title: str
    complete: bool
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    operating_points: Mapping[str, float] = field(default_factory=dict)
    default_point: str = ""


@dataclass(frozen=True, eq=False)
class Scoring:
    """What is scored: images with truth and marks, what was left out, and the sentences that go with the figures."""

    images: tuple[ImageFindings, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def put_together(truth: TruthSet, marks: MarkSet) -> Scoring:
    """Give each image of the truth its marks.

    Marks on images that the truth does not have are left aside with a note, as LUNA16's script leaves them.

    Raises:
        InputError: no image can be scored.
    """
    notes, known = [*truth.notes, *marks.notes], set(truth.images) | {left.case for left in truth.left_out}
    strangers = [name for name in marks.images if name not in known]
    if strangers:
        count = sum(len(marks.images[name].marks) for name in strangers)
        notes.append(
            f"{count} marks are on {len(strangers)} images that are not among the images to score, such as "
            f"“{strangers[0]}”; they were left aside."
        )
    if not set(truth.images) & set(marks.images) and (strangers or not marks.complete):
        raise InputError(
            f"None of the {len(truth.images)} images to score ({_some(truth.images)}) has marks; those are on "
            f"{_some(marks.images)}. Do the names mean the same images?"
        )
    failed = {left.case: left for left in marks.left_out}
    images, left_out = [], list(truth.left_out)
    for name, one in truth.images.items():
        found = marks.images.get(name)
        if found is None and not marks.complete:
            left_out.append(failed.get(name, LeftOut(name, "There are no detections for it.")))
            continue
        images.append(_image(name, one, found or ImageMarks(NO_FINDINGS), notes))
    if not images:
        raise InputError(f"No image can be scored. The first, “{left_out[0].case}”: {left_out[0].reason}")
    if left_out:
        notes.append(f"{len(left_out)} images were left out of every figure; left_out.csv says why.")
    return Scoring(tuple(images), tuple(left_out), tuple(dict.fromkeys(notes)))


def _image(name: str, truth: ImageTruth, found: ImageMarks, notes: list[str]) -> ImageFindings:
    """One image; masks on different grids become boxes."""
    lesions, excluded, marks = truth.lesions, truth.excluded, found.marks
    geometry = truth.geometry or found.geometry
    if truth.geometry is not None and found.geometry is not None and not truth.geometry.same_grid(found.geometry):
        if any(mask is not None for mask in marks.masks) and any(mask is not None for mask in lesions.masks):
            notes.append(
                "Masks of marks and lesions lie on different voxel grids in some images, so boxes were compared there."
            )
        marks = replace(marks, boxes_ras_mm=boxes_of(marks, found.geometry), masks=())
    return ImageFindings(name, lesions, marks, excluded, geometry, found.geometry, truth.patient)


def _some(names: Mapping[str, object]) -> str:
    shown = [f"“{name}”" for name in list(names)[:2]]
    return ", ".join(shown) + (", ..." if len(names) > 2 else "") if shown else "none"
