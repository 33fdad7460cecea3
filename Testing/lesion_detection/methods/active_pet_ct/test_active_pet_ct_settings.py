"""What cannot be set, and what a form can show."""

from __future__ import annotations

import dataclasses
import math

import pytest
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.active_pet_ct.detector import create
from LesionDetectionLib.methods.active_pet_ct.settings import HULLS, OUTLINES, RULES, ActivePetCtSettings, settings_for
from LesionDetectionLib.methods.plain_values import changed, from_json


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"rule": "40 %"}, "no rule “40 %”.*fixed, share, percist"),
        ({"hull": ""}, "no hull"),
        ({"outline": "watershed"}, "no outline"),
        ({"seed_suv": 0.0}, "seed SUV lies from 0.1 to 100"),
        ({"floor_suv": math.nan}, "lowest SUV"),
        ({"grow_share": 0.0}, "shares of a maximum"),
        ({"split_share": 1.1}, "shares of a maximum"),
        ({"least_share_inside": -0.1}, "least share lies from 0 to 1"),
        ({"hull_margin_mm": -1.0}, "cannot be negative"),
        ({"organs_thicker_mm": math.inf}, "without end"),
        ({"percist_factor": 0.0}, "factor of the liver"),
        ({"liver_sphere_mm": 1.0}, "not between 5 and 100 mm"),
        ({"liver_ras_mm": (0.0, math.nan, 0.0)}, "three finite numbers"),
        ({"least_volume_ml": -1.0}, "least volume"),
        ({"most_lesions": 0}, "At least one lesion"),
        ({"region_ras_mm": ((0.0, 0.0, 0.0), (10.0, 1.0, 10.0))}, "needs at least 5 mm"),
    ],
)
def test_what_makes_no_sense_is_refused(values, text):
    with pytest.raises(UsageError, match=text):
        ActivePetCtSettings(**values)


@pytest.mark.parametrize(
    ("values", "chosen"),
    [({}, None), ({"operating_point": "4"}, 4.0), ({"least_suvmax": 3.0}, 3.0), ({"operating_point": "0"}, 0.0)],
)
def test_the_chosen_least_suvmax(values, chosen):
    assert ActivePetCtSettings(**values).chosen_suvmax == chosen


@pytest.mark.parametrize("wanted", ["balanced", "-1", "inf", "nan"])
def test_an_operating_point_that_is_no_suv(wanted):
    with pytest.raises(UsageError, match="give a least SUVmax, such as 4"):
        _ = ActivePetCtSettings(operating_point=wanted).chosen_suvmax


def test_every_choice_is_a_setting_that_a_form_can_show():
    info, defaults = method("active-pet-ct"), ActivePetCtSettings()
    texts = {"rule": RULES, "hull": HULLS, "outline": OUTLINES}
    for choice in info.choices:
        default = getattr(defaults, choice.name)
        assert type(default) in (bool, int, float, str)
        if isinstance(default, str):
            assert tuple(value for value, _ in choice.options) == texts[choice.name]
        elif not isinstance(default, bool):
            low, high = choice.range
            assert low <= default <= high
            changed(defaults, {choice.name: low}), changed(defaults, {choice.name: high})
    assert changed(defaults, dict(info.review_settings)).all_candidates
    assert info.required == ("PT",)


def test_settings_come_from_plain_values():
    given = {
        "region_ras_mm": [[0, 0, 0], [50, 50, 50]],
        "liver_ras_mm": [1, 2, 3],
        "rule": "percist",
        "lungs_only": False,
    }
    read = from_json(ActivePetCtSettings, given)
    assert read.region_ras_mm == ((0.0, 0.0, 0.0), (50.0, 50.0, 50.0))
    assert read.liver_ras_mm == (1.0, 2.0, 3.0)
    assert from_json(ActivePetCtSettings, dataclasses.asdict(ActivePetCtSettings())) == ActivePetCtSettings()


def test_it_has_no_model():
    assert settings_for(None) == ActivePetCtSettings()
    with pytest.raises(UsageError, match="has no model"):
        create(object.__new__(Bundle))
