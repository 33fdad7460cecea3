"""Two results of one patient compared, for every user interface: from findings to rows, a category, and files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.follow_up_rows import Row
from LesionDetectionLib.core.pairing import GATE_MM, pair_findings
from LesionDetectionLib.core.response import TITLES
from LesionDetectionLib.imaging.alignment import Alignment
from LesionDetectionLib.io.follow_up_table import follow_up_columns
from LesionDetectionLib.io.lesion_table import write_columns

SCHEMA_VERSION = 1
COMPARISON, TABLE, ALIGNMENT = "follow-up.json", "follow-up.csv", "alignment.txt"
FOLLOW_UP_NAMES = (COMPARISON, TABLE, ALIGNMENT)
"""What a comparison leaves in its folder."""


def compare(
    baseline: Findings,
    follow_up: Findings,
    alignment: Alignment,
    *,
    organs: Mapping[str, str] | None = None,
    targets: Sequence[str] | None = None,
    gone: Sequence[str] = (),
    earlier_sums_mm: Sequence[float] = (),
    gate_mm: float = GATE_MM,
) -> FollowUp:
    """Pair what is drawn in both results, and assess the response by RECIST 1.1.

    Args:
        alignment: of the baseline's scan to the follow-up's.
        organs: id of a baseline finding -> its organ, in words.
        targets: ids of the target lesions; the program's choice where None.
        gone: ids of baseline findings that have disappeared, as a person says.
        earlier_sums_mm: sums of the targets' diameters at the times between the two.
        gate_mm: see :func:`~LesionDetectionLib.core.pairing.pair_findings`.

    Raises:
        ModalityError: the two results are of different modalities, whose diameters cannot be compared.
        UsageError: unknown ids, or targets that the guideline does not allow.
    """
    kinds = [findings.run.modality for findings in (baseline, follow_up)]
    if all(kinds) and kinds[0] != kinds[1]:
        raise ModalityError(
            f"The baseline is of modality {kinds[0]}, the follow-up of {kinds[1]}: their diameters cannot be compared."
        )
    comparison = FollowUp(
        baseline,
        follow_up,
        pair_findings(baseline.drawn, follow_up.drawn, alignment.matrix, gate_mm),
        organs=dict(organs or {}),
        chosen_targets=None if targets is None else tuple(dict.fromkeys(targets)),
        earlier_sums_mm=tuple(map(float, earlier_sums_mm)),
        alignment=alignment.in_words(),
    )
    return comparison.confirming_gone(gone)


def as_json(comparison: FollowUp, alignment: Alignment) -> dict[str, Any]:
    """Everything about a comparison as plain values."""
    response = comparison.response
    return {
        "schema": "lesion-follow-up",
        "schema_version": SCHEMA_VERSION,
        "software": f"SlicerLesionDetection {__version__}",
        "baseline": _scan(comparison.baseline),
        "follow_up": _scan(comparison.follow_up),
        "alignment": {**vars(alignment), "matrix": alignment.matrix.tolist()},
        "response": {
            "category": response.category,
            "title": TITLES[response.category],
            "reason": response.reason,
            "baseline_sum_mm": response.baseline_mm,
            "sum_mm": response.now_mm,
            "smallest_before_mm": response.nadir_mm,
            "change_mm": response.change_mm,
            "change_percent": response.change_percent,
            "from_smallest_mm": response.from_nadir_mm,
            "from_smallest_percent": response.from_nadir_percent,
        },
        "targets": list(comparison.targets),
        "targets_chosen_by": "program" if comparison.chosen_targets is None else "person",
        "confirmed_gone": sorted(comparison.confirmed_gone),
        "earlier_sums_mm": list(comparison.earlier_sums_mm),
        "new_lesions": [item.id for item in comparison.new_lesions],
        "notes": list(comparison.notes),
        "lesions": [_row(row) for row in comparison.rows],
    }


def write_follow_up(
    folder: Path, comparison: FollowUp, alignment: Alignment, overwrite: bool = False
) -> dict[str, Path]:
    """Write comparison, table and the move to ``folder``, all of them or none; their paths by name.

    ``alignment.txt`` holds the matrix, RAS mm of the baseline to RAS mm of the follow-up, and can be given again.

    Raises:
        OutputError: a comparison is there already, no permission, or disk full.
    """
    folder = Path(folder)
    with atomic_folder(folder, overwrite) as temporary:
        text = json.dumps(as_json(comparison, alignment), indent=1, ensure_ascii=False, allow_nan=False)
        (temporary / COMPARISON).write_text(text + "\n", encoding="utf-8")
        write_columns(follow_up_columns(comparison), temporary / TABLE)
        lines = (" ".join(repr(float(value)) for value in row) for row in alignment.matrix)
        (temporary / ALIGNMENT).write_text("\n".join(lines) + "\n", encoding="ascii")
    return {name: folder / name for name in FOLLOW_UP_NAMES}


def _scan(findings: Findings) -> dict[str, Any]:
    run = findings.run
    return {"image": run.image_name, "modality": run.modality, "method": run.method, "threshold": findings.threshold}


def _row(row: Row) -> dict[str, Any]:
    changes = (row.change_mm, row.change_percent, row.volume_change_percent)
    return {**asdict(row), **dict(zip(("change_mm", "change_percent", "volume_change_percent"), changes, strict=True))}
