"""What a user interface says of findings: the table, the lines below it, the meaning of a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from LesionDetectionLib.core.detections import Control
from LesionDetectionLib.core.detector import Score
from LesionDetectionLib.core.finding import CLICKED, DRAWN, MERGED, Finding, Findings, Status
from LesionDetectionLib.core.lesion import LESION, MASS, NEOPLASM, NODULE, Code
from LesionDetectionLib.io.lesion_table import VOLUME, named_measurements

from .operating import OperatingCurve
from .translation import tr as _

MEANINGS: tuple[Code, ...] = (
    NODULE,
    MASS,
    NEOPLASM,
    Code("367643001", "SCT", "Cyst"),
    Code("59441001", "SCT", "Lymph node"),
    LESION,
)
"""What a finding can be called; the terms of ``LesionDetection.term.json``."""

NUMBERS, STATUS, KIND = range(1, 5), 5, 6
"""Columns of the table: those of numbers, which stand at the right; the decision; the meaning."""

_RECIST = "recist"
"""``method`` of a lesion that was made of two drawn diameters."""
_VALUES = (("hu", "HU"), ("suvbw", "SUV"), ("bqml", "Bq/ml"), ("value", ""))
"""Ends of measurements' names, and the unit on screen."""


def status_word(status: Status) -> str:
    return {Status.NEW: _("New"), Status.ACCEPTED: _("Accepted"), Status.REJECTED: _("Rejected")}[status]


def status_icon(status: Status) -> str:
    """Name of its icon."""
    return {Status.NEW: "undecided", Status.ACCEPTED: "accept", Status.REJECTED: "reject"}[status]


def _value_heading(findings: Findings) -> str:
    """Heading of the column of mean values: their unit."""
    return {"HU": "HU", "SUVbw": "SUV", "Bq/ml": "Bq/ml"}.get(findings.run.unit, _("Mean"))


@dataclass(frozen=True)
class Row:
    """A finding in the table: what is shown, and what is sorted by. Missing numbers are NaN."""

    finding: Finding
    number: int
    score: float
    size_mm: float
    volume_ml: float
    mean: float
    score_decimals: int = 2

    @classmethod
    def of(cls, finding: Finding, findings: Findings, score_decimals: int = 2) -> Row:
        lesion = finding.lesion
        measured = named_measurements(lesion, findings.run.geometry)
        volume = measured.get(VOLUME, math.nan) / 1000
        mean = next((measured[f"mean_{end}"] for end, _unit in _VALUES if f"mean_{end}" in measured), math.nan)
        score = math.nan if finding.by_person else lesion.score
        return cls(finding, finding.number, score, lesion.diameter_mm, volume, mean, score_decimals)

    @property
    def cells(self) -> tuple[str, ...]:
        decimals = 2 if abs(self.mean) < 20 else 0
        return (
            self.finding.id,
            _number(self.score, self.score_decimals),
            _number(self.size_mm, 1),
            _number(self.volume_ml, 2),
            _number(self.mean, decimals),
            status_word(self.finding.status),
            _(self.finding.lesion.meaning.meaning),
        )

    @property
    def keys(self) -> tuple[float | str, ...]:
        return (
            self.number,
            self.score,
            self.size_mm,
            self.volume_ml,
            self.mean,
            self.finding.status.value,
            self.finding.lesion.meaning.meaning,
        )


def rows_of(findings: Findings | None, rejected: bool, score: Score) -> list[Row]:
    """The listed findings; rejected ones only where ``rejected``. ``score`` says what their method's score is."""
    if findings is None:
        return []
    items = [item for item in findings.listed if rejected or item.status is not Status.REJECTED]
    return [Row.of(item, findings, score.decimals) for item in items]


def sorted_rows(rows: Iterable[Row], column: int, descending: bool) -> list[Row]:
    """By a column, equal ones by their number; missing numbers come last in either direction."""

    def key(row: Row) -> tuple[bool, float | str]:
        value = row.keys[column]
        missing = isinstance(value, float) and math.isnan(value)
        return missing is not descending, 0.0 if missing else value

    return sorted(sorted(rows, key=lambda row: row.number), key=key, reverse=descending)


class Heading(NamedTuple):
    """Of a column, and what its tool tip says."""

    title: str
    tip: str


def headings(findings: Findings | None, score: Score) -> tuple[Heading, ...]:
    """Of the table's columns, in the order of :attr:`Row.cells`."""
    return (
        Heading(_("No."), _("Number of the finding, as on its segment and mark, and its colour there")),
        Heading(_(score.title), _(score.help)),
        Heading(_("mm"), _("Diameter: as the method estimates it, or the longest one that was measured")),
        Heading(_("mL"), _("Volume of the outline")),
        Heading(_("Mean") if findings is None else _value_heading(findings), _("Mean value inside the outline")),
        Heading(_("Status"), _("What you decided")),
        Heading(_("Kind"), _("What it is; change it with Relabel")),
    )


