"""Sentences for a person in their language: Slicer's own translations where this runs in Slicer, else as they are written."""

from __future__ import annotations

import sys


def tr(text: str) -> str:
    """The text in the language that Slicer shows; as it is outside of Slicer, and where nobody translated it.

    In Slicer ``slicer.i18n`` is loaded long before a sentence is needed; it is looked for where it was loaded, so that asking
    costs nothing elsewhere. Translations belong to the file that a text stands in: that of the caller, as with Slicer's
    own ``tr``.
    """
    slicers = sys.modules.get("slicer.i18n")
    if slicers is None:
        return text
    context = slicers.getContext(sys._getframe(1).f_code.co_filename)
    return str(slicers.translate(context, text))
