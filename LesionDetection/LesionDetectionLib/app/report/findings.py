"""The findings: a table of all, and a card for each."""

from __future__ import annotations

from LesionDetectionLib.core.finding import Finding
from LesionDetectionLib.io.display import lesion_color
from LesionDetectionLib.io.lesion_table import VOLUME, named_measurements

from ..documents.document import Card, Cell, Column, Picture, Row, Section, Table, Text
from ..threshold_text import score_of
from .study import Draw, Study
from .summary import decision, lead, made_by
from .words import OTHER_SUV, axes_text, is_large, measurement, number

_NONE = "–"
_NOT_LISTED = ("_mm", *OTHER_SUV)
_SAME_VOLUME = "mtv_ml"
"""The volume by another name."""
_AXES = "R, A, S: millimetres to the patient’s right, anterior and superior, as Slicer shows them."


def list_section(study: Study) -> Section:
    """All findings in one table."""
    return Section("Findings", (_table(study) if study.items else Text(lead(study)),), "findings")


def cards_section(study: Study, picture: Draw) -> Section | None:
    """Each finding with its picture; None where there is none."""
    cards = tuple(_card(study, item, picture(rank)) for rank, item in enumerate(study.items, 1))
    return Section("Each finding", cards, "each") if cards else None


def _table(study: Study) -> Table:
    """Only columns that some lesion fills; further lengths, and SUV of other types, stand with each finding, or the page would
    be too narrow."""
    items, score = study.items, score_of(study.detections)
    full = max([1.0, *(item.lesion.score for item in items)])
    columns = [
        ("Finding", [Cell(item.id, item.id, color=lesion_color(item.number)) for item in items]),
        (score.title, [] if study.all_by_person else [_score_cell(item, score.decimals, full) for item in items]),
        ("Diameter mm", [f"{item.lesion.diameter_mm:.1f}" for item in items]),
        ("Long × short mm", [axes_text(item.lesion) for item in items] if any(i.lesion.recist for i in items) else []),
        *_measured(study).items(),
        *((axis, [number(item.lesion.center_ras_mm[n], 1) for item in items]) for n, axis in enumerate("RAS")),
        ("Decision", [decision(item) for item in items] if study.reviewed else []),
    ]
    filled = [(title, cells) for title, cells in columns if cells]
    headings = tuple(Column(title, title not in ("Finding", "Decision")) for title, _ in filled)
    rows = zip(items, zip(*(cells for _, cells in filled), strict=True), strict=True)
    return Table(headings, tuple(Row(cells, item.lesion.note) for item, cells in rows), _AXES)


def _measured(study: Study) -> dict[str, list[str]]:
    """The measurements by heading, a cell for each finding."""
    each = [named_measurements(item.lesion, study.detections.geometry) for item in study.items]
    large = any(is_large(values.get(VOLUME, 0.0)) for values in each)
    names = [
        name for name in dict.fromkeys(name for values in each for name in values) if not name.endswith(_NOT_LISTED)
    ]
    if VOLUME in names:
        names = [name for name in names if name != _SAME_VOLUME]
    columns: dict[str, list[str]] = {}
    for name in names:
        heading = measurement(name, 0.0, large).heading
        columns[heading] = [measurement(name, one[name], large).text if name in one else _NONE for one in each]
    return columns


def _score_cell(item: Finding, decimals: int, full: float) -> Cell:
    """Over a bar of that length; ``full`` is one, or the highest where scores are no shares of one."""
    if item.by_person:  # its score is no method's
        return Cell(_NONE)
    return Cell(f"{item.lesion.score:.{decimals}f}", bar=item.lesion.score / full)


def _card(study: Study, item: Finding, data: bytes) -> Card:
    lesion, score = item.lesion, score_of(study.detections)
    facts = [] if item.by_person else [(score.title, f"{lesion.score:.{score.decimals + 1}f}")]
    facts.append(("Diameter", f"{lesion.diameter_mm:.1f} mm"))
    if lesion.recist is not None:
        facts.append(("Long × short axis", f"{axes_text(lesion)} mm"))
    measured = named_measurements(lesion, study.detections.geometry)
    facts += [(one.title, one.whole) for one in (measurement(name, value) for name, value in measured.items())]
    facts.append(("R, A, S", ", ".join(number(part, 1) for part in lesion.center_ras_mm) + " mm"))
    meaning = lesion.meaning.meaning
    return Card(
        title=item.id,
        subtitle=" · ".join(filter(None, (meaning, decision(item) if study.reviewed else "", made_by(item)))),
        anchor=item.id,
        color=lesion_color(item.number),
        picture=Picture(data, f"{meaning} {item.id} in an axial, a coronal and a sagittal slice", wide=True),
        facts=tuple(facts),
        note=lesion.note,
    )
