"""A document as one self-contained page: no script, nothing loaded from anywhere, every text escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.io.display import Color

from .document import (
    Aside,
    Block,
    Card,
    Cell,
    Column,
    Document,
    Facts,
    Items,
    Notice,
    Picture,
    Row,
    Section,
    Table,
    Text,
    Tiles,
    clean,
)

_TEMPLATE = Path(__file__).with_name("page.html")
_LEAST_LINKED = 3
"""A document of so many headings has links to them at its top."""


def html_text(document: Document) -> str:
    """The page as text."""
    titled = [(_anchor(number, section), section.title) for number, section in _numbered(document) if section.title]
    links = " ".join(f'<a href="#{_text(anchor)}">{_text(title)}</a>' for anchor, title in titled)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        head_title=_text(f"{document.kind}: {document.title}"),
        patient=f'<p class="patient">{_text(document.patient)}</p>' if document.patient else "",
        kind=_text(document.kind),
        title=_text(document.title),
        lead=f'<p class="summary">{_text(document.lead)}</p>' if document.lead else "",
        warnings=_lines(_notice(Notice(sentence)) for sentence in document.warnings),
        contents=f"<nav>{links}</nav>" if len(titled) >= _LEAST_LINKED else "",
        sections=_lines(_section(_anchor(number, section), section) for number, section in _numbered(document)),
        footer=_lines(f"<p>{_text(sentence)}</p>" for sentence in document.footer),
    )


def write_html(path: Path, document: Document) -> None:
    """Write the page, whole or not at all. Raises OutputError."""
    with atomic_file(path) as temporary:
        temporary.write_text(html_text(document), encoding="utf-8")


def _numbered(document: Document) -> Iterable[tuple[int, Section]]:
    return enumerate(document.sections, 1)


def _anchor(number: int, section: Section) -> str:
    return section.anchor or f"s{number}"


def _section(anchor: str, section: Section) -> str:
    heading = f"<h2>{_text(section.title)}</h2>\n" if section.title else ""
    return f'<section id="{_text(anchor)}">\n{heading}{_lines(map(_block, section.blocks))}\n</section>'


def _block(block: Block) -> str:
    write: Callable[[Any], str] = _WRITERS[type(block)]
    return write(block)


def _paragraph(block: Text) -> str:
    return f'<p class="quiet">{_text(block.text)}</p>' if block.quiet else f"<p>{_text(block.text)}</p>"


def _items(block: Items) -> str:
    return f"<ul>\n{_lines(f'<li>{_text(text)}</li>' for text in block.texts)}\n</ul>"


def _notice(block: Notice) -> str:
    return f'<p class="warning" role="note">{_text(block.text)}</p>'


def _facts(block: Facts) -> str:
    pairs = _lines(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in block.pairs)
    return f"<dl>\n{pairs}\n</dl>"


def _table(block: Table) -> str:
    heads = "".join(f'<th scope="col"{_kind(column)}>{_text(column.title)}</th>' for column in block.columns)
    rows = _lines(_row(row, block.columns) for row in block.rows)
    caption = f"<caption>{_text(block.caption)}</caption>\n" if block.caption else ""
    return (
        f'<div class="wide"><table>\n{caption}<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    )


def _row(row: Row, columns: tuple[Column, ...]) -> str:
    cells = "".join(f"<td{_kind(column)}>{_cell(cell)}</td>" for column, cell in zip(columns, row.cells, strict=True))
    note = f'\n<tr class="note"><td class="text" colspan="{len(columns)}">{_text(row.note)}</td></tr>'
    return f"<tr>{cells}</tr>{note if row.note else ''}"


def _cell(cell: Cell | str) -> str:
    if isinstance(cell, str):
        return _text(cell)
    inner = _text(cell.text)
    if cell.link or cell.file:
        # Quoted and behind “./” a path can be no address of another kind.
        target = f"#{cell.link}" if cell.link else f"./{quote(cell.file)}"
        inner = f'<a href="{_text(target)}">{inner}</a>'
    if cell.bar is not None:
        percent = 100 * min(max(cell.bar, 0.0), 1.0)
        style = f"background:linear-gradient(to right,var(--bar) {percent:.0f}%,transparent {percent:.0f}%)"
        inner = f'<span class="score" style="{style}">{inner}</span>'
    return _dot(cell.color) + inner


def _kind(column: Column) -> str:
    return "" if column.numeric else ' class="text"'


def _picture(block: Picture) -> str:
    return _figure(block, "wide" if block.wide else "own")


def _figure(picture: Picture, kind: str = "wide") -> str:
    source = f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"
    below = f"<figcaption>{_text(picture.caption)}</figcaption>" if picture.caption else ""
    return f'<figure class="{kind}"><img src="{source}" alt="{_text(picture.alternative)}">{below}</figure>'


def _aside(block: Aside) -> str:
    return f'<div class="top">\n{_figure(block.picture)}\n{_facts(block.facts)}\n</div>'


def _card(block: Card) -> str:
    anchor = f' id="{_text(block.anchor)}"' if block.anchor else ""
    subtitle = f'<span class="quiet">{_text(block.subtitle)}</span>' if block.subtitle else ""
    up = '<a class="up" href="#top">back to top</a>' if block.anchor else ""
    facts = "".join(f"<li><span>{_text(name)}</span>{_text(value)}</li>" for name, value in block.facts)
    parts = [
        f"<header><h3>{_dot(block.color)}{_text(block.title)}</h3>{subtitle}{up}</header>",
        _figure(block.picture) if block.picture else "",
        f'<ul class="facts">{facts}</ul>' if facts else "",
        f'<p class="note">{_text(block.note)}</p>' if block.note else "",
    ]
    return f'<article class="lesion"{anchor}>\n{_lines(filter(None, parts))}\n</article>'


def _tiles(block: Tiles) -> str:
    return f'<div class="tiles">\n{_lines(map(_block, block.blocks))}\n</div>'


def _dot(color: Color | None) -> str:
    return f'<span class="dot" style="background:{hex_color(color)}"></span>' if color else ""


def hex_color(color: Color) -> str:
    """``#e08a2b``."""
    return "#" + "".join(f"{round(255 * min(max(part, 0.0), 1.0)):02x}" for part in color)


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _text(value: str) -> str:
    return html.escape(clean(value), quote=True)


_WRITERS: dict[type, Callable[[Any], str]] = {
    Text: _paragraph,
    Items: _items,
    Notice: _notice,
    Facts: _facts,
    Table: _table,
    Picture: _picture,
    Aside: _aside,
    Card: _card,
    Tiles: _tiles,
}
