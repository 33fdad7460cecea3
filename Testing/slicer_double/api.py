"""The lists of what Slicer 5.8.1 shows to Python (``slicer-5.8.1.json``), class by class."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

SECTIONS = ("qt", "ctk", "slicer_widgets")
"""Where the classes are that PythonQt wraps."""

_APPLICATION = {
    "qSlicerApplication": "slicer.app",
    "qSlicerAppMainWindow": "mainWindow",
}
"""Classes that are listed as live objects only."""

_LEFT_OUT: dict[str, dict[str, Any]] = {
    "QRadioButton": {
        "bases": ["QAbstractButton", "QWidget", "QObject"],
        "constructors": ["QRadioButton()", "QRadioButton(QWidget parent)", "QRadioButton(QString text)"],
    },
}
"""Named in ``qt_names`` and without a list of members of its own; it has those of its ancestors."""

_LAST_PICTURE_OF_QT_5 = 71
"""SP_LineEditClearButton."""


def add_style(pictures: dict[str, int]) -> None:
    """The members of QStyle that were tried in Slicer; its lists have none. ``pictures``: values of SP_..."""
    known = {name: value for name, value in pictures.items() if value <= _LAST_PICTURE_OF_QT_5}
    members = {"methods": ["standardIcon", "standardPixmap"], "enums": {"StandardPixmap": known}}
    _LEFT_OUT["QStyle"] = {"bases": ["QObject"], **members}


@dataclass(frozen=True)
class Entry:
    """The members of one class, those of its ancestors included."""

    name: str
    bases: tuple[str, ...]
    methods: frozenset[str]
    properties: dict[str, str]
    signals: dict[str, list[str]] = field(default_factory=dict)
    """Name -> signatures, as ``connect`` wants them."""
    enums: dict[str, dict[str, int]] = field(default_factory=dict)
    constructors: tuple[str, ...] = ()

    @cached_property
    def enum_values(self) -> dict[str, int]:
        """Values can be read from the class and from its objects: ``qt.QMessageBox.Ok``."""
        return {name: value for values in self.enums.values() for name, value in values.items()}

    @cached_property
    def names(self) -> frozenset[str]:
        return self.methods | set(self.properties) | set(self.signals) | set(self.enums) | set(self.enum_values)

    def read_only(self, name: str) -> bool:
        return self.properties[name].endswith(" readonly")

    def signatures(self) -> list[str]:
        return [signature for group in self.signals.values() for signature in group]


class Api:
    """The lists of one file."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self._entries: dict[str, Entry] = {}

    def section_of(self, name: str) -> str | None:
        """``qt``, ``ctk`` or ``slicer_widgets``; None for a class that Slicer does not have."""
        return next((section for section in SECTIONS if name in self.data[section]), None)

    def __contains__(self, name: str) -> bool:
        return name in _APPLICATION or name in _LEFT_OUT or self.section_of(name) is not None

    def entry(self, name: str) -> Entry:
        """The members of a class.

        Raises:
            KeyError: Slicer has no such class.
        """
        if name not in self._entries:
            self._entries[name] = self._merged(name)
        return self._entries[name]

    def _raw(self, name: str) -> dict[str, Any]:
        if name in _LEFT_OUT:
            return _LEFT_OUT[name]
        if name in _APPLICATION:
            listed: dict[str, Any] = self.data["instances"][_APPLICATION[name]]
            ancestor = listed["listed_as"].split(".")[1]
            return {**listed, "bases": [ancestor, *self._raw(ancestor).get("bases", [])]}
        section = self.section_of(name)
        if section is None:
            raise KeyError(name)
        raw: dict[str, Any] = self.data[section][name]
        return raw

    def _merged(self, name: str) -> Entry:
        own = self._raw(name)
        bases = tuple(own.get("bases", []))
        methods: set[str] = set(self.data["every_pythonqt_object"])
        properties: dict[str, str] = {}
        signals: dict[str, list[str]] = {}
        enums: dict[str, dict[str, int]] = {}
        for entry in [self._raw(base) for base in reversed(bases) if base in self] + [own]:
            methods |= set(entry.get("methods", []))
            properties.update(entry.get("properties", {}))
            if entry.get("no_instance"):  # without an object to look at, these could not be told from properties
                properties.update(dict.fromkeys(entry.get("other", []), "?"))
            enums.update(entry.get("enums", {}))
            fresh: dict[str, list[str]] = {}
            for signature in entry.get("signals", []):
                fresh.setdefault(signature.partition("(")[0], []).append(signature)
            signals.update(fresh)
        constructors = tuple(own.get("constructors", []))
        return Entry(name, bases, frozenset(methods), properties, signals, enums, constructors)

    def functions(self, module: str) -> dict[str, str]:
        """Name -> signature of the functions of ``slicer.util`` and other Python modules."""
        found: dict[str, str] = self.data["python"][module]["functions"]
        return found

    def names_in(self, module: str) -> set[str]:
        """Every public name of a Python module: functions, classes, constants."""
        listed = self.data["python"][module]
        return {*listed["functions"], *listed["classes"], *listed["constants"]}

    @cached_property
    def vtk_methods(self) -> frozenset[str]:
        """Methods, constants and nested types of all of Slicer's VTK classes together."""
        found: set[str] = set(self.data["every_vtk_object"])
        for entry in self.data["vtk"].values():
            found |= {*entry.get("methods", []), *entry.get("constants", {}), *entry.get("types", {})}
        return frozenset(found)


@lru_cache(maxsize=1)
def load(path: Path) -> Api:
    return Api(json.loads(path.read_text(encoding="utf-8")))
