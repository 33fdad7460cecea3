"""Slices with boxes: where they are drawn, in which colour, and the heat below them."""

from __future__ import annotations

import cv2
import numpy as np
from LesionTrainingLib.evaluation.output.box_tiles import (
    BOX_COLORS,
    FALSE,
    HIT,
    TRUTH,
    BoxPicture,
    DrawnBox,
    box_tiles,
)

NAN = float("nan")


def pixels(plot):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(plot.png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def a_picture(*boxes, heat=None, side=50):
    return BoxPicture("a slice", np.full((side, side), -1000.0), (-1000, 400), (1.0, 1.0), boxes, heat)


def test_a_box_lies_around_its_pixels():
    box = DrawnBox(TRUTH, (10.0, 20.0, 30.0, 40.0), NAN)
    picture = pixels(box_tiles([a_picture(box)], "words", columns=1, width=100))
    lit = np.argwhere(picture[30:130, 10:110, 0] > 60)
    assert np.abs(lit.min(axis=0) - (39.5, 19.5)).max() <= 1
    assert np.abs(lit.max(axis=0) - (79.5, 59.5)).max() <= 1


def test_only_what_is_drawn_is_explained_and_told():
    boxes = DrawnBox(HIT, (1.0, 2.0, 9.0, 8.0), 0.75), DrawnBox(TRUTH, (1.0, 2.0, 9.0, 9.0), NAN)
    plot = box_tiles([a_picture(*boxes)], "words")
    assert [row[:2] for row in plot.data.rows] == [("a slice", HIT), ("a slice", TRUTH)]
    assert plot.data.rows[0][2:] == (1.0, 2.0, 9.0, 8.0, 0.75)
    legend = pixels(plot)[-30:]
    shown = [
        kind for kind, color in BOX_COLORS.items() if (legend == np.round(255 * np.array(color))).all(axis=2).any()
    ]
    assert shown == [TRUTH, HIT]
    assert FALSE not in shown


def test_heat_is_where_the_probability_is():
    heat = np.zeros((50, 50))
    heat[:, 25:] = 1.0
    picture = pixels(box_tiles([a_picture(heat=heat)], "words", columns=1, width=100))[35:125, 10:110]
    assert (picture[:, :45] == 0).all()
    assert (picture[:, 55:, 0] > 150).all()
    assert (picture[:, 55:, 2] == 0).all()
