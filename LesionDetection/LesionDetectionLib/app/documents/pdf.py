"""A document as PDF: A4, page numbers, its title and its first limit at the foot of each page, links and an outline.

The file says when it was made and what it is; it names no author, no machine and, unless the document does, no patient.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, KeepTogether, PageTemplate, Paragraph
from reportlab.platypus import Table as Grid

from LesionDetectionLib.core.atomic import atomic_file

from .document import Document, Notice, Section
from .pdf_blocks import Group, groups
from .pdf_style import (
    BODY,
    BOTTOM,
    FONT,
    HEADING,
    INK,
    KIND,
    LEAD,
    MARGIN,
    PAGE,
    PATIENT,
    QUIET,
    QUIET_BODY,
    RULE,
    SMALL,
    TITLE,
    TOP,
    WIDTH,
    lacks,
    printable,
    register_fonts,
    text_width,
    written,
)

_PRODUCER = "SlicerLesionDetection"
LACKING = (
    "The font of this PDF lacks signs that this report has, in a name for one, and shows � in their place. The page of the same "
    "report (HTML) shows them."
)
_HEADING_ROOM = 80.0
"""A heading and the first lines of what stands below it: where a page has less left, the next one begins."""


def write_pdf(path: Path, document: Document, made: datetime | None = None) -> None:
    """Write the file, whole or not at all; as :func:`pdf_bytes`. Raises OutputError."""
    data = pdf_bytes(document, made)
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def pdf_bytes(document: Document, made: datetime | None = None) -> bytes:
    """The file's bytes: the same for the same document and time.

    Args:
        made: when it was made, as the file says; now where None.

    Raises:
        ImportError: reportlab is not installed (on import of this module), or matplotlib, whose font it takes.
    """
    register_fonts()
    if any(map(lacks, _texts(document))):
        document = replace(document, warnings=(*document.warnings, LACKING))
    buffer = io.BytesIO()
    template = _Template(buffer, document)
    before = rl_config.useA85
    rl_config.useA85 = 0  # Text for binary data, a quarter larger; reportlab has no argument for it.
    try:
        template.build(_story(document), canvasmaker=_canvas_maker(made or datetime.now().astimezone()))
    finally:
        rl_config.useA85 = before
    return buffer.getvalue()


def _texts(value: Any) -> Iterator[str]:
    """All texts of a document, or of a part of it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _texts(getattr(value, entry.name))


def _story(document: Document) -> list[Flowable]:
    story: list[Flowable] = []
    if document.patient:
        story.append(_patient(document.patient))
    story += [Paragraph(written(document.kind.upper()), KIND), Paragraph(written(document.title), TITLE)]
    if document.lead:
        story.append(Paragraph(written(document.lead), LEAD))
    for sentence in document.warnings:
        story += _kept(groups(Notice(sentence), WIDTH))
    for number, section in enumerate(document.sections, 1):
        story += _section(number, section)
    if len(document.footer) > 1:  # the first stands at the foot of every page
        story.append(KeepTogether([_rule(), *(Paragraph(written(text), QUIET_BODY) for text in document.footer[1:])]))
    return story


def _section(number: int, section: Section) -> list[Flowable]:
    below = [group for block in section.blocks for group in groups(block, WIDTH)]
    if not section.title:
        return _kept(below)
    anchor = quoteattr(printable(section.anchor or f"s{number}"))
    heading = Paragraph(f"<a name={anchor}/>{written(section.title)}", HEADING)
    if below and len(below[0]) > 1:
        return _kept([[heading, *below[0]], *below[1:]])
    return [CondPageBreak(_HEADING_ROOM), heading, *_kept(below)]


def _kept(below: list[Group]) -> list[Flowable]:
    """Groups of one may be split, such as a long table; the others are moved to the next page where they do not fit."""
    return [group[0] if len(group) == 1 else KeepTogether(group) for group in below if group]


