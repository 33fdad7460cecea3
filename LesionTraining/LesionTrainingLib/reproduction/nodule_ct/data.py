"""Phantoms in LUNA16's layout, and how data are named in every row that was measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from ...cohorts.phantoms.writing import MOST_SUBSETS, write_phantoms
from ..wording import counted, ranges

LEAST_PHANTOMS = 4
"""Two to learn from, one to set thresholds on and one to test on."""
_SEEDS_APART = 10_000
"""Another seed of the reproduction is other patients."""


def make_phantoms(folder: Path, count: int, protocol: str, seed: int, progress: Progress) -> None:
    """Make ``count`` chest phantoms, dealt out over subset0 to subset9; the folder appears whole or not at all.

    Raises:
        UsageError: too few, or no such protocol.
        OutputError: the folder cannot be written.
        Cancelled: see ``progress``; nothing is left behind.
    """
    if count < LEAST_PHANTOMS:
        raise UsageError(
            f"--phantom needs at least {LEAST_PHANTOMS}, for three parts; all ten folds need {MOST_SUBSETS} or more."
        )
    write_phantoms(
        "chest",
        seed * _SEEDS_APART,
        count,
        "luna16",
        folder,
        progress,
        protocol_name=protocol,
        subsets=min(count, MOST_SUBSETS),
    )


def label(on_phantoms: bool, scans: int, nodules: int, folds: Sequence[int] = ()) -> str:
    """``LUNA16, fold 9: 88 scans, 112 nodules``: what a row was measured on; no folds where it is all of them."""
    what = "phantoms in LUNA16’s layout" if on_phantoms else "LUNA16"
    which = f", fold{'s' if len(folds) > 1 else ''} {ranges(folds)}" if folds else ""
    return f"{what}{which}: {counted(scans, 'scan')}, {counted(nodules, 'nodule')}"
