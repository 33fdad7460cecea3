"""Signals where Qt 5 and Qt 6 differ, and which of several forms the dot takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOT_FORM = {
    ("QAbstractButton", "clicked"): "clicked(bool)",
    ("QAction", "triggered"): "triggered(bool)",
    ("QGroupBox", "clicked"): "clicked(bool)",
    ("QComboBox", "currentIndexChanged"): "currentIndexChanged(int)",  # tried
    ("QComboBox", "activated"): "activated(int)",
    ("QComboBox", "highlighted"): "highlighted(int)",
    ("QProcess", "finished"): "finished(int)",  # tried: the exit code only
    ("QSpinBox", "valueChanged"): "valueChanged(int)",
    ("QDoubleSpinBox", "valueChanged"): "valueChanged(double)",
    ("ctkDoubleSpinBox", "valueChanged"): "valueChanged(double)",
    ("QButtonGroup", "buttonClicked"): "buttonClicked(QAbstractButton*)",
    ("qMRMLNodeComboBox", "currentNodeChanged"): "currentNodeChanged(vtkMRMLNode*)",
    ("QObject", "destroyed"): "destroyed(QObject*)",
}
"""(class, name) -> the form that ``b.name.connect(f)`` takes: the one that its header declares first."""

QT5_ONLY: dict[tuple[str, str], tuple[str, Callable[..., tuple[Any, ...]] | None]] = {
    ("QComboBox", "currentIndexChanged(QString)"): ("currentIndexChanged", lambda box, i: (box.itemText(i),)),
    ("QComboBox", "activated(QString)"): ("activated", lambda box, i: (box.itemText(i),)),
    ("QComboBox", "highlighted(QString)"): ("highlighted", lambda box, i: (box.itemText(i),)),
    ("QSpinBox", "valueChanged(QString)"): ("textChanged", None),
    ("QDoubleSpinBox", "valueChanged(QString)"): ("textChanged", None),
    ("QButtonGroup", "buttonClicked(int)"): ("idClicked", None),
    ("QButtonGroup", "buttonPressed(int)"): ("idPressed", None),
    ("QButtonGroup", "buttonReleased(int)"): ("idReleased", None),
    ("QButtonGroup", "buttonToggled(int,bool)"): ("idToggled", None),
    ("QCompleter", "activated(QString)"): ("activated[QString]", None),
    ("QCompleter", "highlighted(QString)"): ("highlighted[QString]", None),
    ("QProcess", "error(QProcess::ProcessError)"): ("errorOccurred", None),
    ("qMRMLNodeComboBox", "currentNodeChanged(bool)"): ("currentNodeChanged", lambda box, node: (node is not None,)),
}
"""(class, signature) -> PySide6's signal, and how its arguments become those of Qt 5."""
