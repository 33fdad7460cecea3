"""``LesionTraining.ui``: what a person can touch explains itself, and its names are those of the code."""

from __future__ import annotations

import json
import re
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PATH = REPOSITORY / "LesionTraining" / "Resources" / "UI" / "LesionTraining.ui"
PANEL = REPOSITORY / "LesionTraining" / "LesionTrainingLib" / "panel"
TOUCHED = {
    "QComboBox",
    "QPushButton",
    "QCheckBox",
    "QSpinBox",
    "QLineEdit",
    "QTreeWidget",
    "QTableWidget",
    "QTextBrowser",
}


def widgets():
    return {w.get("name"): w for w in ElementTree.parse(PATH).iter("widget")}


def test_all_that_can_be_touched_has_a_tooltip(ui, listed):
    without = [
        name for name, widget in widgets().items() if widget.get("class") in TOUCHED and not getattr(ui, name).toolTip
    ]
    assert without == []


def test_parameters_named_in_the_file_are_fields(slicer_app):
    module = slicer_app.load_logic("LesionTraining")
    fields = set(typing.get_type_hints(module.LesionTrainingParameters))
    named = {
        p.findtext("string") for p in ElementTree.parse(PATH).iter("property") if p.get("name") == "SlicerParameterName"
    }
    assert named <= fields
    assert {"descriptionFilter", "labelledOnly", "name", "folds", "seed"} <= named


def test_classes_exist_in_slicer(real_data):
    lists = json.loads(real_data("../slicer-api/slicer-5.8.1.json").read_text(encoding="utf-8"))
    known = {*lists["qt"], *lists["ctk"], *lists["slicer_widgets"]}
    assert {widget.get("class") for widget in widgets().values()} <= known


def test_names_used_in_code_are_in_the_file():
    """The double finds them too, but only where a test goes."""
    files = [*PANEL.glob("*_part.py"), PANEL / "source_form.py", PANEL / "training_panel.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    used = set(re.findall(r"\bui\.(\w+)", text)) | set(re.findall(r'"(\w+)Button"', text))
    there = {*widgets(), *(name.removesuffix("Button") for name in widgets())}
    assert used - there == set()


def test_what_comes_later_begins_closed(ui):
    assert [ui.dataSection.collapsed, ui.planSection.collapsed, ui.runSection.collapsed] == [False] * 3
    assert [ui.labelsGroup.collapsed, ui.moreGroup.collapsed, ui.resultSection.collapsed] == [True] * 3
