"""LUNA16's lists: annotations, excluded findings, series, and marks. Positions in the files are LPS mm."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..matching.findings import NO_FINDINGS, Findings, FloatArray
from .grouping import by_image, duplicates_note
from .sets import ImageMarks, ImageTruth, MarkSet, TruthSet
from .tables import Columns, read_columns, read_names

SERIES, PLACE, DIAMETER, SCORE = "seriesuid", ("coordX", "coordY", "coordZ"), "diameter_mm", "probability"
_RAS_FROM_LPS = np.array([-1.0, -1.0, 1.0])


def read_truth(annotations: Path, excluded: Path | None, series: Path) -> TruthSet:
    """The nodules of the listed series, and the excluded findings; rows of other series are left aside, as in the script.

    A negative diameter means that it is not known.

    Raises:
        InputError: see :func:`.tables.read_columns`.
    """
    names = read_names(series, SERIES)
    listed, found = _findings(annotations)
    note = duplicates_note(listed, list(found.centers_ras_mm.T), "the annotations")
    notes, nodules = (note,) if note else (), by_image(listed, found)
    # The organisers' own list of excluded findings repeats a third of its rows; that changes nothing.
    irrelevant = by_image(*_findings(excluded)) if excluded is not None else {}
    images = {name: ImageTruth(nodules.get(name, NO_FINDINGS), irrelevant.get(name, NO_FINDINGS)) for name in names}
    strangers = len(set(nodules) - set(names))
    if strangers:
        notes = (*notes, f"{strangers} series of the annotations are not to be scored and were left aside.")
    return TruthSet(images, f"{len(names)} series of {series.name}", notes=notes)


def read_marks(path: Path) -> MarkSet:
    """Marks as handed in to LUNA16: ``seriesuid,coordX,coordY,coordZ,probability``; ``diameter_mm`` where it is there.

    Raises:
        InputError: see :func:`.tables.read_columns`; also a probability that is no number.
    """
    table = read_columns(path, (SERIES, *PLACE, SCORE), (DIAMETER,))
    scores = table.numbers(SCORE)
    found = Findings(_places(table), _diameters(table), scores, sources=np.arange(1, len(table) + 1))
    names = [name.strip() for name in table.cells[SERIES]]
    note = duplicates_note(names, [*found.centers_ras_mm.T, scores], "the marks")
    images = {name: ImageMarks(marks) for name, marks in by_image(names, found).items()}
    return MarkSet(images, path.name, complete=True, notes=(note,) if note else ())


def _findings(path: Path) -> tuple[list[str], Findings]:
    """The series of each row, and the rows."""
    table = read_columns(path, (SERIES, *PLACE), (DIAMETER,))
    found = Findings(_places(table), _diameters(table), np.ones(len(table)), sources=np.arange(1, len(table) + 1))
    return [name.strip() for name in table.cells[SERIES]], found


def _places(table: Columns) -> FloatArray:
    """[n, 3] RAS mm."""
    places: FloatArray = np.stack([table.numbers(name) for name in PLACE], axis=1) * _RAS_FROM_LPS
    return places


def _diameters(table: Columns) -> FloatArray:
    """[n] mm, NaN where the file has none or says that it is not known by a number below zero."""
    if DIAMETER not in table.cells:
        return np.full(len(table), np.nan)
    values = table.numbers(DIAMETER)
    return np.where(values < 0, np.nan, values)
