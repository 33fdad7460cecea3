"""What a FROC curve is made of, on disk: of each scan the score that each lesion got, and those of its false marks.

Several models' results, such as those of the folds of a cross-validation, are put together from such files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError

from .froc import MISSED, ScanMatch
from .matching.outcome import Fate

SCHEMA, SCHEMA_VERSION = "lesion-scan-scores", 1


def save_scan_scores(path: Path, matches: Sequence[ScanMatch]) -> None:
    """Write them as JSON, whole or not at all. Raises OutputError."""
    scans = [
        {
            "scan": match.image,
            **({"patient": match.patient} if match.patient else {}),
            # JSON has no number for a lesion that no mark is credited for.
            "lesions": [None if score == MISSED else float(score) for score in match.lesion_scores],
            "diameters_mm": [float(d) if np.isfinite(d) else None for d in match.diameters_mm],
            "false": [float(score) for score in match.false_positive_scores],
        }
        for match in matches
    ]
    content = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "scans": scans}
    with atomic_file(Path(path)) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def load_scan_scores(path: Path) -> list[ScanMatch]:
    """What :func:`save_scan_scores` wrote: enough for curves and their confidence, not for tables of single marks.

    Raises:
        InputError: missing, damaged or something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA or content["schema_version"] != SCHEMA_VERSION:
            raise ValueError("it has another schema")
        return [_match(scan) for scan in content["scans"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The scores {path} cannot be read: {error}. Measure the model again.") from error


def _match(scan: dict[str, Any]) -> ScanMatch:
    found = [float(score) for score in scan["lesions"] if score is not None]
    false = [float(score) for score in scan["false"]]
    hit = np.array([score is not None for score in scan["lesions"]], dtype=bool)
    credited = np.where(hit, np.cumsum(hit) - 1, -1)
    fates = np.array([Fate.HIT] * len(found) + [Fate.FALSE] * len(false), dtype=np.int8)
    count, marks = len(hit), len(fates)
    lesions = np.full(marks, -1)
    lesions[: len(found)] = np.flatnonzero(hit)
    nothing = np.zeros((count, marks))
    return ScanMatch(
        policy="",
        image=str(scan["scan"]),
        values=nothing,
        limits=np.zeros(count),
        excluded_values=np.zeros((0, marks)),
        excluded_limits=np.zeros(0),
        fates=fates,
        mark_lesions=lesions,
        mark_excluded=np.full(marks, -1),
        lesion_marks=credited,
        lesion_hits=hit.astype(np.intp),
        mark_scores=np.array([*found, *false]),
        diameters_mm=_numbers(scan["diameters_mm"]),
        patient=str(scan.get("patient", "")),
    )


def _numbers(values: Iterable[Any]) -> Any:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
