"""The libraries on the page “Models and set-up”: which are there, and what can be done where they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from LesionDetectionLib.app import packages
from LesionDetectionLib.app.packages import FEATURES, Found
from LesionDetectionLib.core.detector import methods

from . import ask, dependencies, icons
from .context import quietly, told
from .list_table import without_row_numbers

_TORCH = "torch"
_FOR = 3


class LibrariesPart:
    """Args:
    ui: the widgets of ``LesionDetectionModels.ui`` by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._state: tuple[Found, ...] = ()
        self._devices: tuple[dict[str, str], ...] = ()
        table = ui.librariesTable
        table.setColumnCount(4)
        table.setHorizontalHeaderLabels([_("Library"), _("Here"), _("At least"), _("For")])
        without_row_numbers(table)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        for column in range(4):
            header.setSectionResizeMode(column, header.Stretch if column == _FOR else header.ResizeToContents)
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.librariesInstallButton, "clicked()", self._install),
            (ui.librariesFolderButton, "clicked()", self._install_from_folder),
            (ui.librariesHowButton, "clicked()", self._explain),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)

    def refresh(self) -> None:
        """Look again; nothing is loaded to find out."""
        # What is missing first.
        self._state = tuple(sorted(packages.state(), key=lambda found: found.good or found.package.rare))
        table = self._ui.librariesTable
        with quietly(table):
            table.setRowCount(len(self._state))
            for row, found in enumerate(self._state):
                for column, text in enumerate(_cells(found)):
                    item = qt.QTableWidgetItem(text)
                    item.setToolTip(_used_for(found) if column == _FOR else text)
                    if column == 0:
                        item.setIcon(icons.icon(_icon(found)))
                    table.setItem(row, column, item)
        lacking = self._lacking
        self._ui.librariesInstallButton.setEnabled(bool(lacking))
        self._ui.librariesFolderButton.setEnabled(bool(lacking))
        self._ui.librariesText.setText(_summary(lacking))
        self._show_torch()

    def know_devices(self, devices: Sequence[dict[str, str]]) -> None:
        self._devices = tuple(devices)
        self._show_torch()

    def close(self) -> None:
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    @property
    def _lacking(self) -> tuple[Found, ...]:
        """What is asked for here; what is rare is asked for where it is wanted."""
        return tuple(one for one in self._state if not one.good and not one.package.rare)

    def _install(self) -> None:
        with told():
            dependencies.install(self._lacking)
            self.refresh()

    def _install_from_folder(self) -> None:
        with told():
            dependencies.install_from_folder()
            self.refresh()

    def _explain(self) -> None:
        ask.inform(dependencies.how_to_fill_a_folder(self._lacking), _("Libraries without internet"))

    def _show_torch(self) -> None:
        torch = next((one for one in self._state if one.package.name == _TORCH), None)
        self._ui.torchText.setText("" if torch is None else _where_torch_runs(torch, self._devices))


def _icon(found: Found) -> str:
    return "accept" if found.good else "undecided" if found.package.rare else "warning"


def _cells(found: Found) -> list[str]:
    here = found.version or (_("when wanted") if found.package.rare else _("missing"))
    if found.apart:
        here = _("{version}, apart").format(version=here)
    return [found.package.name, here, found.package.least, _(found.package.purpose)]


def _used_for(found: Found) -> str:
    name = found.package.name
    features = [dependencies.wanted_for(feature) for feature, names in FEATURES.items() if name in names]
    features += [info.title for info in methods().values() if name in info.packages]
    return f"{_(found.package.purpose)}: {', '.join(dict.fromkeys(features))}"


def _summary(lacking: Sequence[Found]) -> str:
    if not lacking:
        return str(_("All libraries are there."))
    names = ", ".join(one.package.name for one in lacking)
    text = _("Missing or too old: {names}. You are also asked when you first do something that needs them.")
    return str(text.format(names=names))


def _where_torch_runs(torch: Found, devices: Sequence[dict[str, str]]) -> str:
    if not torch.good:
        return str(_("PyTorch is not there: lesions cannot be detected, only measured."))
    gpus = [device["title"] for device in devices if device["id"].startswith("cuda")]
    if gpus:
        return str(_("PyTorch {version} runs on {gpus}.").format(version=torch.version, gpus=", ".join(gpus)))
    if devices:
        text = _("PyTorch {version} runs on the CPU: it found no NVIDIA GPU that it can use.")
        return str(text.format(version=torch.version))
    if "+cpu" in torch.version:
        return str(_("PyTorch {version} is a build for the CPU only.").format(version=torch.version))
    text = _("PyTorch {version}; which devices it finds is seen once the worker has started.")
    return str(text.format(version=torch.version))
