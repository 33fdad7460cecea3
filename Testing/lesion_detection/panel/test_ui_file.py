"""``LesionDetection.ui``: what a person can touch explains itself, and its names are those of the code."""

from __future__ import annotations

import json
import re
import sys
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PATH = REPOSITORY / "LesionDetection" / "Resources" / "UI" / "LesionDetection.ui"
PANEL = REPOSITORY / "LesionDetection" / "LesionDetectionLib" / "panel"
TOUCHED = {
    "QComboBox",
    "QPushButton",
    "QToolButton",
    "QCheckBox",
    "QSlider",
    "QDoubleSpinBox",
    "ctkSliderWidget",
    "QTableWidget",
}


def widgets():
    return {w.get("name"): w for w in ElementTree.parse(PATH).iter("widget")}


def test_all_that_can_be_touched_has_a_tooltip(ui, detected):
    without = [
        name for name, widget in widgets().items() if widget.get("class") in TOUCHED and not getattr(ui, name).toolTip
    ]
    assert without == []


def test_parameters_named_in_the_file_are_fields(slicer_app):
    module = slicer_app.load_logic("LesionDetection")
    fields = set(typing.get_type_hints(module.LesionDetectionParameters))
    named = {
        p.findtext("string") for p in ElementTree.parse(PATH).iter("property") if p.get("name") == "SlicerParameterName"
    }
    assert named <= fields
    assert {"ctVolume", "petVolume", "region", "roi"} <= named


def test_classes_exist_in_slicer(real_data):
    lists = json.loads(real_data("../slicer-api/slicer-5.8.1.json").read_text(encoding="utf-8"))
    known = {*lists["qt"], *lists["ctk"], *lists["slicer_widgets"]}
    assert {widget.get("class") for widget in widgets().values()} <= known


def test_names_used_in_code_are_in_the_file():
    """The double finds them too, but only where a test goes."""
    text = "".join(path.read_text(encoding="utf-8") for path in PANEL.glob("*_part.py"))
    used = set(re.findall(r"\bui\.(\w+)", text)) | set(re.findall(r'"(\w+)Button"', text))
    there = {*widgets(), *(name.removesuffix("Button") for name in widgets())}
    assert used - there - _of_other_files() == set()


def _of_other_files():
    """Names in the other ``.ui`` files of this module."""
    others = [path for path in PATH.parent.glob("*.ui") if path != PATH]
    return {w.get("name") for path in others for w in ElementTree.parse(path).iter("widget")}


def test_sections_that_come_later_begin_closed(ui):
    assert [ui.imagesSection.collapsed, ui.detectSection.collapsed, ui.findingsSection.collapsed] == [False] * 3
    assert [ui.exportSection.collapsed, ui.followUpSection.collapsed, ui.modelsSection.collapsed] == [True] * 3


def test_the_library_is_not_loaded_before_the_module_is_opened(slicer_app):
    """Slicer executes the module file when it starts."""
    slicer_app.load_logic("LesionDetection")
    text = (REPOSITORY / "LesionDetection" / "LesionDetection.py").read_text(encoding="utf-8")
    assert not re.search(r"^(from|import) LesionDetectionLib", text, re.MULTILINE)
    assert "torch" not in {name.split(".")[0] for name in vars(sys.modules["LesionDetection"])}
