"""Section 2: method, preset, name, folds, device, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.session.plan import TrainingPlan

COHORT = "phantoms:chest"


def test_what_is_not_chosen_is_the_usual(panel, ui):
    plan = panel.plan.plan(COHORT)
    name = f"nodule-ct {date.today().isoformat()}"
    assert plan == TrainingPlan(name, "nodule-ct", COHORT, preset="standard")
    assert ui.nameEdit.placeholderText == name
    assert "Learns from CT" in ui.methodText.text
    assert ui.foldsText.text.startswith("15 % of the patients set thresholds")
    assert not ui.foldComboBox.isVisible()


def test_what_is_chosen_is_in_the_plan(panel, ui, chosen, answer, tmp_path):
    settings = tmp_path / "mine.yaml"
    answer("choose_file", settings)
    ui.moreGroup.collapsed = False
    ui.nameEdit.setText("  Mine ")
    ui.presetComboBox.setCurrentIndex(ui.presetComboBox.findData("trial"))
    assert ui.presetText.text.startswith("Tiny networks")
    ui.seedSpinBox.setValue(7)
    ui.workersSpinBox.setValue(3)
    ui.settingsButton.click()
    ui.validationEdit.setText("phantoms:chest?seeds=50")
    ui.testEdit.setText("phantoms:chest?seeds=90")
    ui.deviceComboBox.setCurrentIndex(ui.deviceComboBox.findData("cpu"))
    assert panel.plan.plan(COHORT) == TrainingPlan(
        "Mine",
        "nodule-ct",
        COHORT,
        "phantoms:chest?seeds=50",
        "phantoms:chest?seeds=90",
        "trial",
        str(settings),
        device="cpu",
        seed=7,
        workers=3,
    )


def test_each_method_with_its_presets(panel, ui, chosen):
    """The first is what its paper did or what suits most; Trial is there for all."""
    from LesionTrainingLib.session.presets import presets

    methods = [ui.methodComboBox.itemData(n) for n in range(ui.methodComboBox.count)]
    assert {"nodule-ct", "high-uptake-ct", "universal-ct", "liver-ct"} <= set(methods)
    for name in methods:
        chosen.method = name
        shown = [ui.presetComboBox.itemData(n) for n in range(ui.presetComboBox.count)]
        assert shown == list(presets(name))
        assert {"standard", "trial"} <= set(shown)
        assert panel.plan.plan(COHORT).method == name


def test_folds(panel, ui, chosen):
    ui.foldsSpinBox.setValue(5)
    assert ui.foldComboBox.isVisible()
    assert [ui.foldComboBox.itemText(n) for n in (0, 1, 5)] == ["All in turn", "Only fold 1", "Only fold 5"]
    assert panel.plan.plan(COHORT).fold == -1
    ui.foldComboBox.setCurrentIndex(2)
    assert (panel.plan.plan(COHORT).folds, panel.plan.plan(COHORT).fold) == (5, 1)
    assert ui.foldsText.text.startswith("5 models")
    assert not ui.testEdit.isEnabled()
    ui.foldsSpinBox.setValue(1)
    assert "at least 2 folds" in ui.foldsText.text
    with pytest.raises(UsageError, match="2 to 20 folds"):
        panel.plan.plan(COHORT)
    ui.foldsSpinBox.setValue(0)
    assert panel.plan.plan(COHORT).folds == 0


def test_a_name_that_is_taken_is_refused_before_hours_are_spent(panel, ui, install):
    install("Mine")
    ui.nameEdit.setText("Mine")
    with pytest.raises(UsageError, match="“Mine” is in the model folder already"):
        panel.plan.plan(COHORT)
    ui.foldsSpinBox.setValue(2)
    assert panel.plan.plan(COHORT).name == "Mine"
    install("Mine fold 2 of 2")
    with pytest.raises(UsageError, match="fold 2 of 2"):
        panel.plan.plan(COHORT)


def test_the_suggested_name_is_free(panel, ui, install):
    today = f"nodule-ct {date.today().isoformat()}"
    install(today)
    panel.refresh()
    assert ui.nameEdit.placeholderText == f"{today} 2"
    assert panel.plan.name == f"{today} 2"


def test_devices_are_named_when_they_are_known(panel, ui, chosen, engines):
    assert [ui.deviceComboBox.itemText(n) for n in range(ui.deviceComboBox.count)] == ["Automatic", "CPU"]
    panel.session.find_devices()
    devices = [
        {"id": "auto", "title": "Automatic (A GPU)"},
        {"id": "cpu", "title": "CPU"},
        {"id": "cuda:0", "title": "A GPU"},
    ]
    engines.end("DevicesRequest", result=devices)
    assert [ui.deviceComboBox.itemData(n) for n in range(ui.deviceComboBox.count)] == ["auto", "cpu", "cuda:0"]
    ui.deviceComboBox.setCurrentIndex(2)
    assert panel.plan.plan(COHORT).device == "cuda:0"


def test_a_device_of_another_computer_is_kept_in_sight(ui, chosen):
    chosen.device = "cuda:7"
    assert ui.deviceComboBox.currentText == "cuda:7"


def test_runs_can_lie_in_another_folder(panel, ui, answer, tmp_path):
    from LesionTrainingLib.panel import places

    assert places.runs_folder() == tmp_path / "data" / "Training"
    answer("choose_folder", tmp_path / "large disk")
    ui.runsFolderButton.click()
    assert places.runs_folder() == tmp_path / "large disk"
    assert ui.runsFolderText.text == str(tmp_path / "large disk")
    places.set_runs_folder(None)
    assert places.runs_folder() == Path(tmp_path / "data" / "Training")
