"""Every question and message of the panels, in one place.

Call these as ``ask.confirm(...)``, never by a name imported from here: tests replace them. While Slicer runs tests
(``--testing``) nothing waits for a person: questions are answered with no, choices with nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

_log = logging.getLogger("LesionDetection")


def confirm(text: str, title: str = "") -> bool:
    """Whether the person agrees (OK) or not (Cancel)."""
    return bool(slicer.util.confirmOkCancelDisplay(text, windowTitle=title or _("Please confirm")))


def choose(text: str, answers: Sequence[str], title: str = "") -> int | None:
    """Which of the answers (buttons in this order); None where the person cancels."""
    if slicer.app.testingEnabled():
        return None
    box = qt.QMessageBox(slicer.util.mainWindow())
    box.setWindowTitle(title or _("Please choose"))
    box.setText(text)
    buttons = [box.addButton(answer, qt.QMessageBox.AcceptRole) for answer in answers]
    box.setEscapeButton(box.addButton(qt.QMessageBox.Cancel))
    box.exec_()
    clicked = box.clickedButton()
    return next((n for n, button in enumerate(buttons) if button == clicked), None)


def inform(text: str, title: str = "") -> None:
    """Say something that is no error."""
    slicer.util.infoDisplay(text, windowTitle=title or _("Note"))


def error(text: str, details: str = "") -> None:
    """Say what went wrong in a sentence; ``details``, such as a traceback, unfold below it and go into the log."""
    _log.warning("%s%s", text, f"\n{details}" if details else "")
    if details:
        slicer.util.errorDisplay(text, windowTitle=_("Not done"), detailedText=details)
    else:
        slicer.util.errorDisplay(text, windowTitle=_("Not done"))


def choose_file(title: str, name_filter: str = "", folder: Path | None = None) -> Path | None:
    """An existing file, or None where the person cancels. ``name_filter`` as Qt has it: ``Models (*.zip);;All (*)``."""
    if slicer.app.testingEnabled():
        return None
    return _path(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, str(folder or ""), name_filter))


def choose_new_file(title: str, name_filter: str = "", suggestion: str = "") -> Path | None:
    """Where to write a file, or None where the person cancels; asks itself before it replaces one."""
    if slicer.app.testingEnabled():
        return None
    return _path(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, suggestion, name_filter))


def choose_folder(title: str, folder: Path | None = None) -> Path | None:
    """A folder, or None where the person cancels."""
    if slicer.app.testingEnabled():
        return None
    return _path(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, str(folder or "")))


def _path(answer: str) -> Path | None:
    return Path(answer) if answer else None
