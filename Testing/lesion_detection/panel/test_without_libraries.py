"""A fresh Slicer lacks most of our libraries: the panel opens all the same, and what needs them asks for them."""

from __future__ import annotations

import sys

import pytest

LACKING = ("torch", "torchvision", "safetensors", "cv2", "skimage", "matplotlib", "pydicom", "highdicom", "yaml", "PIL")


@pytest.fixture
def fresh_slicer(slicer_app, monkeypatch):
    """Our library is imported anew and finds none of the others; what other tests imported comes back afterwards."""
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "LesionDetectionLib"}
    for name in ours:
        del sys.modules[name]
    for name in [name for name in sys.modules if name.split(".")[0] in LACKING]:
        monkeypatch.delitem(sys.modules, name)
    for name in LACKING:
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    yield slicer_app
    slicer_app.close()
    for name in [name for name in sys.modules if name.split(".")[0] == "LesionDetectionLib"]:
        del sys.modules[name]
    sys.modules.update(ours)


def test_the_panel_opens_without_them(fresh_slicer, monkeypatch, tmp_path):
    monkeypatch.setenv("LESION_MODELS", str(tmp_path))
    widget = fresh_slicer.load_module("LesionDetection")
    fresh_slicer.show(widget)
    assert widget.ui.modelComboBox.currentText == "nodule-ct-phantom 2"
    from LesionDetectionLib.panel.self_test import scans

    widget.panel.context.parameters.ctVolume = scans.ball_volume()[0]
    assert widget.ui.detectButton.isEnabled()


def test_the_self_test_skips_what_cannot_be_done(fresh_slicer, monkeypatch, tmp_path):

    monkeypatch.setenv("LESION_MODELS", str(tmp_path))
    fresh_slicer.load_module("LesionDetection")
    from LesionDetectionLib.app import packages

    monkeypatch.setattr(packages, "missing", lambda _feature: (packages.Found(packages.PACKAGES["torch"]),))
    sys.modules["LesionDetection"].LesionDetectionTest().runTest()
    assert fresh_slicer.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
