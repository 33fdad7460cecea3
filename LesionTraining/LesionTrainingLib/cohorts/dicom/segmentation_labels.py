"""DICOM segmentations (SEG) as lesions on the grid of an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import InputError, LesionDetectionError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import LESION, Code, Lesion
from LesionDetectionLib.io.dicom_headers import quiet_pydicom

from .frames import Frame, sample
from .label_rules import WHOLES, LabelRules, Labels, code_of, nothing_left, require_same_frame
from .mask_lesions import lesions_of_mask
from .patterns import fits

_FRACTION = 0.5
"""Of the largest value: pixels of a fractional segmentation from here on are in the segment."""


@dataclass(frozen=True)
class Segment:
    """One segment as the file describes it; :attr:`words` is what patterns are held against."""

    number: int
    label: str
    meaning: Code
    words: tuple[str, ...]


def read_segmentation(path: Path, geometry: Geometry, frame_of_reference: str, rules: LabelRules) -> Labels:
    """The lesions of a SEG file: binary, fractional (from one half on) or label map.

    Frames are placed by their position in the patient, so their order does not matter, slices may be missing, and a
    segmentation on another grid is sampled at the nearest pixel, with a note. The meaning of a lesion is the segment's
    property type (PS3.3 C.8.20.4).

    Args:
        geometry: of the image; masks lie on it.
        frame_of_reference: of the image; empty where it has none.

    Raises:
        InputError: damaged, no SEG, none of its segments fits the rules, or nothing of what was drawn lies in the image.
        GeometryError: another frame of reference, or frames that are no stack.
    """
    try:
        with quiet_pydicom():
            return _read(path, geometry, frame_of_reference, rules)
    except (LesionDetectionError, MemoryError):
        raise
    except Exception as error:  # damaged files bring errors of every kind
        raise InputError(f"It cannot be read as a segmentation ({type(error).__name__}). Export it again.") from error


def _read(path: Path, geometry: Geometry, frame_of_reference: str, rules: LabelRules) -> Labels:
    from highdicom.seg import segread

    segmentation = segread(path)
    require_same_frame(str(segmentation.get("FrameOfReferenceUID", "") or ""), frame_of_reference, "The segmentation")
    segments = [_segment(item) for item in segmentation.SegmentSequence]
    if segmentation.SegmentationType == "LABELMAP":  # it lists its background too
        background = {0, segmentation.get("PixelPaddingValue", 0)}
        segments = [segment for segment in segments if segment.number not in background]
    chosen = [s for s in segments if any(fits(word, rules.segments) for word in s.words)]
    if not chosen:
        there = ", ".join(f"“{s.label}”" for s in segments)
        raise InputError(f"No segment fits the option segments; there are {there}.")
    notes = _rule_notes(segments, chosen, segmentation)
    lesions: list[Lesion] = []
    drawn = False
    for segment in chosen:
        found, more = _lesions(segmentation, segment, geometry, rules)
        lesions += found
        notes += more
        drawn |= more != [_empty(segment)]
    if drawn and not lesions:
        raise InputError(nothing_left(notes))
    return Labels(tuple(lesions), tuple(dict.fromkeys(notes)))


def _lesions(
    segmentation: Any, segment: Segment, geometry: Geometry, rules: LabelRules
) -> tuple[tuple[Lesion, ...], list[str]]:
    frames = list(_frames(segmentation, segment.number))
    if not any(frame.pixels.any() for frame in frames):
        return (), [_empty(segment)]
    sampled = sample(frames, _spacing_between(segmentation), geometry)
    notes = []
    if not sampled.on_grid:
        notes.append("The segmentation lies on another grid than the image; each voxel took the nearest pixel.")
    if sampled.mask is None:
        return (), [*notes, f"The segment “{segment.label}” has no voxel on the image's grid."]
    note = f"Segment “{segment.label}”." if segment.label else ""
    parts = rules.one_lesion != WHOLES
    return lesions_of_mask(sampled.mask, geometry, parts=parts, meaning=segment.meaning, note=note), notes


def _empty(segment: Segment) -> str:
    return f"The segment “{segment.label}” is empty."


def _segment(item: Any) -> Segment:
    label = str(item.get("SegmentLabel", "") or "")
    kind = code_of(item.get("SegmentedPropertyTypeCodeSequence"))
    category = code_of(item.get("SegmentedPropertyCategoryCodeSequence"))
    meanings = [code.meaning for code in (kind, category) if code]
    words = (label, str(item.get("SegmentDescription", "") or ""), *meanings)
    return Segment(int(item.SegmentNumber), label, kind or LESION, words)


def _frames(segmentation: Any, number: int) -> Iterator[Frame]:
    """The frames of one segment; all frames, where the file is a label map."""
    label_map = segmentation.SegmentationType == "LABELMAP"
    threshold = 1.0
    if segmentation.SegmentationType == "FRACTIONAL":
        threshold = _FRACTION * float(segmentation.MaximumFractionalValue)
    for n in range(int(segmentation.get("NumberOfFrames", 1) or 1)):
        if not label_map and int(_group(segmentation, n, "SegmentIdentification").ReferencedSegmentNumber) != number:
            continue
        stored = np.asarray(segmentation.get_stored_frame(n + 1))
        yield Frame(
            stored == number if label_map else stored >= threshold,
            tuple(map(float, _group(segmentation, n, "PlanePosition").ImagePositionPatient)),
            tuple(map(float, _group(segmentation, n, "PlaneOrientation").ImageOrientationPatient)),
            tuple(map(float, _group(segmentation, n, "PixelMeasures").PixelSpacing)),
        )


def _group(segmentation: Any, n: int, name: str) -> Any:
    """A functional group of frame ``n``: its own, else the shared one."""
    keyword = f"{name}Sequence"
    own = segmentation.PerFrameFunctionalGroupsSequence[n]
    return (own if own.get(keyword) else segmentation.SharedFunctionalGroupsSequence[0])[keyword][0]


def _spacing_between(segmentation: Any) -> float:
    """mm between slices; 0 where the file does not say."""
    measures = _group(segmentation, 0, "PixelMeasures")
    return abs(float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 0))


def _rule_notes(segments: list[Segment], chosen: list[Segment], segmentation: Any) -> list[str]:
    notes = []
    if len(chosen) < len(segments):
        others = ", ".join(f"“{s.label}”" for s in segments if s not in chosen)
        notes.append(f"Segments that the option segments leaves out: {others}.")
    if segmentation.SegmentationType == "FRACTIONAL":
        notes.append(f"A fractional segmentation: pixels of {_FRACTION:g} and more are in the lesion.")
    return notes
