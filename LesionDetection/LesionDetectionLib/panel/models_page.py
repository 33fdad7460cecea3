"""The page “Models and set-up”: the models at hand and the folder they lie in; below, the libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LesionDetectionLib.app.models import ModelEntry, ModelShelf
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.core.resources import resources_folder

from . import ask, icons
from .context import quietly, told
from .libraries_part import LibrariesPart
from .list_table import without_row_numbers
from .message_line import MessageLine
from .places import models_folder, set_models_folder
from .small_print import make_small

_UI = "LesionDetectionModels.ui"
_NAME = 0


class _Page(qt.QWidget):  # type: ignore[misc]
    """Tells when it is seen: only then it looks what there is."""

    called: Callable[[], None] | None = None

    def showEvent(self, _event: Any) -> None:
        if self.called is not None:
            self.called()


class ModelsPage:
    """Args:
    container: the widget that the page is put into; it has a layout.
    shelf_changed: called when models were added or removed, or another folder was chosen.
    """

    def __init__(self, container: Any, shelf_changed: Callable[[], None]) -> None:
        self._shelf_changed = shelf_changed
        self._entries: tuple[ModelEntry, ...] = ()
        self._cards: list[Any] = []
        self._page = _Page(container)
        self._page.setLayout(qt.QVBoxLayout())
        self._page.layout().setContentsMargins(0, 0, 0, 0)
        self.widget = slicer.util.loadUI(str(resources_folder() / "UI" / _UI))
        self._page.layout().addWidget(self.widget)
        container.layout().addWidget(self._page)
        ui = self.ui = slicer.util.childWidgetVariables(self.widget)
        make_small(ui, ("modelAboutText", "librariesText", "torchText"))
        self.message = MessageLine(ui.modelsMessageRow, ui.modelsMessageIcon, ui.modelsMessageText)
        self.libraries = LibrariesPart(ui)
        _prepare(ui.modelsTable, [_("Model"), _("Learned from"), _("CPM"), _("Place"), _("Method")])
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.modelsTable, "itemSelectionChanged()", self._show_chosen),
            (ui.modelVerifyButton, "clicked()", self.message.guarded(self._verify)),
            (ui.modelCardButton, "clicked()", self.message.guarded(self._show_card)),
            (ui.modelZipButton, "clicked()", self.message.guarded(self._save_zip)),
            (ui.modelRemoveButton, "clicked()", self.message.guarded(self._remove)),
            (ui.modelFromZipButton, "clicked()", self.message.guarded(self._install_zip)),
            (ui.modelFromFolderButton, "clicked()", self.message.guarded(self._install_folder)),
            (ui.modelsFolderButton, "clicked()", self.message.guarded(self._change_folder)),
            (ui.modelsUsualButton, "clicked()", self.message.guarded(self._usual_folder)),
            (ui.modelsClearButton, "clicked()", self.message.guarded(self._clear)),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._page.called = self.refresh

    def refresh(self) -> None:
        """Show the models and libraries as they are now. Called whenever the page comes into view."""
        with told():
            self._show_models()
            self.libraries.refresh()

    def draw_again(self) -> None:
        """In the colours of the theme."""
        self.message.draw_again()
        if self._page.visible:
            self.refresh()

    def know_devices(self, devices: Sequence[dict[str, str]]) -> None:
        """Where networks can run, as the worker found out (the result of a ``DevicesRequest``)."""
        self.libraries.know_devices(devices)

    def close(self) -> None:
        """Let go of all that is observed."""
        self._page.called = None
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)
        self.message.close()
        self.libraries.close()
        for card in self._cards:
            card.close()

    # What is shown

    @property
    def chosen(self) -> ModelEntry | None:
        """The model whose row is chosen."""
        rows = [index.row() for index in self.ui.modelsTable.selectionModel().selectedRows()]
        return self._entries[rows[0]] if rows and rows[0] < len(self._entries) else None

    def choose(self, path: Path) -> None:
        """Choose the row of the model that lies there."""
        for row, entry in enumerate(self._entries):
            if entry.path == path:
                self.ui.modelsTable.setCurrentCell(row, 0)

    @property
    def _shelf(self) -> ModelShelf:
        return ModelShelf(models_folder())

    def _show_models(self) -> None:
        chosen = self.chosen
        self._entries = self._shelf.entries()
        table, titles = self.ui.modelsTable, {name: info.title for name, info in methods().items()}
        with quietly(table):
            table.setRowCount(len(self._entries))
            for row, entry in enumerate(self._entries):
                for column, text in enumerate(_cells(entry, titles)):
                    item = qt.QTableWidgetItem(text)
                    item.setToolTip(text)
                    if column == _NAME and (entry.problem or entry.on_phantoms):
                        item.setIcon(icons.icon("warning"))
                    table.setItem(row, column, item)
        if chosen is not None:
            self.choose(chosen.path)
        elif self._entries:
            table.setCurrentCell(0, 0)
        self.ui.modelsFolderEdit.setText(str(self._shelf.user_folder))
        self.ui.modelsClearButton.setEnabled(any(not entry.shipped for entry in self._entries))
        self._show_chosen()

    def _show_chosen(self) -> None:
        ui, entry = self.ui, self.chosen
        usable = entry is not None and bool(entry.digest)
        ui.modelVerifyButton.setEnabled(entry is not None)
        ui.modelCardButton.setEnabled(usable)
        ui.modelZipButton.setEnabled(usable)
        ui.modelRemoveButton.setEnabled(entry is not None and not entry.shipped)
        ui.modelAboutText.setText("" if entry is None else _about(entry))

    # What is done

    def _verify(self) -> None:
        entry = self._required()
        with _waiting():
            self._shelf.verify(entry.path)
        self.message.note(_("“{name}” is whole: every file is the one it was made with.").format(name=entry.name))

    def _show_card(self) -> None:
        entry = self._required()
        with _waiting():
            bundle = Bundle.open(entry.path)
        dialog = qt.QDialog(slicer.util.mainWindow())
        dialog.setWindowTitle(_("Card of the model “{name}”").format(name=entry.name))
        dialog.setLayout(qt.QVBoxLayout())
        text = qt.QTextBrowser()
        text.setMarkdown(bundle.card())
        text.setOpenLinks(False)
        dialog.layout().addWidget(text)
        dialog.resize(720, 640)
        dialog.show()
        self._cards.append(dialog)

    def _save_zip(self) -> None:
        entry = self._required()
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in f"{entry.name}-{entry.version}")
        path = ask.choose_new_file(_("Save the model"), _("Model (*.zip)"), f"{name}.zip")
        if path is None:
            return
        with _waiting():
            Bundle.open(entry.path).save_zip(path)
        self.message.note(_("The model is in {path}.").format(path=path))

    def _remove(self) -> None:
        entry = self._required()
        text = _("Delete the model “{name}” {version} from {folder}?")
        if ask.confirm(text.format(name=entry.name, version=entry.version, folder=self._shelf.user_folder)):
            self._shelf.remove(entry)
            self._changed(_("“{name}” was deleted.").format(name=entry.name))

    def _install_zip(self) -> None:
        self._install(ask.choose_file(_("A model"), _("Model (*.zip)")))

    def _install_folder(self) -> None:
        self._install(ask.choose_folder(_("Folder of a model (it holds bundle.json)")))

    def _install(self, source: Path | None) -> None:
        if source is None:
            return
        try:
            with _waiting():
                entry = self._shelf.install(source)
        except OutputError as error:
            if not ask.confirm(_("{error}\n\nReplace it?").format(error=error)):
                return
            with _waiting():
                entry = self._shelf.install(source, overwrite=True)
        self._changed(
            _("“{name}” {version} was verified and installed.").format(name=entry.name, version=entry.version)
        )
        self.choose(entry.path)

    def _change_folder(self) -> None:
        folder = ask.choose_folder(_("Folder for your models"), models_folder())
        if folder is not None:
            set_models_folder(folder)
            self._changed(_("Your models lie in {folder} from now on.").format(folder=folder))

    def _usual_folder(self) -> None:
        set_models_folder(None)
        self._changed(_("Your models lie in {folder} from now on.").format(folder=models_folder()))

    def _clear(self) -> None:
        own = sum(not entry.shipped for entry in self._shelf.entries())
        text = _("Delete all your models ({count}) from {folder}? Those that came with the program stay.")
        if ask.confirm(text.format(count=own, folder=self._shelf.user_folder)):
            self._changed(_("{count} models were deleted.").format(count=self._shelf.clear()))

    def _changed(self, text: str) -> None:
        self._show_models()
        self._shelf_changed()
        self.message.note(text)

    def _required(self) -> ModelEntry:
        """Raises OutputError where no row is chosen."""
        entry = self.chosen
        if entry is None:
            raise OutputError(_("Choose a model in the table first."))
        return entry


def _prepare(table: Any, names: list[str]) -> None:
    """Headings; the last column takes the space that is left."""
    table.setColumnCount(len(names))
    table.setHorizontalHeaderLabels(names)
    without_row_numbers(table)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    for column in range(len(names)):
        last = column == len(names) - 1
        header.setSectionResizeMode(column, header.Stretch if last else header.ResizeToContents)


def _cells(entry: ModelEntry, titles: dict[str, str]) -> list[str]:
    learned = "" if not entry.method else _("phantoms") if entry.on_phantoms else _("patients")
    cpm = "" if entry.cpm is None else f"{entry.cpm:.3f}"
    place = _("shipped") if entry.shipped else _("yours")
    return [f"{entry.name} {entry.version}".strip(), learned, cpm, place, titles.get(entry.method, entry.method)]


def _about(entry: ModelEntry) -> str:
    lines = [entry.problem, entry.line]
    if entry.on_phantoms:
        lines.append(
            _("It learned from computer-made phantoms only: what it marks on a patient says nothing about the patient.")
        )
    lines.append(_("It came with the program.") if entry.shipped else str(entry.path))
    return "\n".join(line for line in lines if line)


class _waiting:
    """The wait cursor."""

    def __enter__(self) -> None:
        slicer.app.setOverrideCursor(qt.Qt.WaitCursor)

    def __exit__(self, *_error: object) -> None:
        slicer.app.restoreOverrideCursor()
