"""A model card for the page. A card comes with a model, which may come from anywhere: nothing of it reaches the page as HTML,
and no link does."""

from __future__ import annotations

import html
import re
from typing import Any

from LesionDetectionLib.core.late import load

_LONGEST = 100_000
"""Characters; the cards of this program have a few thousand."""
_RAW = ("html_block",)
"""What lets HTML through, in blocks and ..."""
_INLINE = (
    "html",
    "entity",
    "link",
    "image_link",
    "reference",
    "short_reference",
    "image_reference",
    "short_image_ref",
    "autolink",
    "automail",
)
"""... within lines; and links."""
_PLAIN = re.compile(
    r"</?(?:h[1-6]|p|ul|ol|li|pre|code|em|strong|blockquote|table|thead|tbody|tr|th|td)"
    r'(?: style="text-align: (?:left|right|center);"| start="\d+")?>|<(?:br|hr)>'
)
"""Whatever a version of the library makes, nothing else is let through."""
_HEADING = re.compile(r"(</?h)([1-4])>")


def card_html(markdown: str) -> str:
    """The card as HTML: headings, paragraphs, lists, tables and code; all else of it is text, as it stands there.

    Without the library Markdown, and where lists are nested too deep for it, it is the text as it is.
    """
    if len(markdown) > _LONGEST:
        markdown = f"{markdown[:_LONGEST]}\n\n… The card is longer."
    try:
        convert = _converter()
    except ImportError:
        return f"<pre>{html.escape(markdown)}</pre>"
    try:
        # Characters that Markdown keeps for its own place-holders would end as others.
        made = str(convert(markdown.replace("\x02", "").replace("\x03", "")))
    except RecursionError:
        return f"<pre>{html.escape(markdown)}</pre>"
    if "<" in _PLAIN.sub("", made):
        return f"<pre>{html.escape(markdown)}</pre>"
    # In the page the card stands below a section's title.
    return _HEADING.sub(lambda found: f"{found[1]}{int(found[2]) + 2}>", made)


def _converter() -> Any:
    made = load("markdown:Markdown")(extensions=["tables"], output_format="html")
    for name in _RAW:
        made.preprocessors.deregister(name)
    for name in _INLINE:
        made.inlinePatterns.deregister(name)
    # References ([name]: address) would be swallowed, and would no longer be read.
    made.parser.blockprocessors.deregister("reference")
    return made.convert
