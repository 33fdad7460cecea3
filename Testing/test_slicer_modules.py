"""The two module files in the strict double of Slicer 5.8.1: from loading to reloading."""

from __future__ import annotations

import sys

import pytest
from LesionDetectionLib.core.errors import InputError

MODULES = ("LesionDetection", "LesionTraining")

modules = pytest.mark.parametrize("name", MODULES)


@modules
def test_the_module_says_what_it_is(slicer_app, name):
    import slicer

    slicer_app.load_logic(name)
    parent = getattr(slicer.modules, name.lower())
    assert parent.title
    assert parent.categories == ("Segmentation",)
    assert "not a medical device" in parent.helpText
    assert parent.acknowledgementText
    assert not parent.icon.pixmap(16, 16).isNull()


@modules
def test_the_panel_is_built_to_its_end(slicer_app, name):
    """In Slicer an exception in ``setup`` is only printed: ``panel`` is the last thing that it makes."""
    widget = slicer_app.load_module(name)
    slicer_app.show(widget)
    assert widget.panel is not None
    assert not slicer_app.questions  # nothing is asked before a person wants something


@modules
def test_nothing_of_the_module_is_left_after_it(slicer_app, name):
    """No observer, no timer, no shortcut: what happens in the scene is no business of a closed module."""
    widget = slicer_app.load_module(name)
    slicer_app.show(widget)
    assert slicer_app.who_observes() != []
    slicer_app.leave(widget)
    widget.cleanup()
    assert slicer_app.who_observes() == []


@modules
def test_the_module_outlives_its_scene(slicer_app, name):
    widget = slicer_app.load_module(name)
    slicer_app.show(widget)
    slicer_app.scene.Clear(0)
    slicer_app.process_events()
    assert widget.panel is not None
    slicer_app.leave(widget)
    slicer_app.scene.Clear(0)
    slicer_app.show(widget)
    assert widget.panel is not None


@modules
def test_the_module_can_be_reloaded(slicer_app, name):
    """The old panel knows nothing any more; its library is loaded anew, which Slicer does not do by itself."""
    import slicer

    old = slicer_app.load_module(name)
    slicer_app.show(old)
    library = sys.modules[type(old.panel).__module__]
    old.onReload()
    new = getattr(slicer.modules, f"{name}Widget")
    assert new is not old
    assert new.panel is not None
    assert sys.modules[type(new.panel).__module__] is not library
    new.cleanup()
    assert slicer_app.who_observes() == []


def test_a_panel_that_is_reloaded_while_it_is_shown_knows_what_is_loaded(slicer_app):
    import numpy as np
    import slicer

    old = slicer_app.load_module("LesionDetection")
    slicer_app.show(old)
    node = slicer.util.addVolumeFromArray(np.zeros((2, 2, 2), np.int16))
    node.CreateDefaultDisplayNodes()
    old.onReload()
    assert slicer.modules.LesionDetectionWidget.panel.context.volumes == {"CT": node}


@modules
def test_the_choices_come_back_with_a_saved_scene(slicer_app, name, tmp_path):
    import slicer

    widget = slicer_app.load_module(name)
    slicer_app.show(widget)
    parameters = widget.logic.getParameterNode()
    field = "method" if name == "LesionTraining" else "device"
    setattr(parameters, field, "nodule-ct" if field == "method" else "cpu")
    slicer.util.saveScene(str(tmp_path / "case.mrb"))
    slicer_app.scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    assert getattr(widget.logic.getParameterNode(), field) in ("nodule-ct", "cpu")


def test_phantoms_are_offered_as_sample_data(slicer_app):
    slicer_app.load_module("LesionDetection")
    assert not slicer_app.samples  # Sample Data may be loaded after this module
    slicer_app.startup_completed()
    assert {sample["category"] for sample in slicer_app.samples} == {"Lesion Detection"}


def test_training_opens_the_database_of_a_running_slicer(slicer_app, tmp_path):
    import slicer

    logic = slicer_app.load_logic("LesionTraining").LesionTrainingLogic()
    with pytest.raises(InputError, match="No DICOM database is open"):
        logic.openDatabase(slicer.dicomDatabase, modality="PT")
    slicer_app.database.openDatabase(str(tmp_path / "ctkDICOM.sql"))
    with pytest.raises(TypeError, match="colour"):
        logic.openDatabase(slicer.dicomDatabase, colour="red")
