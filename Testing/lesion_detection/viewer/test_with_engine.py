"""The viewer with an engine that really works: a PET with two hot spots, found by a method without a model."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.worker.in_process import InProcess
from LesionDetectionLib.core.image import PET, SUV_BW, Image


@pytest.fixture
def pet(viewer, page, monkeypatch):
    """A PET in the scene, and a method that searches all of it."""
    from LesionDetectionLib.io.mrml import volume_node

    k, j, i = np.indices((24, 32, 32), dtype=np.float32)
    voxels = np.full(i.shape, 0.5, dtype=np.float32)
    for (a, b, c), uptake in (((10, 10, 12), 12.0), ((22, 20, 10), 7.0)):
        voxels[(i - a) ** 2 + (j - b) ** 2 + (k - c) ** 2 <= 9] = uptake
    image = Image(voxels, np.diag([4.0, 4.0, 4.0, 1.0]), PET, SUV_BW, "hot spots")
    viewer.context.choices.volumes["PT"] = volume_node(viewer.context.scene, image)
    engine = InProcess()
    monkeypatch.setattr(viewer.context.session, "_engine", engine)
    page.set(method="active-pet-ct")
    return image


def whole(state):
    """Settings with which a PET alone is searched."""
    return {**state.setting_values, "lungs_only": False}


def test_what_is_found_is_in_the_table_in_its_own_unit(viewer, page, state, pet):
    page.set(setting_values=whole(state))
    assert state.detect_ready, state.detect_hint
    page.press("detect-button")
    assert state.detect_kind == "note", state.detect_text
    assert state.order == ["L1", "L2"]
    titles = [one["title"] for one in state.headings]
    assert titles[1] == "SUVmax"
    assert state.rows["L1"]["numbers"][0] == "12.0"
    page.row("L2")
    page.press("accept-button")
    assert viewer.context.session.detections().lesions[0].score == pytest.approx(7.0)


def test_what_a_method_refuses_is_told_beside_the_button(page, state, pet):
    page.set(setting_values={**state.setting_values, "lungs_only": True})
    page.press("detect-button")
    assert state.detect_kind == "warning"
    assert "CT" in state.detect_text
    assert state.order == []
    assert (state.detect_button, state.detect_ready) == ("Detect", True)
