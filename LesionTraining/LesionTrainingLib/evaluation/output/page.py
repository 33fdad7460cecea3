"""Results as pages: paragraphs, tables and plots put into a document, which is written as HTML and as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from LesionDetectionLib.app.documents import document as documents
from LesionDetectionLib.app.documents.html import write_html

from .figures import Plot
from .tables import Table

LIMITS = (
    "Research software, not a medical device, and not for clinical decisions. Figures hold for the data that they were "
    "measured on, under the rules that are named with them."
)
PAGE, PDF = "index.html", "report.pdf"
_TILE_COLUMNS, _TILE_ROWS, _TILE_SIGNS = 5, 12, 40
"""A table of at most this size, with texts of at most this length, stands beside a plot."""

Block = str | Table | Plot | documents.Block
"""A paragraph, a table, a plot, or a block of documents."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it. Plots that follow each other, and small tables among them, stand side by side
    where there is room."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """What :func:`write_page` writes.

    Attributes:
        title: what was judged.
        lead: the answer in one sentence.
        warnings: what makes it mean less than it seems, such as phantoms; in boxes, first.
        sections: the rest, in order.
        kind: small print above the title.
        footer: sentences at the end.
    """

    title: str
    lead: str
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    kind: str = "Evaluation"
    footer: tuple[str, ...] = (LIMITS,)


def write_page(path: Path, page: Page) -> None:
    """Write the page as HTML, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_html(path, as_document(page))


def write_report(folder: Path, page: Page | documents.Document) -> None:
    """Write the page as ``index.html`` and, where reportlab is installed, as ``report.pdf``; each whole or not at all.

    Raises:
        OutputError: they cannot be written.
    """
    from LesionDetectionLib.app.packages import PACKAGES, find

    document = as_document(page) if isinstance(page, Page) else page
    write_html(folder / PAGE, document)
    if find(PACKAGES["reportlab"]).good:
        from LesionDetectionLib.app.documents.pdf import write_pdf

        write_pdf(folder / PDF, document)


def as_document(page: Page) -> documents.Document:
    """The same as a document."""
    sections = tuple(documents.Section(one.title, _blocks(one.blocks)) for one in page.sections)
    return documents.Document(page.kind, page.title, page.lead, page.warnings, sections, page.footer)


def _blocks(blocks: Sequence[Block]) -> tuple[documents.Block, ...]:
    made: list[documents.Block] = []
    for small, group in groupby(blocks, key=_is_small):
        if small:
            made.append(documents.Tiles(tuple(map(_tile, group))))
        else:
            made += [_block(block) for block in group]
    return tuple(made)


def _is_small(block: Block) -> bool:
    """What may stand side by side: plots that are not wide, and tables that are no larger than a plot."""
    if isinstance(block, Table):
        longest = max((len(cell) for row in block.rows for cell in row if isinstance(cell, str)), default=0)
        return len(block.columns) <= _TILE_COLUMNS and len(block.rows) <= _TILE_ROWS and longest <= _TILE_SIGNS
    return isinstance(block, Plot) and not block.wide


def _tile(block: Block) -> documents.Picture | documents.Table:
    made = _block(block)
    assert isinstance(made, (documents.Picture, documents.Table))
    return made


def _block(block: Block) -> documents.Block:
    if isinstance(block, str):
        return documents.Text(block)
    if isinstance(block, Plot):
        return documents.Picture(block.png, block.alternative, block.caption)
    return _table(block) if isinstance(block, Table) else block


def _table(table: Table) -> documents.Table:
    """Numbers stand right, texts left."""
    columns = tuple(
        documents.Column(name, table.is_numeric(column) or not table.rows) for column, name in enumerate(table.columns)
    )
    rows = tuple(documents.Row(tuple(map(table.shown, row))) for row in table.rows)
    return documents.Table(columns, rows, table.caption)
