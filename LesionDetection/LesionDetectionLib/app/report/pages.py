"""A study's report as a document, and as the page that is written first of it."""

from __future__ import annotations

from datetime import datetime

from LesionDetectionLib import __version__
from LesionDetectionLib.core.bundle import Bundle

from ..documents.document import Aside, Block, Document, Facts, Picture, Section, Text, Tiles
from ..documents.html import html_text
from .findings import cards_section, list_section
from .model import model_section, operating_section
from .study import Draw, Study
from .summary import lead, method_name, searched
from .unchecked import unchecked_section
from .words import flat

LIMITS = (
    "Research software, not a medical device, and not for clinical decisions. A score orders the findings of one method; "
    "it is not the probability of disease. A place that is not listed was not shown to be healthy."
)
_FEWEST_IN_COLUMNS, _MOST_IN_COLUMNS = 9, 80
NAMED = "This file names a patient: whoever gets it learns of whom it is. Keep it as you keep the scan."


def report_document(study: Study, picture: Draw, written: datetime | None = None) -> Document:
    """The report. It names the image, and the patient only where ``study.patient`` does: identifiers are left out.

    Args:
        picture: gives the overview for 0, and the picture of each reported lesion by its rank.
        written: when, as the report says; now where None.
    """
    of_model = () if study.model is None else Bundle(study.model, {}, "", "").warnings()
    warnings = dict.fromkeys((*study.detections.warnings, *of_model, *study.image.notes))
    sections = (
        Section("", (_overview(study, picture),)),
        list_section(study),
        unchecked_section(study),  # before the pictures, so that it stands on the first page
        cards_section(study, picture),
        operating_section(study),
        model_section(study),
        _made(study, written or datetime.now().astimezone()),
    )
    return Document(
        kind="Lesion report",
        title=study.detections.image_name,
        lead=lead(study),
        warnings=((NAMED,) if study.patient else ()) + tuple(warnings),
        sections=tuple(section for section in sections if section is not None),
        footer=(LIMITS,),
        patient=study.patient,
    )


def report_page(study: Study, picture: Draw) -> str:
    """:func:`report_document` as HTML."""
    return html_text(report_document(study, picture))


def _overview(study: Study, picture: Draw) -> Aside:
    numbers = "A ring marks each finding, with its number." if study.items else "No ring: there is no finding to mark."
    caption = f"Seen from the front and from the patient’s left; the patient’s right is on the left. {numbers}"
    alternative = "Overview of the whole image from the front and from the left"
    return Aside(Picture(picture(0), alternative, caption, wide=True), Facts(searched(study)))


def _made(study: Study, written: datetime) -> Section:
    facts = [
        ("Report written", f"{written:%Y-%m-%d %H:%M} by SlicerLesionDetection {__version__}"),
        *flat(study.detections.provenance),
    ]
    return Section("How this was made", (*_method(study), *_in_columns(facts)), "made")


def _in_columns(facts: list[tuple[str, str]]) -> tuple[Block, ...]:
    """Many short facts in two columns, others below each other."""
    if not _FEWEST_IN_COLUMNS <= len(facts) <= _MOST_IN_COLUMNS:
        return (Facts(tuple(facts)),)
    half = (len(facts) + 1) // 2
    return (Tiles((Facts(tuple(facts[:half])), Facts(tuple(facts[half:])))),)


def _method(study: Study) -> tuple[Block, ...]:
    info = study.info
    if info is None:
        return (Text(f"Method: {method_name(study)}."),)
    return tuple(
        Text(text) for text in (f"{info.title} ({info.id}).", f"Reference: {info.reference}") if text != "Reference: "
    )
