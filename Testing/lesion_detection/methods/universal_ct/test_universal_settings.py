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
        ({"mask_threshold": -0.1}, "“mask_threshold” lies from 0 to 1"),
        ({"mask_box_margin_px": float("inf")}, "margin around masks"),
    ],
)
def test_what_makes_no_sense_is_refused(given, told):
    with pytest.raises(UsageError, match=told):
        UniversalSettings(**given)


def test_what_a_form_offers_is_what_the_settings_take():
    settings = UniversalSettings()
    for choice in method("universal-ct").choices:
        value = getattr(settings, choice.name)
        ends = [option for option, _ in choice.options] if isinstance(value, str) else choice.range
        for end in ends:
            UniversalSettings(**{choice.name: end})
