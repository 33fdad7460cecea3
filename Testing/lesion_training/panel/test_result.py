"""Section 4: figures with their bounds, the card, the FROC curve, and what can be done with a model."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.bundle import Bundle


@pytest.fixture
def trained(started, finish):
    """A run that has ended; the path of its model."""
    return finish(started)


def test_the_new_model_is_shown_when_it_is_there(trained, ui, panel):
    assert not ui.resultSection.collapsed
    assert ui.modelComboBox.currentText == "Mine 1"
    assert "CPM 0.731" in ui.cpmText.text
    assert "95 %: 0.662 to 0.794" in ui.cpmText.text
    assert "Measured on 20 scans." in ui.measuredText.text
    assert "Lung nodules in CT." in ui.cardBrowser.toPlainText()
    assert not ui.phantomWarning.isVisible()
    assert ui.runMessage.text.startswith("Trained: Mine.")


def test_figures_from_phantoms_are_marked(ui, chosen, panel):
    ui.resultSection.collapsed = False
    assert ui.modelComboBox.currentText == "nodule-ct-phantom 2 (came with the program)"
    assert ui.phantomWarning.isVisible()
    assert "say nothing about patients" in ui.phantomWarningText.text


def test_what_was_not_measured_says_so(install, panel, ui):
    install("Plain", figures=None)
    panel.refresh()
    ui.modelComboBox.setCurrentIndex(ui.modelComboBox.findText("Plain 1"))
    assert "Not measured" in ui.cpmText.text
    assert "Nothing is known of how good it is" in ui.measuredText.text
    assert not ui.frocButton.isEnabled()


def test_the_froc_curve_with_its_bounds(trained, ui, shown_chart):
    ui.frocButton.click()
    node = shown_chart()
    assert node.GetTitle() == "FROC"
    names = [node.GetNthPlotSeriesNode(n).GetName() for n in range(node.GetNumberOfPlotSeriesNodes())]
    assert names == ["Mine", "95 % of drawings", "95 % of drawings "]


def test_use_in_lesion_detection(trained, ui, slicer_app):
    import slicer

    detection = slicer_app.load_module("LesionDetection")
    ui.useButton.click()
    assert slicer.util.selectedModule() == "LesionDetection"
    assert detection.panel.context.parameters.model == str(trained)
    assert detection.ui.modelComboBox.currentText == "Mine 1"


def test_an_open_lesion_detection_sees_new_models_without_being_entered(started, finish, slicer_app):
    detection = slicer_app.load_module("LesionDetection")
    slicer_app.show(detection)
    box = detection.ui.modelComboBox
    assert [box.itemText(n) for n in range(box.count)] == ["nodule-ct-phantom 2"]
    finish(started)
    assert "Mine 1" in [box.itemText(n) for n in range(box.count)]


def test_export_as_one_file(trained, ui, answer, tmp_path):
    answer("choose_new_file", tmp_path / "out.zip")
    ui.exportButton.click()
    assert Bundle.open(tmp_path / "out.zip").manifest.name == "Mine"
    assert ui.resultMessage.text == f"Written: {tmp_path / 'out.zip'}"


def test_export_that_is_declined(trained, ui, answer):
    answer("choose_new_file", None)
    ui.exportButton.click()
    assert not ui.resultMessageRow.isVisible()


def test_a_model_is_measured_on_the_chosen_data(trained, ui, chosen, engines, answer, install):
    texts = answer("confirm", True)
    chosen.options = {"phantoms/seeds": "90-99"}
    ui.measureButton.click()
    assert "has not learned from these patients" in texts[0]
    request = engines.last("MeasureModelRequest")[1].request
    assert (request.bundle, request.cohort) == (str(trained), "phantoms:chest?seeds=90-99")
    assert ui.measureCancelButton.isVisible()
    assert not ui.startButton.isEnabled()
    engines.tell("MeasureModelRequest", 0.5, "Scan 5 of 10")
    assert ui.resultMessage.text == "Scan 5 of 10 (50 %)"
    install("Mine", figures={"scans": 10, "cpm": 0.5, "froc": []})
    engines.end("MeasureModelRequest", result=str(trained))
    assert "CPM 0.500" in ui.cpmText.text
    assert "Measured on 10 scans." in ui.resultMessage.text
    assert not ui.measureCancelButton.isVisible()
    assert ui.startButton.isEnabled()


def test_measuring_can_be_declined_and_cancelled(trained, ui, engines, answer):
    answer("confirm", False)
    ui.measureButton.click()
    assert not engines.asked("MeasureModelRequest")
    answer("confirm", True)
    ui.measureButton.click()
    ui.measureCancelButton.click()
    assert engines.last("MeasureModelRequest")[1].state == "cancelling"
    assert ui.resultMessage.text.startswith("Cancelled.")
    assert ui.measureButton.isEnabled()


def test_folds_are_shown_together(ui, chosen, panel, engines, finish, shown_chart):
    chosen.source, chosen.folds, chosen.name = "phantoms", 2, "Mine"
    ui.startButton.click()
    finish(panel.session.run)
    finish(panel.session.run)
    pooled = {
        "scans": 40,
        "cpm": 0.7,
        "froc": [[0.9, 0.25, 0.5]],
        "confidence": {"cpm": [0.6, 0.8], "froc": [[0.125, 0.1, 0.3]]},
    }
    engines.end("PoolFoldsRequest", result=pooled)
    assert ui.modelComboBox.currentText == "Mine, all folds"
    assert "CPM 0.700" in ui.cpmText.text
    assert "2 models, each on patients that it has not seen." in ui.measuredText.text
    assert not ui.useButton.isEnabled()
    ui.frocButton.click()
    node = shown_chart()
    names = [node.GetNthPlotSeriesNode(n).GetName() for n in range(node.GetNumberOfPlotSeriesNodes())]
    assert names[:3] == ["Mine fold 1 of 2", "Mine fold 2 of 2", "Mine"]
    ui.modelComboBox.setCurrentIndex(ui.modelComboBox.findText("Mine fold 2 of 2 1"))
    assert ui.useButton.isEnabled()


def test_a_damaged_model_is_told(trained, ui, panel):
    (trained / "weights.safetensors").write_bytes(b"x")
    panel.result._chosen.item = ""
    panel.refresh()
    assert "is refused" in ui.resultMessage.text or "There is no model yet" in ui.resultMessage.text
    assert not ui.resultRow.isVisible()
