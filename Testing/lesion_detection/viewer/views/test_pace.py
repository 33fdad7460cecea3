from __future__ import annotations

import pytest

pytest.importorskip("trame_slicer", reason="the viewer stands on trame-slicer", exc_type=ImportError)


def share_after(*pictures):
    from LesionDetectionLib.viewer.views.pace import Pace

    pace = Pace()
    for seconds, share in pictures:
        pace.took(seconds, share)
    pace.begin()
    return pace.share


def test_what_is_drawn_fast_is_drawn_whole():
    assert share_after((0.02, 1.0), (0.01, 1.0)) == 1.0
    assert share_after() == 1.0


def test_the_slower_it_is_the_coarser_it_moves():
    assert share_after((0.035, 1.0)) == 0.75
    assert share_after((0.3, 1.0)) == 0.6


def test_a_coarse_picture_says_how_long_a_whole_one_would_take():
    assert share_after(*[(0.02, 0.6)] * 50) == 0.6  # 56 ms
    assert share_after(*[(0.005, 0.6)] * 50) == 1.0  # 14 ms


def test_a_slow_view_is_coarse_while_it_moves_and_whole_when_it_rests(stage, red, monkeypatch):
    from LesionDetectionLib.viewer.views import pace

    from .test_slices import chest, show

    monkeypatch.setattr(pace, "_AIM_S", 0.0)
    show(stage, chest())
    red.on_event({"type": "zoom", "by": 1.3, "x": 30, "y": 30})
    red.painter.draw_now()  # at rest, so that the next one begins to move
    shown, there = red.node.GetFieldOfView(), red.point_at(120, 77)

    for moving, width in ((True, 144), (True, 144), (False, 240), (True, 144), (False, 240)):
        red.painter.moving = moving
        assert red.painter.draw_now().pixels.shape[1] == width
        assert not red.painter.asked  # drawing asks for no other picture
        assert red.node.GetFieldOfView() == pytest.approx(shown)
        assert red.point_at(120, 77) == pytest.approx(there, abs=0.4)
