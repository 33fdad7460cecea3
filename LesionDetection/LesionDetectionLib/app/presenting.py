"""Sentences of a user interface that belong to no other part."""

from __future__ import annotations

import traceback
from pathlib import Path

from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.finding import Findings, Status

from .features_request import FindingFeatures
from .finding_texts import inside_a_sentence
from .packages import explained, package_of
from .translation import tr as _


def about_export(findings: Findings | None) -> str:
    """Which findings files will hold."""
    if findings is None:
        return _("Nothing to export yet.")
    count = len(findings.reported)
    if not count:
        return _("No finding is drawn: files will say that nothing was found.")
    if any(item.status is Status.ACCEPTED for item in findings.items):
        return (
            _("1 accepted finding is exported.")
            if count == 1
            else _("{count} accepted findings are exported.").format(count=count)
        )
    if count == 1:
        return _("Nothing was accepted yet, so the one finding that is drawn is exported.")
    return _("Nothing was accepted yet, so all {count} findings that are drawn are exported.").format(count=count)


def about_features(found: FindingFeatures, path: Path) -> str:
    """Where features are, and of which findings they are not."""
    rows, count = len(found.columns[0].values), sum(column.kind is float for column in found.columns)
    one, several = (
        _("{count} features of 1 finding are in {path}."),
        _("{count} features of {rows} findings are in {path}."),
    )
    said = (one if rows == 1 else several).format(count=count, rows=rows, path=path)
    left_out = " ".join(f"{name}: {why}" for name, why in found.left_out.items())
    return " ".join([said, *([_("Left out:"), left_out] if left_out else [])])


def about_map(title: str, several: bool) -> str:
    """Of the mark that shows a map over its image; ``several``: a list of them stands beside it."""
    return _("Show") if several else _("Show {map}").format(map=inside_a_sentence(title))


def about_error(error: Exception) -> tuple[str, str]:
    """A sentence that says what went wrong, and details for programmers; no details where that was foreseen: errors of ours,
    and libraries that are missing."""
    if isinstance(error, LesionDetectionError):
        return str(error), ""
    if isinstance(error, ImportError) and package_of(error) is not None:
        return explained(error), ""
    text = _("This did not work, for a reason that was not foreseen: {error}. Please report it with the details.")
    return text.format(error=error), "".join(traceback.format_exception(type(error), error, error.__traceback__))
