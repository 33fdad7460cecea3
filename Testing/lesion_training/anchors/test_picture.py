"""The picture of boxes and anchors: that it is one, and its numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors
from LesionTrainingLib.anchors.boxes import Boxes
from LesionTrainingLib.anchors.comparison import compare, contenders
from LesionTrainingLib.anchors.picture import anchor_plot
from PIL import Image


def test_the_picture_and_its_curves():
    sides = np.array([(32.0, 32.0), (14.0, 14.0), (20.0, 10.0), (64.0, 128.0)])
    boxes = Boxes(sides, np.full(4, np.nan), "four boxes", on_phantoms=True)
    fits = compare(sides, boxes.size_mm, contenders(Anchors((32.0, 64.0, 128.0), (0.45, 1.0), (0.5, 1.0, 2.0))))
    plot = anchor_plot(boxes, fits)
    picture = np.asarray(Image.open(io.BytesIO(plot.png)))
    assert picture.shape == (850, 1870, 3)
    blue = (np.abs(picture.astype(int) - (0, 0x72, 0xB2)).max(axis=2) < 10).sum(axis=0)
    assert blue[: 1870 // 2].sum() > 500  # anchors and what they reach
    assert blue[1870 // 2 :].sum() > 500  # their curve
    assert plot.data.columns == ("iou_at_least", *(fit.contender.name for fit in fits))
    at_half = next(row for row in plot.data.rows if row[0] == pytest.approx(0.5))
    assert at_half[1:] == tuple(1 - fit.unreached for fit in fits)
    assert plot.data.rows[0][1:] == (1.0,) * 5
    assert "4 boxes" in plot.alternative
    assert "omputer-made" in plot.alternative
