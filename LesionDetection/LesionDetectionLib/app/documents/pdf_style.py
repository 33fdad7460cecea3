"""Fonts, sizes and colours of a printed report; and text as reportlab's paragraphs take it."""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from LesionDetectionLib.io.display import Color as Triple

from .document import clean

PAGE = A4
MARGIN = 16 * mm
TOP, BOTTOM = 17 * mm, 21 * mm
WIDTH = PAGE[0] - 2 * MARGIN
"""Of what stands between the margins, in points; all lengths here are points (1/72 inch)."""
HEIGHT = PAGE[1] - TOP - BOTTOM

FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
INK, QUIET, RULE = HexColor("#1b1f24"), HexColor("#5f6670"), HexColor("#d3d3cc")
LINK, BAR = HexColor("#1a5c96"), HexColor("#d5e1ec")
WARN_PAPER, WARN_RULE = HexColor("#fff4d6"), HexColor("#d99a00")

SMALL = 7.2


@functools.cache
def register_fonts() -> None:
    """Once: DejaVu Sans, which has the signs that reports write (⌀ − ³ × “”). PDF's own fonts have only Latin letters."""
    import matplotlib  # only for where it keeps the font

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _style(name: str, size: float, leading: float, **more: Any) -> ParagraphStyle:
    options = {"fontName": FONT, "textColor": INK, "splitLongWords": 1, **more}
    return ParagraphStyle(name, fontSize=size, leading=leading, **options)


BODY = _style("body", 8.6, 12.2, spaceAfter=3.2)
QUIET_BODY = _style("quiet", 7.6, 10.6, textColor=QUIET, spaceAfter=3)
KIND = _style("kind", 7.2, 10, textColor=QUIET)
TITLE = _style("title", 17, 21, fontName=BOLD, spaceAfter=4)
LEAD = _style("lead", 10.2, 14.2, spaceAfter=5)
HEADING = _style("heading", 11.2, 14, fontName=BOLD, spaceBefore=14, spaceAfter=5)
CARD_HEADING = _style("card", 9.6, 12.5, fontName=BOLD, spaceBefore=9, spaceAfter=3)
ITEM = _style("item", 8.6, 12.2, leftIndent=11, bulletIndent=2, bulletFontName=FONT, bulletFontSize=7.5, spaceAfter=2)
NOTICE = _style("notice", 8.6, 12, fontName=BOLD)
PATIENT = _style("patient", 9.2, 12.5, fontName=BOLD)
NAME = _style("name", 7.6, 10.4, textColor=QUIET)
ABOVE = _style("above", 6.8, 8.6, textColor=QUIET)
VALUE = _style("value", 7.8, 10.6)
CAPTION = _style("caption", SMALL, 9.6, textColor=QUIET, spaceBefore=2.5, spaceAfter=2)
CELL = _style("cell", 7.6, 9.8)
NUMBER = _style("number", 7.6, 9.8, alignment=TA_RIGHT)
HEAD = _style("head", SMALL, 9, textColor=QUIET)
HEAD_NUMBER = _style("head number", SMALL, 9, textColor=QUIET, alignment=TA_RIGHT)


def written(text: str) -> str:
    """Text for a paragraph: escaped, and without signs that the font lacks, which would be printed as empty boxes."""
    return escape(printable(text))


def shortened(text: str, most: int) -> str:
    """Text of at most so many signs."""
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(text: str) -> str:
    """Text with � for what cannot be printed; line ends become spaces, as in HTML."""
    return "".join(sign if _has(sign) else "\ufffd" for sign in _one_line(text))


def lacks(text: str) -> bool:
    """Whether :func:`printable` leaves out a sign that the page shows."""
    return not all(map(_has, _one_line(text)))


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n\f\v]+", " ", clean(text))


@functools.cache
def _has(sign: str) -> bool:
    """Whether the font has a sign. Of letters that run from right to left reportlab would turn the order: they count as lacking."""
    return ord(sign) in _glyphs() and unicodedata.bidirectional(sign) not in ("R", "AL")


@functools.cache
def _glyphs() -> frozenset[int]:
    register_fonts()
    return frozenset(pdfmetrics.getFont(FONT).face.charToGlyph) | {0x20}


def text_width(text: str, style: ParagraphStyle) -> float:
    return float(pdfmetrics.stringWidth(text, style.fontName, style.fontSize))


def color_of(triple: Triple) -> Color:
    return Color(*(min(max(part, 0.0), 1.0) for part in triple))