def neighbour(shown: Sequence[str], current: str, by: int, was: str = "", among: Sequence[str] = ()) -> str:
    """The id in the next row of the table (``by`` 1), the first after the last, or in the row before (-1); empty where none is
    shown.

    Where the current one has left the table, as it was rejected or deleted, its neighbours are those that it had; without any
    it is the first on the way forward, and the last on the way back.

    Args:
        was: the id that was last looked at in the table.
        among: the ids that the table showed then.
    """
    at = current if current in shown else was
    if at in shown:
        return shown[(shown.index(at) + by) % len(shown)]
    place = among.index(at) if at in among else -1
    onward = [*among[place + 1 :], *among[: max(place, 0)], *shown]
    back = [*reversed(among[: max(place, 0)]), *reversed(among[place + 1 :]), *reversed(shown)]
    return next((one for one in (onward if by > 0 else back) if one in shown), "")


def about_finding(finding: Finding, findings: Findings) -> str:
    """What was measured of a finding, and what the person should know of it; lines of plain text."""
    lesion = finding.lesion
    measured = named_measurements(lesion, findings.run.geometry)
    parts = []
    if lesion.recist is not None:
        text = _("longest diameter {long:.1f} mm, across {short:.1f} mm")
        parts.append(text.format(long=lesion.recist.long_mm, short=lesion.recist.short_mm))
    else:
        parts.append(_("diameter about {size:.1f} mm").format(size=lesion.diameter_mm))
    if VOLUME in measured:
        parts.append(_("volume {volume:.2f} mL").format(volume=measured[VOLUME] / 1000))
    for end, unit in _VALUES:
        if f"mean_{end}" in measured:
            text = _("mean {mean:.{digits}f}, highest {most:.{digits}f} {unit}")
            digits = 1 if unit == "SUV" else 0
            values = {"mean": measured[f"mean_{end}"], "most": measured.get(f"max_{end}", math.nan)}
            parts.append(text.format(**values, unit=unit, digits=digits).strip())
    lines = [f"{finding.id}: {', '.join(parts)}."]
    origin = {CLICKED: _("Measured by click."), MERGED: "", DRAWN: _("Drawn by hand.")}.get(finding.origin, "")
    if lesion.method == _RECIST:
        origin = _("Outlined from two diameters.")
    changed = _("Changed by hand.") if finding.corrected and finding.origin not in (MERGED, DRAWN) else ""
    rest = " ".join(part for part in (origin, changed, lesion.note) if part)
    return "\n".join([*lines, *([rest] if rest else [])])


def about_threshold(findings: Findings, curve: OperatingCurve | None, on_phantoms: bool, score: Score) -> str:
    """What the threshold means, and how many findings it shows."""
    threshold, count = findings.threshold, _counts(findings)
    if curve is None:
        least = _("{score} {threshold:.{digits}f} and more").format(
            score=_(score.title), threshold=threshold, digits=score.decimals
        )
        if "model" not in findings.run.provenance:
            return f"{least}. {count}"
        unknown = _("how many false marks that gives is not known for this model")
        return f"{least}; {unknown}. {count}"
    rate, found = curve.fp_at(threshold), 100 * curve.sensitivity_of(threshold)
    text = _("≈ {rate} false marks per scan, finds about {found:.0f} %")
    scans = _(" (measured on {scans} scans)").format(scans=curve.scans) if curve.scans else ""
    if on_phantoms:
        scans = _(" (on phantoms)")
    return f"{text.format(rate=_rate(rate), found=found)}{scans}. {count}"


def about_controls(findings: Findings) -> str:
    """What the controls of the run mean where they stand, and how many findings they show."""
    controls = [control for control in findings.run.controls if control.value > control.lowest]
    if not controls:
        return f"{_('All that was found is shown.')} {_counts(findings)}"
    above = _(" and ").join(
        _("{what} above {value:.{digits}f} {unit}")
        .format(what=_quantity(control), value=control.value, digits=control.decimals, unit=control.unit)
        .rstrip()
        for control in controls
    )
    somewhere = any(len(item.lesion.evidence) > 1 for item in findings.items)
    text = _("Shown with {above} in one slice at least.") if somewhere else _("Shown with {above}.")
    return f"{text.format(above=above)} {_counts(findings)}"


def inside_a_sentence(title: str) -> str:
    """A title where it does not begin a sentence: ``Lesion similarity`` in small letters, ``SUVmax`` as it is."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _quantity(control: Control) -> str:
    """What a control is the least value of: ``area`` of ``Least area``."""
    return inside_a_sentence(control.title.removeprefix(_("Least ")))


def _counts(findings: Findings) -> str:
    shown = len(findings.listed)
    return _("{shown} shown, {hidden} hidden.").format(shown=shown, hidden=len(findings.items) - shown)


def _rate(rate: float) -> str:
    return f"{rate:.2f}" if rate < 0.095 else f"{rate:.1f}" if rate < 9.5 else f"{rate:.0f}"


def _number(value: float, decimals: int) -> str:
    return "" if math.isnan(value) else f"{value:.{decimals}f}"
