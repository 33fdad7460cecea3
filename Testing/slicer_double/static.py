"""What code and .ui files name, found without running anything."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
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


def uses(path: Path, *roots: str) -> Iterator[Use]:
    """Dotted names that begin with one of the modules ``roots``, and what is imported from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in roots:
            for alias in node.names:
                yield Use(f"{node.module}.{alias.name}", f"{path.name}:{node.lineno}")
        elif isinstance(node, ast.Attribute) and (name := dotted(node)).split(".")[0] in roots:
            yield Use(name, f"{path.name}:{node.lineno}")


def widgets_used(path: Path) -> Iterator[Use]:
    """Names of widgets in ``self.ui.NAME``, ``ui.NAME``, ``context.ui.NAME``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        holder = node.value
        last = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
        if last in UI_NAMES:
            yield Use(node.attr, f"{path.name}:{node.lineno}")


def methods_called(path: Path) -> Iterator[Use]:
    """Names of called methods that begin with a capital, as VTK's do."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr[0].isupper():
            yield Use(node.func.attr, f"{path.name}:{node.lineno}")


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
