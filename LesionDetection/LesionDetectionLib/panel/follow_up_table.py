"""The table of a comparison: one row a lesion at two times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from LesionDetectionLib.app.follow_up_texts import NUMBERS, WHAT, cells, headings
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.follow_up_rows import Row

from . import icons
from .context import quietly
from .list_table import as_list


class FollowUpTable:
    """Args:
    on_chosen: called when the person chooses other rows.
    on_go_to: called with the row of a double click.
    """

    def __init__(self, table: Any, on_chosen: Callable[[], None], on_go_to: Callable[[Row], None]) -> None:
        self._table, self._on_chosen, self._on_go_to = table, on_chosen, on_go_to
        self._rows: tuple[Row, ...] = ()
        texts = headings()
        table.setColumnCount(len(texts))
        table.setHorizontalHeaderLabels([text.title for text in texts])
        for column, text in enumerate(texts):
            table.horizontalHeaderItem(column).setToolTip(text.tip)
        as_list(table)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(24)
        header.setHighlightSections(False)
        for column in range(len(texts)):
            header.setSectionResizeMode(column, header.Stretch if column == WHAT else header.ResizeToContents)
        self._signals = [
            (table, "itemSelectionChanged()", self._on_selection),
            (table, "cellDoubleClicked(int,int)", self._on_double_click),
        ]
        for widget, signal, slot in self._signals:
            widget.connect(signal, slot)

    def close(self) -> None:
        for widget, signal, slot in self._signals:
            widget.disconnect(signal, slot)

    def show(self, comparison: FollowUp | None) -> None:
        self._rows = () if comparison is None else comparison.rows
        with quietly(self._table):
            self._table.clearSelection()
            self._table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                for column, text in enumerate(cells(row)):
                    self._table.setItem(number, column, _item(row, column, text))

    @property
    def chosen(self) -> tuple[Row, ...]:
        """The chosen rows, from top to bottom."""
        rows = sorted(index.row() for index in self._table.selectionModel().selectedRows())
        return tuple(self._rows[row] for row in rows if row < len(self._rows))

    def _on_selection(self) -> None:
        self._on_chosen()

    def _on_double_click(self, row: int, _column: int) -> None:
        self._on_go_to(self._rows[row])


def _item(row: Row, column: int, text: str) -> Any:
    item = qt.QTableWidgetItem(text)
    if column == 0 and row.target:
        item.setIcon(icons.icon("show"))
    if column in NUMBERS:
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    if row.remark:
        item.setToolTip(row.remark)
    return item
