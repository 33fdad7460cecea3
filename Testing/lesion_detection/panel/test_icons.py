"""Icons are drawn; where they cannot be, the panel has its buttons all the same."""

from __future__ import annotations

import pytest


@pytest.fixture
def icons(slicer_app):
    from LesionDetectionLib.panel import icons

    return icons


def test_each_is_drawn(icons):
    for name in icons._STROKES:
        image = icons.picture(name, 32).toImage()
        drawn = [image.pixelColor(x, y).alpha() for x in range(32) for y in range(32)]
        assert max(drawn) == 255, f"{name} is empty"
        assert min(drawn) == 0, f"{name} has no background"


def test_an_unknown_name_is_a_mistake(icons):
    with pytest.raises(KeyError):
        icons.icon("nothing")


def test_what_cannot_be_drawn_is_empty_and_logged(icons, monkeypatch, caplog):
    def broken(*_arguments):
        raise TypeError("this Qt draws otherwise")

    monkeypatch.setattr(icons, "_drawn", broken)
    assert icons.icon("accept").isNull()
    assert "accept cannot be drawn" in caplog.text
