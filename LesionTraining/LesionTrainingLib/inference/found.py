"""What the cases' folders hold, read back: score and size of every finding of a cohort, without a mask or a voxel."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.app.export import REPORT, TABLE

from .job import Outcome

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CaseFindings:
    """One finished case.

    Attributes:
        outcome: as the run told it.
        scores, diameters_mm: [n] of its findings; NaN where a size is not known.
        report: path of its own report from the cohort's folder, with ``/``; empty where none was written.
        problem: why its table could not be read; empty where it could.
    """

    outcome: Outcome
    scores: FloatArray
    diameters_mm: FloatArray
    report: str = ""
    problem: str = ""


def read_findings(output: Path, outcomes: Sequence[Outcome]) -> list[CaseFindings]:
    """Of every case that is done. A table that cannot be read any more is told, and its case has no findings here."""
    return [_read(output, outcome) for outcome in outcomes]


def _read(output: Path, outcome: Outcome) -> CaseFindings:
    folder = output / outcome.case
    report = f"{outcome.case}/{REPORT}" if (folder / REPORT).is_file() else ""
    try:
        with (folder / TABLE).open(newline="", encoding="utf-8") as file:
            rows = [(_number(row["score"]), _number(row["diameter_mm"])) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        nothing = np.zeros(0)
        return CaseFindings(outcome, nothing, nothing, report, f"{TABLE} cannot be read ({type(error).__name__}).")
    values = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return CaseFindings(outcome, values[:, 0], np.where(values[:, 1] > 0, values[:, 1], np.nan), report)


def _number(text: str) -> float:
    return float(text) if text else math.nan
