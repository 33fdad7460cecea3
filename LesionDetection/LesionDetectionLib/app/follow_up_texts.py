"""What a user interface says of a comparison: the table's headings and cells, and the category."""

from __future__ import annotations

from LesionDetectionLib.core.follow_up_rows import CANDIDATE, GONE, NEW, NOT_FOUND, PAIRED, Row
from LesionDetectionLib.core.response import TITLES, Response

from .finding_texts import Heading
from .translation import tr as _

NUMBERS, WHAT = range(2, 5), 5
"""Columns of the table: those of numbers, which stand at the right; what became of the lesion."""


def needs_two() -> str:
    """What is said where there is nothing to compare."""
    return _("Needs two results of one patient: load both examinations, and detect or measure in each.")


def headings() -> tuple[Heading, ...]:
    """Of the table's columns, in the order of :func:`cells`."""
    return (
        Heading(_("Earlier"), _("Finding of the earlier examination; a mark says that it is a target lesion")),
        Heading(_("Later"), _("Finding of the later examination")),
        Heading(_("mm"), _("Diameter that counts, earlier: short axis of a lymph node, long axis of any other lesion")),
        Heading(_("now"), _("The same diameter later")),
        Heading(_("%"), _("Change of the diameter")),
        Heading(_("What"), _("What became of it")),
    )


def cells(row: Row) -> tuple[str, ...]:
    """Of a lesion at two times, as the table shows it."""
    kinds = {
        PAIRED: row.meaning,
        NOT_FOUND: _("not found again"),
        GONE: _("disappeared"),
        NEW: _("new lesion"),
        CANDIDATE: _("new? not decided"),
    }
    change = "" if row.change_percent is None else f"{row.change_percent:+.0f}"
    return (
        row.baseline_id,
        row.follow_up_id,
        _number(row.baseline_mm),
        _number(row.follow_up_mm),
        change,
        kinds[row.kind],
    )


def category_title(response: Response) -> str:
    """What the category's letters stand for."""
    return _(TITLES[response.category])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
