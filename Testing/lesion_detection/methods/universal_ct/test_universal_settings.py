"""Settings of a run and of a bundle."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import BundleError, UsageError
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings, settings_for


def test_the_paper_s_own_numbers_are_the_defaults():
    settings = settings_for(None)
    assert (settings.size_px, settings.slice_distance_mm, settings.window_hu) == (512, 2.0, (-1024.0, 1050.0))
    assert (settings.nms_iou, settings.least_score) == (0.5, 0.001)


def test_a_bundle_brings_its_own(a_bundle):
    bundle = a_bundle(settings={"universal_settings": {"size_px": 128, "pixels_mm": [0.6, 1], "slices": "middle"}})
    assert settings_for(bundle) == UniversalSettings(size_px=128, pixels_mm=(0.6, 1.0), slices="middle")
    for wrong, told in [({"colour": 1}, "“colour” is not known"), ({"slices": "some"}, "Which slices")]:
        with pytest.raises(BundleError, match=told):
            settings_for(a_bundle(settings={"universal_settings": wrong}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size_px": 100}, "multiple of 64 pixels up to 4096, not 100"),
        ({"size_px": 8192}, "not 8192"),
        ({"slice_distance_mm": 0.0}, "distance between slices"),
        ({"window_hu": (100.0, -100.0)}, "does not rise"),
        ({"slices": "every"}, "“auto”, “all”, “middle”"),
        ({"nms_iou": 1.5}, "“nms_iou” lies from 0 to 1"),
        ({"mask_threshold": -0.1}, "“mask_threshold” lies from 0 to 1"),
        ({"link_iou": 0.0}, "“link_iou” lies above 0"),
        ({"link_gap": -1}, "gap between slices cannot be negative"),
        ({"mask_box_margin_px": float("inf")}, "margin around masks"),
        ({"most_lesions": 0}, "At least one"),
        ({"pixels_mm": (2.0, 1.0)}, "lowest and the highest"),
        ({"region_ras_mm": ((0.0, 0.0, 0.0), (1.0, 50.0, 50.0))}, "region to look in has 1 x 50 x 50 mm"),
    ],
)
def test_what_makes_no_sense_is_refused(given, told):
    with pytest.raises(UsageError, match=told):
        UniversalSettings(**given)


@pytest.mark.parametrize(("slices", "counts"), [("auto", {1, 3}), ("all", set()), ("middle", {1, 2, 3, 4, 60})])
def test_which_images_are_one_slice_with_its_neighbours(slices, counts):
    settings = UniversalSettings(slices=slices)
    assert {count for count in (1, 2, 3, 4, 60) if settings.looks_at_middle(count)} == counts


def test_what_a_form_offers_is_what_the_settings_take():
    settings = UniversalSettings()
    for choice in method("universal-ct").choices:
        value = getattr(settings, choice.name)
        ends = [option for option, _ in choice.options] if isinstance(value, str) else choice.range
        for end in ends:
            UniversalSettings(**{choice.name: end})
