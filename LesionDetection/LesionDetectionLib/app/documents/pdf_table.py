"""Tables on paper: columns as wide as what stands in them, headings again on each page."""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph
from reportlab.platypus import Table as Grid

from .document import Cell, Column, Row, Table
from .html import hex_color
from .pdf_style import (
    BAR,
    CAPTION,
    CELL,
    HEAD,
    HEAD_NUMBER,
    NUMBER,
    QUIET_BODY,
    RULE,
    printable,
    shortened,
    text_width,
    written,
)

_PADDING = 3.2
"""Left and right of what stands in a cell."""
_DOT = "\u25cf"
_LONGEST_CELL, _LONGEST_NOTE = 800, 1500
"""Signs on paper: a cell that goes through columns must fit on a page, or the layout never ends."""
_LONGEST_NUMBER = 24
_LEAST_COLUMN = 16.0
_SCALES = (1.0, 0.9, 0.8, 0.72)
_MOST_STRETCH = 26.0
"""Of a column: numbers far apart are hard to read across."""


class _Look(NamedTuple):
    """Sizes of one table's lettering, so that its columns fit on the page, and the widths of these."""

    cell: ParagraphStyle
    number: ParagraphStyle
    head: ParagraphStyle
    head_number: ParagraphStyle
    widths: list[float]


def table_groups(table: Table, width: float) -> list[list[Flowable]]:
    """The table and its caption; a long table goes on over pages."""
    look = _look(table, width)
    data: list[list[Any]] = [
        [
            Paragraph(written(column.title), look.head_number if column.numeric else look.head)
            for column in table.columns
        ]
    ]
    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("VALIGN", (0, 1), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.9, RULE),
        ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 2.4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
    ]
    for row in table.rows:
        _add_row(data, style, row, table.columns, look)
    grid = Grid(data, colWidths=look.widths, repeatRows=1, splitInRow=1, hAlign="LEFT", spaceBefore=2, spaceAfter=4)
    grid.setStyle(style)
    caption = [[Paragraph(written(table.caption), CAPTION)]] if table.caption else []
    return [[grid], *caption]


def _add_row(
    data: list[list[Any]], style: list[tuple[Any, ...]], row: Row, columns: tuple[Column, ...], look: _Look
) -> None:
    cells = zip(row.cells, columns, look.widths, strict=True)
    data.append([_shown(cell, column, width, look) for cell, column, width in cells])
    at = len(data) - 1
    if row.note:
        data.append([Paragraph(written(shortened(row.note, _LONGEST_NOTE)), QUIET_BODY), *[""] * (len(columns) - 1)])
        style += [("SPAN", (0, at + 1), (-1, at + 1)), ("NOSPLIT", (0, at), (-1, at + 1))]
        style += [("TOPPADDING", (0, at + 1), (-1, at + 1), 0), ("BOTTOMPADDING", (0, at + 1), (-1, at + 1), 0)]
        at += 1
    style.append(("LINEBELOW", (0, at), (-1, at), 0.4, RULE))


def _shown(cell: Cell | str, column: Column, width: float, look: _Look) -> Flowable:
    cell = Cell(cell) if isinstance(cell, str) else cell
    text = written(_cell_text(cell, column))
    if cell.link:
        text = f"<a href={quoteattr('#' + printable(cell.link))} color='#1a5c96'>{text}</a>"
    if cell.color is not None:
        text = f'<font color="{hex_color(cell.color)}">{_DOT}</font>&nbsp;{text}'
    paragraph = Paragraph(text, look.number if column.numeric else look.cell)
    return paragraph if cell.bar is None else _Barred(paragraph, cell.bar, width - 2 * _PADDING)


class _Barred(Flowable):  # type: ignore[misc]
    """A paragraph over a bar."""

    def __init__(self, paragraph: Paragraph, share: float, width: float) -> None:
        super().__init__()
        self._paragraph, self._share, self.width = paragraph, min(max(share, 0.0), 1.0), width

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        self.width = min(self.width, available_width)
        _, self.height = self._paragraph.wrap(self.width, available_height)
        return self.width, self.height

    def draw(self) -> None:
        self.canv.setFillColor(BAR)
        self.canv.rect(-1, -0.6, (self.width + 2) * self._share, self.height, stroke=0, fill=1)
        self._paragraph.drawOn(self.canv, 0, 0)


def _look(table: Table, width: float) -> _Look:
    """The largest lettering at which no word is broken; the smallest where there is none such."""
    for scale in _SCALES:
        cell, number, head, head_number = (_scaled(style, scale) for style in (CELL, NUMBER, HEAD, HEAD_NUMBER))
        natural, least = _needed(table, cell, head)
        if sum(least) <= width:
            break
    return _Look(cell, number, head, head_number, _column_widths(table, width, natural, least))


def _scaled(style: ParagraphStyle, scale: float) -> ParagraphStyle:
    if scale == 1:
        return style
    return ParagraphStyle(style.name, style, fontSize=scale * style.fontSize, leading=scale * style.leading)


def _needed(table: Table, cell_style: ParagraphStyle, head: ParagraphStyle) -> tuple[list[float], list[float]]:
    """What each column takes on one line, and at least."""
    natural, least = [], []
    for n, column in enumerate(table.columns):
        texts = [(printable(column.title), head)]
        texts += [(_with_dot(row.cells[n], column), cell_style) for row in table.rows]
        lines = [text_width(text, style) for text, style in texts]
        words = [text_width(word, style) for text, style in texts for word in text.split(" ")]
        least.append(max(_LEAST_COLUMN, *words) + 2 * _PADDING + 1)
        natural.append(max(*lines, least[-1] - 2 * _PADDING - 1) + 2 * _PADDING + 1)
    return natural, least


def _column_widths(table: Table, width: float, natural: list[float], least: list[float]) -> list[float]:
    """What each column needs, and a little more where there is room; else columns of long text give way."""
    if sum(natural) <= width:
        noted = any(row.note for row in table.rows)
        more = min((width - sum(natural)) / len(natural), width if noted else _MOST_STRETCH)
        return [n + more for n in natural]
    if sum(least) <= width:
        share = (width - sum(least)) / (sum(natural) - sum(least))
        return [a + (b - a) * share for a, b in zip(least, natural, strict=True)]
    # Words will be broken, in the widest columns first.
    limit = _limit(least, width)
    return [min(n, limit) for n in least]


def _limit(widths: list[float], total: float) -> float:
    """The width at which all wider columns are cut, so that they fill ``total``."""
    rest, left = total, len(widths)
    for n in sorted(widths):
        if n * left >= rest:
            break
        rest, left = rest - n, left - 1
    return rest / max(left, 1)


def _with_dot(cell: Cell | str, column: Column) -> str:
    cell = Cell(cell) if isinstance(cell, str) else cell
    text = printable(_cell_text(cell, column))
    return f"{_DOT}\u00a0{text}" if cell.color else text


def _cell_text(cell: Cell, column: Column) -> str:
    """A number and its unit stay on one line."""
    text = shortened(cell.text, _LONGEST_CELL)
    return text.replace(" ", "\u00a0") if column.numeric and len(text) <= _LONGEST_NUMBER else text
