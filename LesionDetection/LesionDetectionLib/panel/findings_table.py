"""The table of findings: sorts by numbers, keeps what is chosen, never jumps by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from LesionDetectionLib.app.finding_texts import (
    KIND,
    NUMBERS,
    STATUS,
    Row,
    headings,
    rows_of,
    sorted_rows,
    status_icon,
)
from LesionDetectionLib.core.detector import Score
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.io.display import lesion_color

from . import icons
from .context import quietly
from .list_table import as_list
from .shortcuts import on_key


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
        table.setColumnCount(KIND + 1)
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
        self._rows = rows_of(findings, rejected, score)
        self._headings(findings, score)
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
                    self._table.setRangeSelected(qt.QTableWidgetSelectionRange(row, 0, row, KIND), True)
        if wanted:
            self._table.scrollToItem(self._table.item(wanted[0], 0))

    def _fill(self, chosen: Sequence[str]) -> None:
        self._rows = sorted_rows(self._rows, self._sorted_by, self._descending)
        table = self._table
        with quietly(table):
            table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                for column, text in enumerate(row.cells):
                    table.setItem(number, column, self._item(row, column, text))
        self.choose(chosen)

    def _item(self, row: Row, column: int, text: str) -> Any:
        item = qt.QTableWidgetItem(text)
        if column == 0:
            item.setIcon(self._swatch(row.number))
            item.setData(qt.Qt.UserRole, row.finding.id)
        if column == STATUS:
            item.setIcon(self._icons[row.finding.status])
        if column in NUMBERS:
            item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        if row.finding.lesion.note:
            item.setToolTip(row.finding.lesion.note)
        return item

    def _swatch(self, number: int) -> Any:
        if number not in self._swatches:
            self._swatches[number] = icons.swatch(lesion_color(number))
        return self._swatches[number]

    def _headings(self, findings: Findings | None, score: Score) -> None:
        texts = headings(findings, score)
        self._table.setHorizontalHeaderLabels([text.title for text in texts])
        header = self._table.horizontalHeader()
        header.setMinimumSectionSize(24)
        for column, text in enumerate(texts):
            self._table.horizontalHeaderItem(column).setToolTip(text.tip)
            header.setSectionResizeMode(column, header.Stretch if column == KIND else header.ResizeToContents)
        header.setSortIndicator(self._sorted_by, qt.Qt.DescendingOrder if self._descending else qt.Qt.AscendingOrder)

    def _on_header(self, column: int) -> None:
        chosen = self.chosen
        self._descending = not self._descending if column == self._sorted_by else column in NUMBERS
        self._sorted_by = column
        header = self._table.horizontalHeader()
        header.setSortIndicator(column, qt.Qt.DescendingOrder if self._descending else qt.Qt.AscendingOrder)
        self._fill(chosen)

    def _on_selection(self) -> None:
        self._on_chosen()

    def _on_double_click(self, _row: int, _column: int) -> None:
        self._on_go_to()
