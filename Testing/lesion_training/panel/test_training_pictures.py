"""The panel as a person sees it; ``LESION_PICTURES=folder`` keeps the pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from LesionTrainingLib.cohorts.cohort import LeftOut

WIDTH = 460


@pytest.fixture
def picture(slicer_app, widget, tmp_path):
    """``picture("name")`` draws the panel in a light and in a dark theme and looks whether something is on it."""
    folder = Path(os.environ.get("LESION_PICTURES", tmp_path))

    def draw(name, shown=None):
        slicer_app.process_events()
        height = 320 if shown is not None else max(widget.parent.heightForWidth(WIDTH), 200)
        for theme, dark in (("light", False), ("dark", True)):
            path = folder / f"training_{name}_{theme}.png"
            slicer_app.picture(shown or widget, path, (WIDTH, height), dark=dark)
            assert len(np.unique(colors(path))) > 50

    return draw


def colors(path):
    from PIL import Image

    rgb = np.asarray(Image.open(path).convert("RGB"), dtype=np.int32)
    return rgb[..., 0] * 65536 + rgb[..., 1] * 256 + rgb[..., 2]


def test_as_it_opens(listed, picture):
    picture("opened")


def test_data_chosen_and_checked(listed, ui, chosen, engines, summary, picture):
    from dataclasses import replace

    chosen.labelledOnly = True
    ui.allButton.click()
    ui.labelsGroup.collapsed = False
    ui.checkButton.click()
    problems = (
        LeftOut(
            "1.2.840.113619.2.55.3.604688119.971.1",
            "41 of 120 files of the CT series are not on this disk. Were they moved?",
        ),
        LeftOut("9.9.9", "The SEG refers to a series that is not here."),
    )
    engines.end("CohortSummaryRequest", result=replace(summary, problems=problems))
    ui.planSection.collapsed = ui.runSection.collapsed = True
    picture("data")


def test_another_source(listed, ui, chosen, picture):
    chosen.source, chosen.paths = "luna16", {"luna16": "/data/LUNA16"}
    chosen.options = {"luna16/subset": "0-8"}
    ui.optionsGroup.collapsed = False
    ui.checkButton.click()
    ui.planSection.collapsed = ui.runSection.collapsed = True
    picture("source")


def test_plan_with_folds(listed, ui, chosen, picture):
    chosen.folds, chosen.name, chosen.preset = 5, "Lung nodules, our scanner", "large"
    ui.moreGroup.collapsed = False
    ui.dataSection.collapsed = ui.runSection.collapsed = True
    picture("plan")


def test_while_it_trains(listed, started, ui, engines, learn, panel, picture, shown_chart, slicer_app):
    import slicer

    learn(started, 210, validated=(30, 60, 90, 120, 150, 180, 210))
    engines.tell("TrainRequest", 0.34, "Step 210 of 800, loss 0.1052")
    panel.run.poll()
    ui.dataSection.collapsed = ui.planSection.collapsed = True
    picture("running")
    view = slicer.app.layoutManager().plotWidget(0)
    assert shown_chart().GetTitle() == "Training loss"
    picture("loss", view)
    ui.curveComboBox.setCurrentIndex(1)
    picture("metrics", view)


def test_paused_with_another_run_to_go_on_with(listed, started, ui, engines, learn, answer, chosen, picture, panel):
    learn(started, 60)
    answer("choose", 0)
    ui.cancelButton.click()
    engines.end("TrainRequest", "cancelled")
    ui.dataSection.collapsed = ui.planSection.collapsed = True
    picture("unfinished")


def test_failed(listed, started, ui, engines, learn, panel, picture):
    from LesionDetectionLib.core.errors import DeviceError

    learn(started, 60)
    text = "The memory of cuda:0 (NVIDIA T4) is full. Close other programs that use it, or choose the device cpu."
    engines.end("TrainRequest", "failed", error=DeviceError(text), details="Traceback")
    ui.dataSection.collapsed = ui.planSection.collapsed = True
    picture("failed")


def test_result(listed, started, finish, ui, learn, picture, slicer_app):
    import slicer

    learn(started, 210)
    finish(started)
    ui.dataSection.collapsed = ui.planSection.collapsed = True
    picture("result")
    ui.frocButton.click()
    picture("froc", slicer.app.layoutManager().plotWidget(0))


def test_result_on_phantoms(listed, ui, picture):
    ui.dataSection.collapsed = ui.planSection.collapsed = ui.runSection.collapsed = True
    ui.resultSection.collapsed = ui.sampleSection.collapsed = False
    picture("phantom_result")
