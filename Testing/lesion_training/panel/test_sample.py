"""The sample scan: made by the worker, loaded with its true nodules."""

from __future__ import annotations

import pytest
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.core.errors import OutputError

pytestmark = pytest.mark.usefixtures("phantoms_kept")


@pytest.fixture
def sample(ui):
    ui.sampleSection.collapsed = False
    return ui


def test_a_phantom_is_made_and_loaded(sample, chosen, engines, slicer_app):
    from dataclasses import replace

    sample.phantomSeedSpinBox.setValue(3)
    sample.phantomButton.click()
    request = engines.last("PhantomRequest")[1].request
    assert (request.seed, request.protocol) == (3, "fast")
    engines.tell("PhantomRequest", 0.5, "Painting vessels")
    assert sample.sampleMessage.text == "Painting vessels (50 %)"
    assert sample.phantomButton.text == "Cancel"
    made = InProcess().submit(replace(request, protocol="tiny"), {}).result
    engines.end("PhantomRequest", result=made)
    assert slicer_app.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode").GetName() == "chest-phantom-0003"
    assert "as “Truth”" in sample.sampleMessage.text
    assert sample.phantomButton.text == "Load a phantom"


def test_it_can_be_cancelled(sample, engines):
    sample.phantomButton.click()
    sample.phantomButton.click()
    assert engines.last("PhantomRequest")[1].state == "cancelling"
    assert sample.phantomButton.text == "Load a phantom"


def test_a_failure_is_told(sample, engines):
    sample.phantomButton.click()
    engines.end("PhantomRequest", "failed", error=OutputError("The disk is full."))
    assert sample.sampleMessage.text == "The disk is full."