def _patient(text: str) -> Flowable:
    grid = Grid([[Paragraph(written(text), PATIENT)]], colWidths=[WIDTH], spaceAfter=10, splitInRow=1)
    grid.setStyle([("BOX", (0, 0), (-1, -1), 0.9, INK), ("BOTTOMPADDING", (0, 0), (-1, -1), 6)])
    return grid


def _rule() -> Flowable:
    grid = Grid([[""]], colWidths=[WIDTH], rowHeights=[8], spaceBefore=8)
    grid.setStyle([("LINEABOVE", (0, 0), (-1, -1), 0.6, RULE)])
    return grid


class _Template(BaseDocTemplate):  # type: ignore[misc]
    """Pages with head and foot, and an outline of the headings."""

    def __init__(self, buffer: io.BytesIO, document: Document) -> None:
        super().__init__(
            buffer,
            pagesize=PAGE,
            title=printable(f"{document.kind}: {document.title}"),
            author="",
            subject="",
            creator=_PRODUCER,
            producer=_PRODUCER,
            lang="en",
            displayDocTitle=True,
        )
        self._document = document
        frame = Frame(
            MARGIN, BOTTOM, WIDTH, PAGE[1] - TOP - BOTTOM, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
        )
        self.addPageTemplates([PageTemplate(frames=[frame], onPage=self._page)])
        self._headings = 0

    def _page(self, canvas: Canvas, template: Any) -> None:
        """What every page has: the limit below; from the second on, what it is a page of and whose, above."""
        document = self._document
        canvas.saveState()
        canvas.setFont(FONT, SMALL)
        canvas.setFillColor(QUIET)
        if template.page > 1:
            head = " · ".join(filter(None, (document.patient, f"{document.kind}: {document.title}")))
            canvas.drawString(MARGIN, PAGE[1] - TOP + 11, _fitting(printable(head)))
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, BOTTOM - 8, PAGE[0] - MARGIN, BOTTOM - 8)
        if document.footer:
            limit = Paragraph(written(document.footer[0]), _FOOT)
            _, height = limit.wrap(WIDTH - 62, BOTTOM)
            limit.drawOn(canvas, MARGIN, BOTTOM - 12 - height)
        canvas.restoreState()

    def afterFlowable(self, flowable: Flowable) -> None:
        if isinstance(flowable, Paragraph) and flowable.style is HEADING:
            self._headings += 1
            key = f"heading-{self._headings}"
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key)


_FOOT = BODY.clone("foot", fontSize=6.4, leading=8.4, textColor=QUIET)


def _fitting(text: str) -> str:
    """Text cut to one line of the page."""
    if text_width(text, _HEAD_LINE) <= WIDTH:
        return text
    while text and text_width(text + "…", _HEAD_LINE) > WIDTH:
        text = text[:-1]
    return text + "…"


_HEAD_LINE = BODY.clone("head line", fontName=FONT, fontSize=SMALL)


def _canvas_maker(made: datetime) -> Any:
    class NumberedCanvas(Canvas):  # type: ignore[misc]
        """Keeps its pages until it knows how many there are, and then numbers them."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            settings = {"pageCompression": 1, "invariant": 1, "initialFontName": FONT}
            super().__init__(*arguments, **{**options, **settings})
            self.setDateFormatter(lambda *_: _pdf_date(made))
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for page in self._pages:
                self.__dict__.update(page)
                self.setFont(FONT, SMALL)
                self.setFillColor(QUIET)
                text = f"Page {self.getPageNumber()} of {len(self._pages)}"
                self.drawRightString(PAGE[0] - MARGIN, BOTTOM - 18.5, text)
                super().showPage()
            super().save()

    return NumberedCanvas


def _pdf_date(made: datetime) -> str:
    """As PDF 1.7 (7.9.4) writes it: ``D:20260131120000+01'00'``."""
    zone = made.strftime("%z") or "+0000"
    return f"D:{made:%Y%m%d%H%M%S}{zone[:3]}'{zone[3:5]}'"
