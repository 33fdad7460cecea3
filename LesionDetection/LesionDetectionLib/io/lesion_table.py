"""Lesions as rows and columns: one table for the CSV file, Slicer's table node and the report."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.finding import Finding, Findings
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion

Cell = int | float | str | None
"""A value of the table; None where the lesion does not have it."""

VOLUME = "volume_mm3"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins so (OWASP, CSV injection)."""


@dataclass(frozen=True)
class Column:
    """One column: its name with the unit in it, and its value for each lesion, in rank order."""

    name: str
    kind: type
    values: tuple[Cell, ...]


def lesion_columns(detections: Detections) -> tuple[Column, ...]:
    """All that is known of the lesions. Positions are RAS mm; measurements follow in the order in which they appear."""
    lesions = detections.lesions
    measured = [named_measurements(lesion, detections.geometry) for lesion in lesions]
    names = list(dict.fromkeys(name for measurements in measured for name in measurements))
    recists = [lesion.recist for lesion in lesions]
    return (
        Column("rank", int, tuple(range(1, len(lesions) + 1))),
        Column("score", float, tuple(lesion.score for lesion in lesions)),
        Column("diameter_mm", float, tuple(lesion.diameter_mm for lesion in lesions)),
        *(
            Column(f"{axis}_mm", float, tuple(lesion.center_ras_mm[n] for lesion in lesions))
            for n, axis in enumerate("ras")
        ),
        Column("long_axis_mm", float, tuple(None if recist is None else recist.long_mm for recist in recists)),
        Column("short_axis_mm", float, tuple(None if recist is None else recist.short_mm for recist in recists)),
        *(Column(name, float, tuple(each.get(name) for each in measured)) for name in names),
        Column("meaning", str, tuple(lesion.meaning.meaning for lesion in lesions)),
        Column("code", str, tuple(f"{lesion.meaning.scheme}:{lesion.meaning.value}" for lesion in lesions)),
        Column("method", str, tuple(lesion.method or detections.method for lesion in lesions)),
        Column("model", str, tuple(lesion.model for lesion in lesions)),
        Column("note", str, tuple(lesion.note for lesion in lesions)),
    )


def finding_columns(findings: Findings) -> tuple[Column, ...]:
    """The listed findings with what a person decided; otherwise the columns of :func:`lesion_columns`."""
    listed = findings.listed
    rank, *rest = lesion_columns(findings.as_detections(listed))
    return (
        rank,
        Column("id", str, tuple(item.id for item in listed)),
        Column("status", str, tuple(item.status.value for item in listed)),
        Column("origin", str, tuple(item.origin for item in listed)),
        Column("corrected", str, tuple("yes" if item.corrected else "no" for item in listed)),
        *rest,
    )


def finding_label(item: Finding) -> str:
    """``L1 0.93 15 mm``; what a person made has no score worth showing: ``L7 12 mm``."""
    score = "" if item.by_person else f" {item.lesion.score:.2f}"
    return f"{item.id}{score} {item.lesion.diameter_mm:.0f} mm"


def named_measurements(lesion: Lesion, geometry: Geometry) -> dict[str, float]:
    """The lesion's measurements, volume first; the volume is counted from the mask where the method gave none."""
    volume = lesion.measurements.get(VOLUME)
    if volume is None and lesion.mask is not None:
        volume = lesion.mask.count * geometry.voxel_volume_mm3
    rest = {name: value for name, value in lesion.measurements.items() if name != VOLUME}
    return rest if volume is None else {VOLUME: volume, **rest}


def lesion_label(rank: int, lesion: Lesion) -> str:
    """``L1 0.93 15 mm``: rank, score, diameter, as on every segment and mark."""
    return f"L{rank} {lesion.score:.2f} {lesion.diameter_mm:.0f} mm"


def write_csv(detections: Detections, path: Path) -> None:
    """Write the lesions as :func:`write_columns` does. Raises OutputError."""
    write_columns(lesion_columns(detections), path)


def write_columns(columns: Sequence[Column], path: Path) -> None:
    """Write columns as comma-separated values (RFC 4180, UTF-8, CRLF), whole or not at all.

    Numbers are written with all digits that matter (they read back exactly), missing ones as empty cells. Text that a
    spreadsheet would run as a formula gets a leading apostrophe.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    for row in zip(*(column.values for column in columns), strict=True):
        writer.writerow(_csv_cells(row))
    with atomic_file(path) as temporary:
        temporary.write_bytes(text.getvalue().encode("utf-8"))


def _csv_cells(row: Sequence[Cell]) -> list[str]:
    return [safe_text(value) if isinstance(value, str) else "" if value is None else repr(value) for value in row]


def safe_text(text: str) -> str:
    """Text for a cell of a CSV file: one that a spreadsheet would run as a formula gets an apostrophe first."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
