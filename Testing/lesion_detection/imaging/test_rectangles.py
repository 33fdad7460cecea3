"""Boxes in a slice by their edges."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.imaging.rectangles import area, iou

side = st.integers(0, 12)
boxes = st.lists(st.tuples(side, side, side, side), min_size=1, max_size=4).map(
    lambda rows: [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in rows]
)


def painted(box: tuple[int, int, int, int]) -> np.ndarray:
    plane = np.zeros((12, 12), dtype=bool)
    plane[box[1] : box[3], box[0] : box[2]] = True
    return plane


@given(boxes, boxes)
def test_area_and_overlap_are_those_of_the_pixels_that_the_boxes_cover(
    first: list[tuple[int, int, int, int]], second: list[tuple[int, int, int, int]]
) -> None:
    assert area(first).tolist() == [painted(box).sum() for box in first]
    for row, one in zip(iou(first, second), first, strict=True):
        for value, other in zip(row, second, strict=True):
            both, either = (painted(one) & painted(other)).sum(), (painted(one) | painted(other)).sum()
            assert value == (both / either if either else 0.0)


def test_a_box_turned_inside_out_has_no_area_and_no_overlap() -> None:
    assert area([(5, 5, 3, 9)]).tolist() == [0.0]
    assert iou([(5, 5, 3, 9)], [(0, 0, 9, 9)]).tolist() == [[0.0]]


def test_no_boxes_give_an_empty_table() -> None:
    assert iou([], [(0, 0, 1, 1)]).shape == (0, 1)
