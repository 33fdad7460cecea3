"""The .ui files: they load, can be drawn, and agree with Slicer and with the code that uses them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from slicer_double.static import parameters_of, property_of, widgets_used

REPOSITORY = Path(__file__).resolve().parent.parent
MODULES = ("LesionDetection", "LesionTraining")
FILES = sorted(path for module in MODULES for path in (REPOSITORY / module / "Resources" / "UI").glob("*.ui"))
BUTTONS = {"QPushButton", "QToolButton", "QCheckBox", "QRadioButton", "ctkCheckBox", "ctkMenuButton"}
CHOOSERS = {
    "QComboBox",
    "QDoubleSpinBox",
    "QLineEdit",
    "QSlider",
    "QSpinBox",
    "ctkComboBox",
    "ctkDirectoryButton",
    "ctkPathLineEdit",
    "ctkSliderWidget",
    "qMRMLNodeComboBox",
}
"""What a person chooses with: says in a tool tip what it is for."""

files = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def root_of(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def names_in(path: Path) -> list[str]:
    kinds = ("widget", "layout", "spacer", "action")
    return [element.get("name", "") for kind in kinds for element in root_of(path).iter(kind)]


def package_of(module: str) -> list[Path]:
    return [
        REPOSITORY / module / f"{module}.py",
        *sorted((REPOSITORY / module / f"{module}Lib" / "panel").rglob("*.py")),
    ]


def test_there_are_ui_files():
    assert {path.stem for path in FILES} >= set(MODULES)


@files
def test_a_ui_file_loads_and_is_no_empty_picture(slicer_app, path, tmp_path):
    """The loader refuses classes that Slicer lacks, names given twice, and connections between what is not there."""
    import slicer
    from PIL import Image

    widget = slicer.util.loadUI(str(path))
    picture = slicer_app.picture(widget, tmp_path / f"{path.stem}.png")
    assert np.asarray(Image.open(picture).convert("L")).std() > 5


@files
def test_every_widget_is_known_to_slicer_and_to_the_double(slicer_app, path):
    from slicer_double.classes import proxy_class

    kinds = {widget.get("class", "") for widget in root_of(path).iter("widget")} - {"Line"}
    for kind in kinds:
        assert kind in slicer_app.api, kind
        proxy_class(kind)


NO_PROPERTIES = {"SlicerParameterName", "buddy"}
"""Kept with a widget, or understood by the loader, without being one of its members."""


@files
def test_properties_of_widgets_exist(slicer_app, path):
    """A name that a widget does not have is kept with it silently, and does nothing."""
    for widget in root_of(path).iter("widget"):
        kind = widget.get("class", "")
        known = {"orientation"} if kind == "Line" else set(slicer_app.api.entry(kind).properties)
        given = {element.get("name") for element in widget.findall("property")}
        assert given <= known | NO_PROPERTIES, f"{widget.get('name')}: {given - known}"
        buddy = property_of(widget, "buddy")
        assert buddy is None or buddy in names_in(path), f"{widget.get('name')} belongs to {buddy}, which is not there"


@files
def test_widgets_of_slicer_say_where_they_come_from(path):
    """Qt's Designer, and Slicer's own loader, look a class up in the list at the end of the file."""
    declared = {element.findtext("class") for element in root_of(path).iter("customwidget")}
    used = {widget.get("class", "") for widget in root_of(path).iter("widget")}
    assert {kind for kind in used if kind.startswith(("ctk", "qMRML", "qSlicer"))} <= declared


@files
def test_no_name_is_given_twice_and_none_is_missing(path):
    names = names_in(path)
    assert all(names)
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})


def silent(kind: str, text: str, tool_tip: str) -> bool:
    """Whether a person cannot know what a widget does."""
    return not tool_tip and (kind in CHOOSERS or (kind in BUTTONS and not text))


@files
def test_widgets_say_what_they_do(path):
    """In the file, or by the code: an empty tool tip in the file is one that the code fills (see the next test)."""
    for widget in root_of(path).iter("widget"):
        text, tool_tip = (property_of(widget, name) for name in ("text", "toolTip"))
        assert tool_tip == "" or not silent(widget.get("class", ""), text or "", tool_tip or ""), widget.get("name")
        for name in ("title", "accessibleName"):
            assert property_of(widget, name) != "", f"{widget.get('name')} has an empty {name}"


@pytest.mark.parametrize("module", MODULES)
def test_widgets_of_the_live_panel_say_what_they_do(slicer_app, module):
    import slicer

    widget = slicer_app.load_module(module)
    slicer_app.show(widget)
    for child in slicer.util.findChildren(widget.parent):
        named = child.isWidgetType() and child.name and not child.name.startswith("qt_")
        if named and child.isVisibleTo(widget.parent) and child.className() in BUTTONS | CHOOSERS:
            text = child.text if child.className() in BUTTONS else ""
            assert not silent(child.className(), text, child.toolTip), f"{child.name} says nothing"


@pytest.mark.parametrize("module", MODULES)
def test_widgets_named_in_code_are_in_the_ui_file(module):
    known = {name for path in FILES for name in names_in(path) if path.stem.startswith(module)}
    for path in package_of(module):
        for use in widgets_used(path):
            assert use.name in known, f"{use.where}: no widget is called {use.name}"


def wrappers(python) -> list[type]:
    return [value for value in vars(python).values() if getattr(value, "_is_parameter_node_wrapper", False)]


@pytest.mark.parametrize("module", MODULES)
def test_parameters_named_in_ui_files_fit_their_widgets(slicer_app, module):
    """``connectParametersToGui`` connects nothing at all when one pair is wrong."""
    from slicer_double.parameter_node.widgets import accepted

    python = slicer_app.load_logic(module)
    fields = {name: field for wrapper in wrappers(python) for name, field in wrapper._fields.items()}
    assert fields
    taken = set()
    for path in FILES:
        for widget, kind, name in parameters_of(root_of(path)) if path.stem.startswith(module) else ():
            assert name in fields, f"{path.name}: {widget} is to show {name}, which is no parameter"
            assert name not in taken, f"{path.name}: two widgets show {name}; only one of them is connected"
            taken.add(name)
            field = fields[name]
            assert accepted(kind, field.kind, field.annotations), f"{path.name}: {kind} {widget} cannot show {name}"
