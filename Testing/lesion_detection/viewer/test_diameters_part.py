"""Two diameters that are drawn in an axial slice, and the lesion that comes of them."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.recist_request import RecistRequest, lesion_from_diameters
from LesionDetectionLib.core.progress import Progress

from ..panel.conftest import CENTERS

R, A, S = CENTERS[0]
LONG = ((R - 8, A, S), (R + 8, A, S))
SHORT = ((R, A - 7, S), (R, A + 7, S))
LINE = "vtkMRMLMarkupsLineNode"


@pytest.fixture
def red(viewer, ct):
    """The axial view, through a lesion."""
    stage = viewer.context.stage
    for area in stage.areas.values():
        area.on_event({"type": "size", "w": 200, "h": 200, "ratio": 1.0})
    stage.show(ct)
    stage.go_to(CENTERS[0])
    return stage.areas["Red"]


def draw(viewer, area, ends):
    """As the page tells it: from one place of the picture to another."""
    from LesionDetectionLib.viewer.views.slice_moves import xy_of

    (x, y), (x2, y2) = (area.window.place(*xy_of(area.node, end)[:2]) for end in ends)
    with viewer.context.state:
        area.on_event({"type": "line", "x": x, "y": y, "x2": x2, "y2": y2})


def lines(viewer):
    return viewer.context.scene.GetNumberOfNodesByClass(LINE)


def test_a_lesion_is_outlined_from_the_two_diameters_that_were_drawn(viewer, page, state, red, engine):
    page.press("diameters-button")
    assert state.drawing
    assert "longest diameter" in state.click_text
    draw(viewer, red, LONG)
    assert "across it" in state.click_text
    assert len(red.notes()["lines"]) == 1
    draw(viewer, red, SHORT)
    assert isinstance(engine.request, RecistRequest)
    assert np.abs(np.subtract(engine.request.lines_ras_mm, (LONG, SHORT))).max() < 1.0
    images = engine.jobs[-1][2]
    engine.finish(lesion_from_diameters(engine.request, images, None, Progress()))
    assert state.order == ["L1"]
    assert lines(viewer) == 2  # the result's own
    assert state.click_kind == "note"
    page.press("undo-button")
    assert state.order == []


def test_what_cannot_be_outlined_is_told_and_the_next_line_is_a_first_one(viewer, page, state, red, engine):
    page.press("diameters-button")
    draw(viewer, red, LONG)
    draw(viewer, red, ((R - 8, A + 9, S), (R + 8, A + 9, S)))
    engine.fail("These two lines do not cross.")
    assert (state.click_text, state.click_kind) == ("These two lines do not cross.", "warning")
    assert lines(viewer) == 0
    draw(viewer, red, LONG)
    assert "across it" in state.click_text


def test_only_axial_slices_are_drawn_in(viewer, page, state, red):
    page.key("D")
    draw(viewer, viewer.context.stage.areas["Green"], LONG)
    assert state.click_kind == "warning"
    assert lines(viewer) == 0


def test_drawing_and_clicking_end_each_other_and_escape_ends_both(viewer, page, state, red, engine):
    page.key("C")
    page.key("D")
    assert (state.measuring, state.drawing) == (False, True)
    draw(viewer, red, LONG)
    page.key("C")
    assert (state.measuring, state.drawing) == (True, False)
    assert lines(viewer) == 0
    page.key("D")
    page.key("Escape")
    assert (state.measuring, state.drawing) == (False, False)
    draw(viewer, red, LONG)
    assert lines(viewer) == 0
    assert state.click_text == ""
