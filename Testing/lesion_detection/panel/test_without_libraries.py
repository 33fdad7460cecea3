"""A fresh Slicer lacks most of our libraries: the panel opens all the same, and what needs them asks for them."""

from __future__ import annotations

import sys

LACKING = ("torch", "torchvision", "safetensors", "cv2", "skimage", "matplotlib", "pydicom", "highdicom", "yaml", "PIL")


def test_the_panel_opens_without_them(slicer_app, monkeypatch, tmp_path):
    monkeypatch.setenv("LESION_MODELS", str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] in (*LACKING, "LesionDetectionLib")]:
        monkeypatch.delitem(sys.modules, name)
    for name in LACKING:
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    widget = slicer_app.load_module("LesionDetection")
    slicer_app.show(widget)
    assert widget.ui.modelComboBox.currentText == "nodule-ct-phantom 2"
    widget.panel.context.parameters.ctVolume = slicer_app.load_logic("LesionDetection")._ballVolume()[0]
    assert widget.ui.detectButton.isEnabled()
