"""Settings of a run and of a bundle."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import BundleError, UsageError
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings, settings_for


def test_what_the_network_sees_by_itself():
    settings = settings_for(None)
    assert (settings.size_px, settings.slice_distance_mm, settings.window_hu) == (512, 2.0, (-150.0, 250.0))
    assert (settings.where, settings.proposals) == ("liver", 300)


def test_a_bundle_of_the_liver_brings_its_own(a_bundle):
    bundle = a_bundle(settings={"liver_settings": {"size_px": 128, "where": "everywhere", "window_hu": [-100, 200]}})
    assert settings_for(bundle) == LiverSettings(size_px=128, where="everywhere", window_hu=(-100.0, 200.0))
    for wrong, told in [({"colour": 1}, "“colour” is not known"), ({"where": "spleen"}, "Where is looked")]:
        with pytest.raises(BundleError, match=told):
            settings_for(a_bundle(settings={"liver_settings": wrong}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"where": "spleen"}, "“liver” or “everywhere”"),
        ({"liver_margin_mm": -1.0}, "Margins around the liver"),
        ({"box_margin_px": float("inf")}, "Margins around the liver and around lesions"),
        ({"proposals": 0}, "At least one proposal"),
        ({"nms_iou": 1.5}, "“nms_iou” lies from 0 to 1"),
    ],
)
def test_what_makes_no_sense_of_a_liver_is_refused(given, told):
    with pytest.raises(UsageError, match=told):
        LiverSettings(**given)


def test_what_a_form_offers_for_the_liver_is_what_the_settings_take():
    for choice in method("liver-ct").choices:
        for value, _ in choice.options:
            assert getattr(LiverSettings(**{choice.name: value}), choice.name) == value
