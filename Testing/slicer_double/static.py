"""What code and .ui files name, found without running anything."""

from __future__ import annotations

import ast
import functools
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

UI_NAMES = ("ui", "_ui")
"""Variables and attributes that hold the widgets of a .ui file by name."""


@dataclass(frozen=True)
class Use:
    """A dotted name in a file: ``slicer.util.getNode`` in line 7."""

    name: str
    where: str


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an attribute of attributes of a name; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


@dataclass(frozen=True)
class _Named:
    """What one file names: (name, line) of each; classes by name alone."""

    imported: tuple[tuple[str, int], ...]
    attributes: tuple[tuple[str, int], ...]
    widgets: tuple[tuple[str, int], ...]
    methods: tuple[tuple[str, int], ...]
    classes: tuple[str, ...]


@functools.cache
def _named_in(path: Path) -> _Named:
    """Read once, as several tests ask of the same hundreds of files."""
    imported, attributes, widgets, methods, classes = [], [], [], [], []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            if name := dotted(node):
                attributes.append((name, node.lineno))
            holder = node.value
            last = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
            if last in UI_NAMES:
                widgets.append((node.attr, node.lineno))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr[0].isupper():
                methods.append((node.func.attr, node.lineno))
        elif isinstance(node, ast.ImportFrom):
            imported += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names if node.module]
        elif isinstance(node, ast.ClassDef):
            classes.append(node.name)
    return _Named(tuple(imported), tuple(attributes), tuple(widgets), tuple(methods), tuple(classes))


def _told(path: Path, found: Iterable[tuple[str, int]]) -> Iterator[Use]:
    return (Use(name, f"{path.name}:{line}") for name, line in found)


def uses(path: Path, *roots: str) -> Iterator[Use]:
    """Dotted names that begin with one of the modules ``roots``, and what is imported from them."""
    named = _named_in(path)
    return _told(path, [one for one in (*named.imported, *named.attributes) if one[0].split(".")[0] in roots])


def widgets_used(path: Path) -> Iterator[Use]:
    """Names of widgets in ``self.ui.NAME``, ``ui.NAME``, ``context.ui.NAME``."""
    return _told(path, _named_in(path).widgets)


def methods_called(path: Path) -> Iterator[Use]:
    """Names of called methods that begin with a capital, as VTK's do."""
    return _told(path, _named_in(path).methods)


def classes_in(path: Path) -> tuple[str, ...]:
    """Names of the classes that a file defines."""
    return _named_in(path).classes


def property_of(element: ElementTree.Element, name: str) -> str | None:
    """The text of a widget's own property in a .ui file; None where it is not set."""
    for found in element.findall("property"):
        if found.get("name") == name:
            return "".join(found.itertext()).strip()
    return None


def parameters_of(root: ElementTree.Element) -> Iterator[tuple[str, str, str]]:
    """(widget, class, field) of each widget with a SlicerParameterName."""
    for widget in root.iter("widget"):
        field = property_of(widget, "SlicerParameterName")
        if field is not None:
            yield widget.get("name", ""), widget.get("class", ""), field
