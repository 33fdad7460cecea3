"""The table of findings: sorts by numbers, keeps what is chosen, never jumps by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from LesionDetectionLib.core.detector import Score
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.io.display import lesion_color

from . import icons
from .context import quietly
from .finding_texts import Row, status_icon, value_heading
from .list_table import as_list
from .shortcuts import on_key

_STATUS, _KIND = 5, 6
_RIGHT = range(1, 5)
"""Columns of numbers, which stand at the right."""


class FindingsTable:
    """Args:
    on_chosen: called when the person chooses other rows.
    on_go_to: called when the person wants to see the current finding: double click or Enter.
    """

    def __init__(self, table: Any, on_chosen: Callable[[], None], on_go_to: Callable[[], None]) -> None:
        self._table, self._on_chosen, self._on_go_to = table, on_chosen, on_go_to
        self._rows: list[Row] = []
        self._sorted_by, self._descending = 1, True
        self._icons: dict[Status, Any] = {}
        self._swatches: dict[int, Any] = {}
        table.setColumnCount(_KIND + 1)
        as_list(table)
        header = table.horizontalHeader()
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setSortIndicatorShown(True)
        self._signals = [
            (header, "sectionClicked(int)", self._on_header),
            (table, "itemSelectionChanged()", self._on_selection),
            (table, "cellDoubleClicked(int,int)", self._on_double_click),
        ]
        for widget, signal, slot in self._signals:
            widget.connect(signal, slot)
        self._keys = [on_key(table, keys, on_go_to) for keys in ("Return", "Enter")]

    def close(self) -> None:
        for widget, signal, slot in self._signals:
            widget.disconnect(signal, slot)

    def draw_again(self) -> None:
        """In the colours of the theme."""
        self._icons = {status: icons.icon(status_icon(status)) for status in Status}
        self._fill(self.chosen)

    def show(self, findings: Findings | None, rejected: bool, score: Score) -> None:
        """Show the listed findings; rejected ones only where ``rejected``. What is chosen stays so."""
        chosen = self.chosen
        listed = [] if findings is None else findings.listed
        items = [item for item in listed if rejected or item.status is not Status.REJECTED]
        self._rows = [] if findings is None else [Row.of(item, findings, score.decimals) for item in items]
        self._headings(score, _("Mean") if findings is None else value_heading(findings))
        self._fill(chosen)

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids in the rows, from top to bottom."""
        return tuple(row.finding.id for row in self._rows)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The ids in the chosen rows, from top to bottom."""
        rows = sorted(index.row() for index in self._table.selectionModel().selectedRows())
        return tuple(self._rows[row].finding.id for row in rows if row < len(self._rows))

    def choose(self, ids: Sequence[str]) -> None:
        """Choose these rows and let the first be seen, as if nothing had been clicked."""
        wanted = [row for row, finding in enumerate(self.shown) if finding in ids]
        with quietly(self._table):
            self._table.clearSelection()
            if len(wanted) == 1:
                self._table.setCurrentCell(wanted[0], 0)
            else:
                for row in wanted:
                    self._table.setRangeSelected(qt.QTableWidgetSelectionRange(row, 0, row, _KIND), True)
        if wanted:
            self._table.scrollToItem(self._table.item(wanted[0], 0))

    def _fill(self, chosen: Sequence[str]) -> None:
        self._rows.sort(key=lambda row: (row.number,))
        self._rows.sort(key=self._key, reverse=self._descending)
        table = self._table
        with quietly(table):
            table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                for column, text in enumerate(row.cells):
                    table.setItem(number, column, self._item(row, column, text))
        self.choose(chosen)

    def _key(self, row: Row) -> tuple[bool, float | str]:
        """Missing numbers come last in either direction."""
        key = row.keys[self._sorted_by]
        missing = isinstance(key, float) and math.isnan(key)
        return missing is not self._descending, 0.0 if missing else key

    def _item(self, row: Row, column: int, text: str) -> Any:
        item = qt.QTableWidgetItem(text)
        if column == 0:
            item.setIcon(self._swatch(row.number))
            item.setData(qt.Qt.UserRole, row.finding.id)
        if column == _STATUS:
            item.setIcon(self._icons[row.finding.status])
        if column in _RIGHT:
            item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        if row.finding.lesion.note:
            item.setToolTip(row.finding.lesion.note)
        return item

    def _swatch(self, number: int) -> Any:
        if number not in self._swatches:
            self._swatches[number] = icons.swatch(lesion_color(number))
        return self._swatches[number]

    def _headings(self, score: Score, value: str) -> None:
        names = [_("No."), _(score.title), _("mm"), _("mL"), value, _("Status"), _("Kind")]
        tips = [
            _("Number of the finding, as on its segment and mark, and its colour there"),
            _(score.help),
            _("Diameter: as the method estimates it, or the longest one that was measured"),
            _("Volume of the outline"),
            _("Mean value inside the outline"),
            _("What you decided"),
            _("What it is; change it with Relabel"),
        ]
        self._table.setHorizontalHeaderLabels(names)
        header = self._table.horizontalHeader()
        header.setMinimumSectionSize(24)
        for column, tip in enumerate(tips):
            self._table.horizontalHeaderItem(column).setToolTip(tip)
        for column in range(len(names)):
            header.setSectionResizeMode(column, header.Stretch if column == _KIND else header.ResizeToContents)
        header.setSortIndicator(self._sorted_by, qt.Qt.DescendingOrder if self._descending else qt.Qt.AscendingOrder)

    def _on_header(self, column: int) -> None:
        chosen = self.chosen
        self._descending = not self._descending if column == self._sorted_by else column in _RIGHT
        self._sorted_by = column
        header = self._table.horizontalHeader()
        header.setSortIndicator(column, qt.Qt.DescendingOrder if self._descending else qt.Qt.AscendingOrder)
        self._fill(chosen)

    def _on_selection(self) -> None:
        self._on_chosen()

    def _on_double_click(self, _row: int, _column: int) -> None:
        self._on_go_to()
