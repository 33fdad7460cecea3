"""Settings of every method that looks at slices."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.slices.settings import SliceSettings


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size_px": 0}, "up to 4096 pixels, not 0"),
        ({"slice_distance_mm": 0.0}, "distance between slices"),
        ({"window_hu": (100.0, -100.0)}, "does not rise"),
        ({"slices": "every"}, "“auto”, “all”, “middle”"),
        ({"nms_iou": 1.5}, "“nms_iou” lies from 0 to 1"),
        ({"link_iou": 0.0}, "“link_iou” lies above 0"),
        ({"link_gap": -1}, "gap between slices cannot be negative"),
        ({"most_lesions": 0}, "At least one"),
        ({"pixels_mm": (2.0, 1.0)}, "lowest and the highest"),
        ({"region_ras_mm": ((0.0, 0.0, 0.0), (1.0, 50.0, 50.0))}, "region to look in has 1 x 50 x 50 mm"),
        ({"most_shared": 1.1}, "“most_shared” lies from 0 to 1"),
    ],
)
def test_what_makes_no_sense_of_slices_is_refused(given, told):
    with pytest.raises(UsageError, match=told):
        SliceSettings(**given)


@pytest.mark.parametrize(("slices", "counts"), [("auto", {1, 3}), ("all", set()), ("middle", {1, 2, 3, 4, 60})])
def test_which_images_are_one_slice_with_its_neighbours(slices, counts):
    settings = SliceSettings(slices=slices)
    assert {count for count in (1, 2, 3, 4, 60) if settings.looks_at_middle(count)} == counts
