"""Qt's own loader of .ui files, with the widgets of CTK and MRML, and their connections by signature."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from .behind import WIDGETS
from .classes import api
from .values import proxy_of


@dataclass(frozen=True)
class UiConnection:
    sender: str
    signal: str
    receiver: str
    slot: str


def connections_of(root: ElementTree.Element) -> list[UiConnection]:
    found = []
    for element in root.iterfind("connections/connection"):
        names = [element.findtext(part, "") for part in ("sender", "signal", "receiver", "slot")]
        found.append(UiConnection(*names))
    return found


def widgets_of(root: ElementTree.Element) -> dict[str, str]:
    """Name -> class of every widget.

    Raises:
        ValueError: two widgets have one name: only one of them could be reached.
    """
    found: dict[str, str] = {}
    for element in root.iter("widget"):
        name = element.get("name", "")
        if name in found:
            raise ValueError(f"Two widgets are called {name}")
        found[name] = element.get("class", "")
    return found


class QUiLoader(QtUiTools.QUiLoader):
    """Behind ``qt.QUiLoader``."""

    def load(self, file: QtCore.QFile, *parent: Any) -> Any:
        return load(_with_our_widgets(), Path(file.fileName()), *parent)


@functools.cache
def _with_our_widgets() -> QtUiTools.QUiLoader:
    """One for all: telling it of the widgets takes longer than loading a file."""
    loader = QtUiTools.QUiLoader()
    for widget in WIDGETS.values():
        loader.registerCustomWidget(widget)
    return loader


def load(loader: QtUiTools.QUiLoader, path: Path, *parent: Any) -> QtWidgets.QWidget:
    """The widgets of a file.

    Raises:
        ValueError: a class that Slicer does not have (real Slicer prints that, and the widget is missing), or a
            connection between members that are not there.
    """
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    for name, kind in widgets_of(root).items():
        if kind not in api() and kind not in ("Line", "QRadioButton"):
            raise ValueError(f"{path.name}: {name} is a {kind}, which Slicer 5.8.1 does not have")
    wanted = connections_of(root)
    for element in root.findall("connections"):
        root.remove(element)  # made below: Qt knows no signature with a vtkMRMLScene*
    for element in root.iter("customwidgets"):
        element.clear()
    data = QtCore.QByteArray(ElementTree.tostring(root))
    buffer = QtCore.QBuffer(data)
    buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
    widget = QtUiTools.QUiLoader.load(loader, buffer, *parent)
    if widget is None:
        raise ValueError(f"{path.name}: {loader.errorString()}")
    for connection in wanted:
        _connect(widget, connection, path)
    return widget


def _connect(top: QtWidgets.QWidget, connection: UiConnection, path: Path) -> None:
    ends = []
    for name in (connection.sender, connection.receiver):
        found = top if top.objectName() == name else top.findChild(QtCore.QObject, name)
        if found is None:
            raise ValueError(f"{path.name}: a connection names {name}, which is not there")
        ends.append(proxy_of(found))
    ends[0].connect(connection.signal, ends[1], connection.slot)
