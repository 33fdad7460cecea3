"""Rows of one long table as findings by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..matching.findings import NO_FINDINGS, Findings, IntArray


def by_image(names: Sequence[str], findings: Findings) -> dict[str, Findings]:
    """Image name -> its findings, in the order of the rows; ``names`` says the image of each of ``findings``."""
    places = {name: index for index, name in enumerate(dict.fromkeys(names))}
    group = np.array([places[name] for name in names], dtype=np.intp)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(places) + 1)).tolist()
    # In order all at once: what each image has is then a view, and a thousand images cost no copies.
    ordered = take(findings, order)
    return {name: _between(ordered, bounds[i], bounds[i + 1]) for name, i in places.items()}


def _between(findings: Findings, start: int, stop: int) -> Findings:
    """Those from ``start`` to ``stop``, as views."""
    part = slice(start, stop)
    return Findings(
        findings.centers_ras_mm[part],
        findings.diameters_mm[part],
        findings.scores[part],
        None if findings.boxes_ras_mm is None else findings.boxes_ras_mm[part],
        None if findings.pixel_boxes is None else findings.pixel_boxes[part],
        findings.masks[part],
        None if findings.sources is None else findings.sources[part],
    )


def take(findings: Findings, rows: IntArray) -> Findings:
    """Some of the findings."""
    if not len(rows):
        return NO_FINDINGS
    return replace(
        findings,
        centers_ras_mm=findings.centers_ras_mm[rows],
        diameters_mm=findings.diameters_mm[rows],
        scores=findings.scores[rows],
        boxes_ras_mm=None if findings.boxes_ras_mm is None else findings.boxes_ras_mm[rows],
        pixel_boxes=None if findings.pixel_boxes is None else findings.pixel_boxes[rows],
        masks=tuple(findings.masks[row] for row in rows) if findings.masks else (),
        sources=None if findings.sources is None else findings.sources[rows],
    )


def duplicates_note(
    names: Sequence[str], values: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]], what: str
) -> str:
    """A sentence where rows of a list are there more than once, else an empty text."""
    rows = list(zip(names, *(column.tolist() for column in values), strict=True))
    repeated = len(rows) - len(set(rows))
    if not repeated:
        return ""
    return (
        f"{repeated} rows of {what} repeat another in every value; each was counted, as the field's scripts count them."
    )
