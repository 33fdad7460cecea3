"""Sentences of a user interface that belong to no other part."""

from __future__ import annotations

from LesionDetectionLib.core.finding import Findings, Status

from .finding_texts import inside_a_sentence
from .translation import tr as _


def about_export(findings: Findings | None) -> str:
    """Which findings files will hold."""
    if findings is None:
        return _("Nothing to export yet.")
    count = len(findings.reported)
    if not count:
        return _("No finding is drawn: files will say that nothing was found.")
    if any(item.status is Status.ACCEPTED for item in findings.items):
        return _("{count} accepted findings are exported.").format(count=count)
    return _("Nothing was accepted yet, so all {count} findings that are drawn are exported.").format(count=count)


def about_map(title: str, several: bool) -> str:
    """Of the mark that shows a map over its image; ``several``: a list of them stands beside it."""
    return _("Show") if several else _("Show {map}").format(map=inside_a_sentence(title))
