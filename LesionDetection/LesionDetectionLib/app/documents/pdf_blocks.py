"""Each kind of block as reportlab's flowables, things with a height that are laid one below the other: in groups, each of
which stays on one page where it fits on one."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias
from xml.sax.saxutils import quoteattr

from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable, Image, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from .document import Aside, Block, Card, Facts, Items, Notice, Picture, Table, Text, Tiles
from .html import hex_color
from .pdf_style import (
    ABOVE,
    BODY,
    CAPTION,
    CARD_HEADING,
    HEIGHT,
    ITEM,
    NAME,
    NOTICE,
    QUIET_BODY,
    VALUE,
    WARN_PAPER,
    WARN_RULE,
    printable,
    text_width,
    written,
)
from .pdf_table import table_groups

Group: TypeAlias = list[Flowable]
"""What is kept together."""

_POINTS_PER_PIXEL = 72 / 150
"""Of a picture that is not wide: 150 pixels an inch."""
_HIGHEST = 0.8 * HEIGHT
"""Of a picture: a heading and a caption go on its page with it."""
_ASIDE_SHARE, _GAP = 0.66, 12.0
_ASIDE_SIGNS = 700
"""Facts of more text than this would be higher than the page beside a picture; they go below it."""
_TILES = 2
_FACT_COLUMNS = 4
_NAME_SHARE, _NARROW_NAME_SHARE, _NARROW = 0.3, 0.5, 300.0
_BARE = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


def groups(block: Block, width: float) -> list[Group]:
    """A block, laid out to be as wide as ``width`` points."""
    write: Callable[[Any, float], list[Group]] = _WRITERS[type(block)]
    return write(block, width)


def _text(block: Text, _width: float) -> list[Group]:
    return [[Paragraph(written(block.text), QUIET_BODY if block.quiet else BODY)]]


def _items(block: Items, _width: float) -> list[Group]:
    return [[Paragraph(written(text), ITEM, bulletText="•")] for text in block.texts]


def _notice(block: Notice, width: float) -> list[Group]:
    grid = Grid(
        [[Paragraph(written(block.text), NOTICE)]], colWidths=[width], splitInRow=1, spaceBefore=4, spaceAfter=5
    )
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), WARN_PAPER),
            ("LINEBEFORE", (0, 0), (0, -1), 2.6, WARN_RULE),
            ("LEFTPADDING", (0, 0), (-1, -1), 9),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ]
    )
    return [[grid]]


def _facts(block: Facts, width: float) -> list[Group]:
    if not block.pairs:
        return []
    longest = max(text_width(printable(name), NAME) for name, _ in block.pairs)
    first = min(longest + 10, (_NAME_SHARE if width > _NARROW else _NARROW_NAME_SHARE) * width)
    rows = [[Paragraph(written(name), NAME), Paragraph(written(value), VALUE)] for name, value in block.pairs]
    grid = Grid(rows, colWidths=[first, width - first], splitInRow=1, hAlign="LEFT", spaceAfter=4)
    grid.setStyle([*_BARE, ("RIGHTPADDING", (0, 0), (0, -1), 8), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6)])
    return [[grid]]


def _table(block: Table, width: float) -> list[Group]:
    return table_groups(block, width)


def _picture(block: Picture, width: float) -> list[Group]:
    parts: list[Flowable] = [_image(block, width)]
    if block.caption:
        parts.append(Paragraph(written(block.caption), CAPTION))
    return [parts]


def _image(block: Picture, width: float) -> Image:
    pixels = ImageReader(io.BytesIO(block.data)).getSize()
    natural = width if block.wide else min(width, pixels[0] * _POINTS_PER_PIXEL)
    scale = min(natural / pixels[0], _HIGHEST / pixels[1])
    return Image(io.BytesIO(block.data), pixels[0] * scale, pixels[1] * scale, hAlign="LEFT")


def _aside(block: Aside, width: float) -> list[Group]:
    facts = [Facts(((name, value),)) for name, value in block.facts.pairs]
    wide = replace(block.picture, wide=True)
    if sum(len(name) + len(value) for name, value in block.facts.pairs) > _ASIDE_SIGNS:
        return [*_picture(wide, width), *_facts(block.facts, width)]
    first = _ASIDE_SHARE * width
    left: list[Flowable] = [_image(wide, first - _GAP)]
    if wide.caption:
        left.append(Paragraph(written(wide.caption), CAPTION))
    right = [part for fact in facts for part in _stacked(*fact.pairs[0])]
    grid = Grid([[left, right]], colWidths=[first, width - first], spaceBefore=4, spaceAfter=4)
    grid.setStyle(_BARE)
    return [[grid]]


def _stacked(name: str, value: str) -> list[Flowable]:
    return [Paragraph(written(name), NAME), Paragraph(written(value), VALUE), Spacer(0, 3.4)]


def _card(block: Card, width: float) -> list[Group]:
    dot = f'<font color="{hex_color(block.color)}">●</font> ' if block.color else ""
    anchor = f"<a name={quoteattr(printable(block.anchor))}/>" if block.anchor else ""
    subtitle = f'&nbsp;&nbsp; <font name="DejaVuSans" size="7.8" color="#5f6670">{written(block.subtitle)}</font>'
    heading = Paragraph(f"{anchor}{dot}{written(block.title)}{subtitle if block.subtitle else ''}", CARD_HEADING)
    parts: list[Flowable] = [heading]
    if block.picture is not None:
        parts += [_image(replace(block.picture, wide=True), width), Spacer(0, 4)]
        if block.picture.caption:
            parts.append(Paragraph(written(block.picture.caption), CAPTION))
    if block.facts:
        parts.append(_fact_columns(block.facts, width))
    if block.note:
        parts.append(Paragraph(written(block.note), QUIET_BODY))
    return [parts]


def _fact_columns(pairs: tuple[tuple[str, str], ...], width: float) -> Flowable:
    """Names small above their values, in columns."""
    count = max(2, round(_FACT_COLUMNS * width / 500))
    cells = [[Paragraph(written(name), ABOVE), Paragraph(written(value), VALUE)] for name, value in pairs]
    cells += [[] for _ in range(-len(cells) % count)]
    rows = [cells[start : start + count] for start in range(0, len(cells), count)]
    grid = Grid(rows, colWidths=[width / count] * count, splitInRow=1, hAlign="LEFT", spaceAfter=3)
    grid.setStyle([*_BARE, ("RIGHTPADDING", (0, 0), (-1, -1), 6), ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5)])
    return grid


def _tiles(block: Tiles, width: float) -> list[Group]:
    rows = [block.blocks[at : at + _TILES] for at in range(0, len(block.blocks), _TILES)]
    return [group for row in rows for group in _tile_row(row, width)]


def _tile_row(row: tuple[Any, ...], width: float) -> list[Group]:
    """Blocks side by side on one page; below each other, over pages, where one is higher than a page."""
    each = (width - _GAP) / _TILES
    tiles = [[part for group in groups(_widened(block), each) for part in group] for block in row]
    if max(sum(part.wrap(each, HEIGHT)[1] for part in tile) for tile in tiles) > _HIGHEST:
        return [group for block in row for group in groups(block, width)]
    cells, widths = [[part for tile in tiles for part in (tile, [])][:-1]], [each, _GAP] * len(tiles)
    grid = Grid(cells, colWidths=widths[:-1], hAlign="LEFT", spaceBefore=4, spaceAfter=8)
    grid.setStyle(_BARE)
    return [[grid]]


def _widened(block: Any) -> Any:
    return replace(block, wide=True) if isinstance(block, Picture) else block


_WRITERS: dict[type, Callable[[Any, float], list[Flowable]]] = {
    Text: _text,
    Items: _items,
    Notice: _notice,
    Facts: _facts,
    Table: _table,
    Picture: _picture,
    Aside: _aside,
    Card: _card,
    Tiles: _tiles,
}
