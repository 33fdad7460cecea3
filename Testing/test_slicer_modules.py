"""Both module files as Slicer loads them, on the double of Slicer 5.8.1 (``slicer_double``)."""

from __future__ import annotations

import types

import pytest
from LesionDetectionLib.core.errors import InputError


@pytest.mark.parametrize("name", ["LesionDetection", "LesionTraining"])
def test_the_module_says_what_it_is(slicer_app, name):
    import slicer

    slicer_app.load_logic(name)
    module = getattr(slicer.modules, name.lower())
    assert module.title
    assert list(module.categories) == ["Segmentation"]
    assert "not a medical device" in module.helpText
    assert module.acknowledgementText
    assert not module.icon.pixmap(16, 16).isNull()


@pytest.mark.parametrize("name", ["LesionDetection", "LesionTraining"])
def test_the_panel_is_built_entered_left_and_taken_away(slicer_app, name):
    widget = slicer_app.load_module(name)
    slicer_app.show(widget)
    slicer_app.leave(widget)
    widget.cleanup()
    assert slicer_app.who_observes(name) == []


def test_the_logic_of_detection_measures_for_scripts(slicer_app):
    import slicer

    module = slicer_app.load_logic("LesionDetection")
    volume, center, _count = module._ballVolume()
    result = module.LesionDetectionLogic().measure(volume, center)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    assert result.segmentation.GetSegmentation().GetNumberOfSegments() == 1
    with pytest.raises(InputError, match="Nothing stands out"):
        module.LesionDetectionLogic().measure(volume, (5.0, 5.0, 5.0))


def test_training_opens_the_database_of_a_running_slicer(slicer_app):
    logic = slicer_app.load_logic("LesionTraining").LesionTrainingLogic()
    closed = types.SimpleNamespace(isOpen=False, databaseDirectory="")
    with pytest.raises(InputError, match="No DICOM database is open"):
        logic.openDatabase(closed, modality="PT")
    with pytest.raises(TypeError, match="colour"):
        logic.openDatabase(closed, colour="red")
