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
    box.deleteLater()  # it would stay with the main window
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


_last_folder: list[Path] = []
"""Where the last dialog for a file or folder ended, while Slicer runs: the next one begins there. Slicer's current folder is
as a rule that of the program."""


def choose_file(title: str, name_filter: str = "", folder: Path | None = None) -> Path | None:
    """An existing file, or None where the person cancels. ``name_filter`` as Qt has it: ``Models (*.zip);;All (*)``."""
    if slicer.app.testingEnabled():
        return None
    window, begin = slicer.util.mainWindow(), str(folder or _begin())
    return _path(qt.QFileDialog.getOpenFileName(window, title, begin, name_filter))


def choose_new_file(title: str, name_filter: str, suggestion: str) -> Path | None:
    """Where to write a file, with the ending of ``suggestion``; None where the person cancels. Asks itself before one is
    replaced."""
    if slicer.app.testingEnabled():
        return None
    begin, ending = str(_begin() / suggestion), Path(suggestion).suffix
    path = _path(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, begin, name_filter))
    if path is None or path.suffix.lower() == ending:
        return path
    path = path.with_name(f"{path.name}{ending}")
    # The dialog asked about the name without the ending.
    if path.exists() and not confirm(_("{path} is there already. Replace it?").format(path=path)):
        return None
    return path


def choose_folder(title: str, folder: Path | None = None) -> Path | None:
    """A folder, or None where the person cancels."""
    if slicer.app.testingEnabled():
        return None
    window, begin = slicer.util.mainWindow(), str(folder or _begin())
    return _path(qt.QFileDialog.getExistingDirectory(window, title, begin))


def _begin() -> Path:
    return _last_folder[-1] if _last_folder and _last_folder[-1].is_dir() else Path.home()


def _path(answer: str) -> Path | None:
    if not answer:
        return None
    path = Path(answer)
    _last_folder[:] = [path if path.is_dir() else path.parent]
    return path
