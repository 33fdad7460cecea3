"""What became of each lesion and each mark, as tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from .matching.findings import FloatArray
from .matching.outcome import Fate
from .matching.policy import DISTANCE_MM
from .matching.reasons import why_lesion
from .output.tables import Cell, Table
from .scoring.scored import Scored


def missed(scored: Scored) -> Table:
    """The lesions that no mark is credited for, the largest first, and why."""
    rows = [
        (
            image.image,
            lesion + 1,
            float(image.truth.diameters_mm[lesion]),
            why_lesion(scored.policy, image, outcome, lesion),
        )
        for image, outcome in zip(scored.images, scored.outcomes, strict=True)
        for lesion in np.flatnonzero(outcome.lesion_marks < 0).tolist()
    ]
    rows.sort(key=lambda row: -np.nan_to_num(row[2], nan=-1.0))
    note = "" if rows else "None: every lesion has a mark."
    return Table(("image", "lesion", "diameter_mm", "why"), tuple(rows), note, digits=1)


def lesion_columns(scored: Scored) -> dict[str, list[Cell]]:
    """One row a lesion, as columns."""
    images, outcomes = scored.images, scored.outcomes
    places = np.concatenate([image.truth.centers_ras_mm for image in images])
    credited = [outcome.lesion_marks for outcome in outcomes]
    ranks = [
        [int(image.marks.ranks[mark]) if mark >= 0 else None for mark in marks.tolist()]
        for image, marks in zip(images, credited, strict=True)
    ]
    scores = [[score if mark >= 0 else None for score, mark in zip(o.lesion_scores.tolist(), m.tolist(), strict=True)]
              for o, m in zip(outcomes, credited, strict=True)]  # fmt: skip
    return {
        "image": [image.image for image in images for _ in range(len(image.truth))],
        "lesion": [lesion + 1 for image in images for lesion in range(len(image.truth))],
        "source_row": [row for image in images for row in _sources(image.truth.sources, len(image.truth))],
        **_place_columns(places),
        "diameter_mm": _without_nan(np.concatenate([image.truth.diameters_mm for image in images])),
        "found": ["yes" if mark >= 0 else "no" for marks in credited for mark in marks.tolist()],
        "mark": [rank for of_image in ranks for rank in of_image],
        "score": [score for of_image in scores for score in of_image],
        "marks_on_it": np.concatenate([outcome.lesion_hits for outcome in outcomes]).tolist(),
        **{name: _without_nan(np.round(values, 4)) for name, values in scored.lesion_columns.items()},
        "why": [
            why_lesion(scored.policy, image, outcome, lesion)
            for image, outcome in zip(images, outcomes, strict=True)
            for lesion in range(len(image.truth))
        ],
    }


def mark_columns(scored: Scored) -> dict[str, list[Cell]]:
    """One row a mark, as columns: its fate, the lesion it is about, and how near the nearest lesion is."""
    images, outcomes = scored.images, scored.outcomes
    texts = [fate.text for fate in Fate]
    lesions = np.concatenate([outcome.mark_lesions for outcome in outcomes]) + 1
    return {
        "image": [image.image for image in images for _ in range(len(image.marks))],
        "mark": np.concatenate([image.marks.ranks for image in images]).tolist(),
        "source_row": [row for image in images for row in _sources(image.marks.sources, len(image.marks))],
        **_place_columns(np.concatenate([image.marks.centers_ras_mm for image in images])),
        "score": np.concatenate([image.marks.scores for image in images]).tolist(),
        "fate": [texts[fate] for outcome in outcomes for fate in outcome.fates.tolist()],
        "lesion": [lesion or None for lesion in lesions.tolist()],
        _nearest_name(scored): _without_nan(np.concatenate([_nearest(scored, outcome.values) for outcome in outcomes])),
    }


def _sources(sources: Any, count: int) -> list[Cell]:
    return sources.tolist() if sources is not None else [None] * count


def _place_columns(places: FloatArray) -> dict[str, list[Cell]]:
    """RAS mm, rounded to a thousandth."""
    rounded = np.round(places, 3) + 0.0  # no minus zero
    return {name: rounded[:, axis].tolist() for axis, name in enumerate(("r_mm", "a_mm", "s_mm"))}


def _without_nan(values: FloatArray) -> list[Cell]:
    return [None if value != value else value for value in values.tolist()]


def _nearest_name(scored: Scored) -> str:
    return {DISTANCE_MM: "nearest_lesion_mm"}.get(
        scored.policy.measures, "best_" + scored.policy.measures.replace(" ", "_").lower()
    )


def _nearest(scored: Scored, values: FloatArray) -> FloatArray:
    """[M] the distance to the nearest lesion, or the largest overlap with any; NaN where there is no lesion."""
    if not values.size:
        return np.full(values.shape[1], np.nan)
    best: FloatArray = values.min(axis=0) if scored.policy.measures == DISTANCE_MM else values.max(axis=0)
    return np.round(best, 4)
