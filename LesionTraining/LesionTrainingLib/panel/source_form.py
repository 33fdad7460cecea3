"""Where a cohort lies that is no DICOM database, and its options: made from what the kind of cohort says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
from LesionDetectionLib.panel import ask
from LesionDetectionLib.panel.choices import chosen_in, fill
from LesionDetectionLib.panel.context import quietly
from slicer.i18n import tr as _

from ..cohorts.phantoms.phantom import anatomies
from ..session.cohort_choice import FILE, NAME, CohortChoice, Source


class SourceForm:
    """The page with a path and options.

    Args:
        ui: the widgets by name.
        on_change: called after the person changed something.
    """

    def __init__(self, ui: Any, on_change: Callable[[], None]) -> None:
        self._ui, self._on_change = ui, on_change
        self._source: Source | None = None
        self._edits: dict[str, Any] = {}
        self._page: Any = None
        ui.pathEdit.connect("textEdited(QString)", self._changed)
        ui.pathButton.connect("clicked(bool)", self._on_choose)
        ui.anatomyComboBox.connect("currentIndexChanged(int)", self._changed)

    def close(self) -> None:
        ui = self._ui
        ui.pathEdit.disconnect("textEdited(QString)", self._changed)
        ui.pathButton.disconnect("clicked(bool)", self._on_choose)
        ui.anatomyComboBox.disconnect("currentIndexChanged(int)", self._changed)
        self._clear_options()

    def show(self, source: Source, path: str, options: Mapping[str, str]) -> None:
        """Show a kind of cohort with these values."""
        ui, named = self._ui, source.path_form == NAME
        if self._source != source:
            self._source = source
            self._make_options(source)
        for widget in (ui.pathLabel, ui.pathRow):
            widget.setVisible(not named)
        for widget in (ui.anatomyLabel, ui.anatomyComboBox):
            widget.setVisible(named)
        if named:
            fill(ui.anatomyComboBox, [(one, one.capitalize()) for one in anatomies()], path)
        else:
            _set(ui.pathEdit, path)
            ui.pathEdit.toolTip = source.path_is
            ui.pathEdit.placeholderText = _("A file") if source.path_form == FILE else _("A folder")
        ui.pathText.setText(_("Needs {what}.").format(what=source.path_is))
        ui.pathText.setVisible(not named)
        for name, edit in self._edits.items():
            _set(edit, options.get(name, ""))

    @property
    def choice(self) -> CohortChoice:
        """What is entered."""
        assert self._source is not None
        return CohortChoice(self._source.kind, self.path, self.options)

    @property
    def path(self) -> str:
        named = self._source is not None and self._source.path_form == NAME
        return chosen_in(self._ui.anatomyComboBox) if named else str(self._ui.pathEdit.text)

    @property
    def options(self) -> dict[str, str]:
        """Those that are not left at their defaults."""
        return {name: str(edit.text) for name, edit in self._edits.items() if str(edit.text).strip()}

    def _make_options(self, source: Source) -> None:
        self._clear_options()
        self._page = qt.QWidget()
        form = qt.QFormLayout(self._page)
        form.setContentsMargins(0, 0, 0, 0)
        for option in source.options:
            edit, label = qt.QLineEdit(), qt.QLabel(f"{option.name}:")
            edit.setObjectName(f"option_{option.name}")
            edit.placeholderText = option.default
            edit.toolTip = label.toolTip = f"<p>{option.meaning[:1].upper()}{option.meaning[1:]}</p>"
            label.setBuddy(edit)
            edit.connect("textEdited(QString)", self._changed)
            form.addRow(label, edit)
            self._edits[option.name] = edit
        self._ui.optionsLayout.addWidget(self._page)

    def _clear_options(self) -> None:
        for edit in self._edits.values():
            edit.disconnect("textEdited(QString)", self._changed)
        self._edits.clear()
        if self._page is not None:
            self._page.hide()
            self._page.deleteLater()
            self._page = None

    def _changed(self, _value: Any = None) -> None:
        self._on_change()

    def _on_choose(self, _checked: bool = False) -> None:
        assert self._source is not None
        start = Path(self._ui.pathEdit.text) if self._ui.pathEdit.text else None
        if self._source.path_form == FILE:
            chosen = ask.choose_file(self._source.title, _("Tables (*.csv);;All (*)"), start)
        else:
            chosen = ask.choose_folder(self._source.title, start)
        if chosen is not None:
            _set(self._ui.pathEdit, str(chosen))
            self._on_change()


def _set(edit: Any, text: str) -> None:
    """Change a line without moving the cursor of who is typing."""
    if str(edit.text) != text:
        with quietly(edit):
            edit.setText(text)
