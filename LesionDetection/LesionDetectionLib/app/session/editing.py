"""What a person does to findings: pure functions from findings to findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import DRAWN, MERGED, Finding, Findings, Status
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import LESION, Code, Lesion, Mask


def with_status(findings: Findings, ids: Iterable[str], status: Status) -> Findings:
    return findings.changing(ids, lambda item: replace(item, status=status))


def relabelled(findings: Findings, ids: Iterable[str], meaning: Code) -> Findings:
    """With another meaning; those that have it already stay as they are."""

    def change(item: Finding) -> Finding:
        if item.lesion.meaning == meaning:
            return item
        return replace(item, lesion=replace(item.lesion, meaning=meaning), corrected=True)

    return findings.changing(ids, change)


def merged(findings: Findings, ids: Iterable[str], image: Image) -> tuple[Findings, str]:
    """Several findings as one, with the union of their masks, measured anew; its id.

    It takes the highest score of its parts, the meaning of the first that is surest, and is accepted where all were.

    Raises:
        UsageError: fewer than two, or one without an outline.
    """
    parts = sorted((findings.get(one) for one in dict.fromkeys(ids)), key=lambda item: -item.lesion.score)
    if len(parts) < 2:
        raise UsageError("Choose two or more findings to merge.")
    masks = [item.lesion.mask for item in parts if item.lesion.mask is not None]
    if len(masks) < len(parts):
        without = next(item.id for item in parts if item.lesion.mask is None)
        raise UsageError(f"{without} has no outline, so it cannot be merged. Click on it to measure it first.")
    first = parts[0].lesion
    lesion = remeasured(
        replace(first, note=f"Merged from {', '.join(item.id for item in parts)}."), union(masks), image
    )
    status = Status.ACCEPTED if all(item.status is Status.ACCEPTED for item in parts) else Status.NEW
    rest = findings.without(item.id for item in parts)
    return rest.adding(lesion, origin=MERGED, status=status, corrected=True)


def with_masks(findings: Findings, masks: Mapping[str, Mask | None], image: Image) -> tuple[Findings, tuple[str, ...]]:
    """With masks that a user touched in the segmentation: edited ones are measured anew, added ones become findings.

    A finding whose segment was removed or emptied keeps its place and loses its outline.

    Args:
        masks: by segment; None for one that is gone or empty.

    Returns:
        The same findings where nothing differs; and the added segments, which findings of their own now stand for.
    """
    known = {item.id: item for item in findings.items}
    edited = {name: mask for name, mask in masks.items() if name in known and not _same(known[name].lesion.mask, mask)}
    added = {name: mask for name, mask in masks.items() if name not in known and mask is not None}
    if not edited and not added:
        return findings, ()
    changed = findings.changing(edited, lambda item: _with_mask(item, edited[item.id], image))
    for mask in added.values():
        drawn = remeasured(Lesion((0.0, 0.0, 0.0), 0.0, 1.0, meaning=LESION, method="drawn"), mask, image)
        changed, _ = changed.adding(drawn, origin=DRAWN, status=Status.ACCEPTED, corrected=True)
    return changed, tuple(added)


def remeasured(lesion: Lesion, mask: Mask, image: Image) -> Lesion:
    """The lesion with this mask and all that is measured on it."""
    from LesionDetectionLib.imaging.measurements import measure_mask  # brings OpenCV, which Slicer may not have yet

    measured = measure_mask(image, mask)
    return replace(
        lesion,
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=measured.recist.long_mm,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=measured.recist,
        measurements=measured.values,
    )


def union(masks: Iterable[Mask]) -> Mask:
    """The voxels that are in any of the masks, all of one grid."""
    masks = list(masks)
    starts = np.array([mask.start_ijk for mask in masks])
    stops = np.array([np.add(mask.start_ijk, mask.voxels.shape[::-1]) for mask in masks])
    low, high = starts.min(axis=0), stops.max(axis=0)
    voxels = np.zeros((high - low)[::-1], dtype=bool)
    for mask in masks:
        i, j, k = np.array(mask.start_ijk) - low
        nk, nj, ni = mask.voxels.shape
        voxels[k : k + nk, j : j + nj, i : i + ni] |= mask.voxels
    return Mask(voxels, (int(low[0]), int(low[1]), int(low[2])))


def _with_mask(item: Finding, mask: Mask | None, image: Image) -> Finding:
    if mask is None:
        lesion = replace(item.lesion, mask=None, recist=None, measurements={}, note="Its outline was removed.")
    else:
        lesion = remeasured(replace(item.lesion, note="Its outline was edited by hand."), mask, image)
    return replace(item, lesion=lesion, corrected=True)


def _same(one: Mask | None, other: Mask | None) -> bool:
    """Whether two masks have the same voxels; that of a segment has a tight box."""
    if one is None or other is None:
        return one is other
    if one.start_ijk == other.start_ijk and one.voxels.shape == other.voxels.shape:
        return np.array_equal(one.voxels, other.voxels)
    tight = Mask.from_full(one.voxels)
    start = tuple(a + b for a, b in zip(one.start_ijk, tight.start_ijk, strict=True))
    return start == other.start_ijk and np.array_equal(tight.voxels, other.voxels)
