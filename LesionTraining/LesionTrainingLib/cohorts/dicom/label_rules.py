"""Which segments and structures are lesions, what one lesion is, and what reading a label file gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from LesionDetectionLib.core.errors import GeometryError, UsageError
from LesionDetectionLib.core.lesion import Code, Lesion

PARTS, WHOLES, USUAL = "part", "whole", "usual"
"""What one lesion is: each connected part; each whole segment or structure; the usual one of the format (a connected
part of a segment, a whole structure, as contours seldom touch from slice to slice by themselves)."""


@dataclass(frozen=True)
class LabelRules:
    """Attributes:
    segments: patterns on label, description, type and category of a segment (:mod:`.patterns`); empty: all of them.
    structures: patterns on the name and label of an RTSTRUCT structure; empty: all but those that its type or name
        says are no lesion.
    one_lesion: :data:`PARTS`, :data:`WHOLES` or :data:`USUAL`.
    """

    segments: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    one_lesion: str = USUAL

    def __post_init__(self) -> None:
        if self.one_lesion not in (PARTS, WHOLES, USUAL):
            raise UsageError(
                f"One lesion cannot be “{self.one_lesion}”. Choose {PARTS} (each connected part of a label), {WHOLES} "
                f"(each label) or {USUAL}."
            )


@dataclass(frozen=True, eq=False)
class Labels:
    """What a file of labels says: lesions on the image's grid, and sentences on how it was read."""

    lesions: tuple[Lesion, ...]
    notes: tuple[str, ...] = ()


def require_same_frame(own: str, of_image: str, what: str) -> None:
    """Refuse labels that say themselves that they lie in another frame of reference than the image.

    Raises:
        GeometryError: both have a Frame of Reference UID, and not the same.
    """
    if own and of_image and own != of_image:
        raise GeometryError(
            f"{what} lies in another frame of reference than the image, so its place in it is not known. "
            "Export both again together, or register them first."
        )


def nothing_left(notes: Sequence[str]) -> str:
    """The sentence for labels of which not one voxel came onto the image: a scan with lesions, and not one without."""
    return (
        f"Nothing of what was drawn lies in the image. {' '.join(dict.fromkeys(notes))} Are the labels of this series? A scan "
        "whose lesions are not known is not used."
    )


def code_of(sequence: Any) -> Code | None:
    """The first item of a DICOM Code Sequence (PS3.3 8.8); None where there is none."""
    if not sequence:
        return None
    item = sequence[0]
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue")
    if not value:
        return None
    return Code(str(value), str(item.get("CodingSchemeDesignator", "") or ""), str(item.get("CodeMeaning", "") or ""))
