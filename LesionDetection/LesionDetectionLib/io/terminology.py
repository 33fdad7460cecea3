"""Coded terms as Slicer writes them on a segment, from the terminology file that is shipped with the module."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.lesion import Code
from LesionDetectionLib.core.resources import resources_folder

_ANATOMY_CONTEXT = "Anatomic codes - DICOM master list"
_MORPHOLOGICALLY_ALTERED = Code("49755003", "SCT", "Morphologically Altered Structure")
"""Category of a term that the file does not list."""


def terminology_path() -> Path:
    """The terminology file, for ``vtkSlicerTerminologiesModuleLogic.LoadTerminologyFromFile``."""
    return resources_folder() / "LesionDetection.term.json"


def terminology_entry(term: Code) -> str:
    """Slicer's serialised terminology entry of a term, to be the value of a segment's terminology tag.

    Seven parts joined by ``~``: context, category, type, type modifier, anatomic context, region, region modifier; each
    code is scheme, value, meaning joined by ``^``. No anatomic region is claimed. A tag, not
    ``vtkSegment.SetTerminology``: Slicer 5.8 has only the tag.
    """
    context, _ = _terminology()
    return "~".join((context, _serialised(category_of(term)), _serialised(term), "^^", _ANATOMY_CONTEXT, "^^", "^^"))


def category_of(term: Code) -> Code:
    """The category that a term belongs to: what a segment's property category is in DICOM."""
    return _terminology()[1].get((term.scheme, term.value), _MORPHOLOGICALLY_ALTERED)


def _serialised(term: Code) -> str:
    # The two separators cannot be escaped in Slicer's format.
    return "^".join(part.replace("^", " ").replace("~", " ") for part in (term.scheme, term.value, term.meaning))


@functools.lru_cache(maxsize=1)
def _terminology() -> tuple[str, dict[tuple[str, str], Code]]:
    """The context's name, and for each (scheme, value) of a type its category."""
    content: dict[str, Any] = json.loads(terminology_path().read_text(encoding="utf-8"))
    categories = {}
    for category in content["SegmentationCodes"]["Category"]:
        code = Code(category["CodeValue"], category["CodingSchemeDesignator"], category["CodeMeaning"])
        for kind in category["Type"]:
            categories[kind["CodingSchemeDesignator"], kind["CodeValue"]] = code
    return str(content["SegmentationCategoryTypeContextName"]), categories
