"""What a report says, as a value: headings and blocks, without a word on how they look. ``html`` and ``pdf`` write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from LesionDetectionLib.io.display import Color

_PNG = b"\x89PNG\r\n\x1a\n"
_UNWRITABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
"""Control characters, which XML and HTML refuse, and marks that turn the direction of what follows: a name with one of
these could make the text around it read as another."""


@dataclass(frozen=True)
class Text:
    """A paragraph. ``quiet`` ones are small print."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Items:
    """Sentences one below the other, each with a dot before it."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Notice:
    """A sentence in a box, where it must not be passed over."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and their values, side by side, one pair a line."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Column:
    """Of a table. Columns of numbers stand right, those of words left."""

    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """Of a table.

    Attributes:
        text: what it says.
        link: anchor of a section or card to go to; empty for none.
        file: path of a file to open, from where the document lies, with ``/``; a page has a link to it, paper does not.
        color: of a dot before the text.
        bar: share of the cell, 0 to 1, that a bar behind the text fills.
    """

    text: str
    link: str = ""
    file: str = ""
    color: Color | None = None
    bar: float | None = None


@dataclass(frozen=True)
class Row:
    """Of a table: a cell for each column (plain text is one), and a line below them that goes through all columns."""

    cells: tuple[Cell | str, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under headings; the headings come again on each page.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"a row of {len(row.cells)} cells under {len(self.columns)} columns")


@dataclass(frozen=True)
class Picture:
    """Attributes:
    data: a PNG or JPEG file.
    alternative: what it shows, for those who do not see it.
    caption: below it.
    wide: over the whole width of the page, in place of its own size.
    """

    data: bytes
    alternative: str
    caption: str = ""
    wide: bool = False

    @property
    def media_type(self) -> str:
        return "image/png" if self.data.startswith(_PNG) else "image/jpeg"


@dataclass(frozen=True)
class Aside:
    """A picture with facts beside it."""

    picture: Picture
    facts: Facts


@dataclass(frozen=True)
class Card:
    """One thing with its picture and what is known of it, kept together on a page.

    Attributes:
        title, subtitle: its heading (``L1``) and what stands small beside it.
        anchor: that links go to; empty for none.
        color: of the dot before the title.
        picture: none where it has none.
        facts: names and values; short ones, as they stand in columns.
        note: a sentence below.
    """

    title: str
    subtitle: str = ""
    anchor: str = ""
    color: Color | None = None
    picture: Picture | None = None
    facts: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Tiles:
    """Small blocks side by side where there is room, two in a row on paper."""

    blocks: tuple[Picture | Table | Card | Facts, ...]


Block: TypeAlias = Text | Items | Notice | Facts | Table | Picture | Aside | Card | Tiles


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it. An ``anchor`` of its own lets links go there. Without a title, no heading."""

    title: str
    blocks: tuple[Block, ...]
    anchor: str = ""


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes:
        kind: small print above the title (``Lesion report``).
        title: what it is about.
        lead: the answer in one sentence.
        warnings: what makes it mean less than it seems; in boxes, first.
        sections: the rest, in order.
        footer: sentences at the end; the first stands at the foot of every printed page.
        patient: a line that names the patient, at the head of every page; empty for none.
    """

    kind: str
    title: str
    lead: str = ""
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: tuple[str, ...] = ()
    patient: str = ""


def clean(text: str) -> str:
    """Text without what no document can hold: control characters and halves of characters become �."""
    return _UNWRITABLE.sub("\ufffd", text)
