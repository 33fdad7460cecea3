"""The report of one study: what was searched with what, what was found, what a person made of it, and what was not checked."""

from .pages import report_document, report_page
from .study import Study

__all__ = ["Study", "report_document", "report_page"]
