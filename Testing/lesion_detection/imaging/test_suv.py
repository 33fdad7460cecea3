"""SUV by body weight: the arithmetic, the choice of times, and a reason where there is no factor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.imaging.suv import PetHeader, decayed_dose, pet_scale, start_from_frame, suv_factor

HALF_LIFE = 6588.0
"""Seconds; fluorine-18 as scanners state it."""
START = datetime(2020, 1, 2, 11, 0)
USUAL = PetHeader(
    units="BQML",
    corrections=("ATTN", "DECY"),
    decay_correction="START",
    weight_kg=70.0,
    dose_bq=350e6,
    half_life_s=HALF_LIFE,
    injection_time=time(10, 0),
    series=START,
    earliest_acquisition=START,
)
ONE_HOUR = 70_000 / (350e6 * 0.5 ** (3600 / HALF_LIFE))
"""The factor by hand: grams over what an hour leaves of the dose, 2.9211e-4."""


def test_the_usual_scan():
    assert suv_factor(USUAL) == pytest.approx(ONE_HOUR, rel=1e-12)
    assert pytest.approx(2.9211e-4, rel=1e-4) == ONE_HOUR
    assert pet_scale(USUAL).unit == "SUVbw"


@given(st.floats(1e6, 1e9), st.floats(0, 40_000), st.floats(0, 40_000))
def test_decay_in_two_steps_is_decay_in_one(dose, first, second):
    twice = decayed_dose(decayed_dose(dose, first, HALF_LIFE), second, HALF_LIFE)
    assert twice == pytest.approx(decayed_dose(dose, first + second, HALF_LIFE))


def test_a_dose_halves_in_a_half_life():
    assert decayed_dose(8.0, 3 * HALF_LIFE, HALF_LIFE) == pytest.approx(1.0)


def test_correction_to_the_injection_needs_no_decay():
    header = replace(USUAL, decay_correction="ADMIN", half_life_s=None, injection_time=None)
    assert suv_factor(header) == pytest.approx(70_000 / 350e6)


def test_midnight_between_injection_and_scan():
    after = replace(
        USUAL,
        injection_time=time(23, 30),
        series=datetime(2020, 1, 3, 0, 30),
        earliest_acquisition=datetime(2020, 1, 3, 0, 30),
    )
    assert suv_factor(after) == pytest.approx(ONE_HOUR)


def test_the_stated_day_wins_over_the_time_of_day():
    header = replace(USUAL, injection=datetime(2020, 1, 1, 22, 0), half_life_s=282_240.0)  # Zr-89, next day
    assert suv_factor(header) == pytest.approx(70_000 / (350e6 * 0.5 ** (13 * 3600 / 282_240)))


def test_a_day_shifted_by_de_identification_is_not_believed():
    header = replace(USUAL, injection=datetime(2031, 5, 5, 10, 0), injection_time=None)
    assert suv_factor(header) == pytest.approx(ONE_HOUR)


def test_a_series_made_later_is_timed_by_its_acquisition():
    later = replace(USUAL, series=datetime(2020, 1, 2, 15, 0))
    assert suv_factor(later) == pytest.approx(ONE_HOUR)


def test_ge_states_its_scan_time_privately():
    later = replace(USUAL, series=datetime(2020, 1, 2, 15, 0), earliest_acquisition=datetime(2020, 1, 2, 11, 20))
    assert suv_factor(replace(later, ge_scan=START)) == pytest.approx(ONE_HOUR)
    assert suv_factor(replace(USUAL, ge_scan=datetime(2020, 1, 2, 9, 0))) == pytest.approx(ONE_HOUR)


def test_a_frame_gives_the_start_back():
    """A long frame of a fast tracer: mean activity at 1/lambda * ln(lambda T / (1 - exp(-lambda T)))."""
    half_life = 122.0  # oxygen-15
    start = start_from_frame(datetime(2020, 1, 2, 11, 5), 300_000 + 113_880.0, 240_000, half_life)
    assert abs((start - START).total_seconds()) < 15
    at_middle = start_from_frame(datetime(2020, 1, 2, 11, 5), 330_000.0, 60_000, 1e9)
    assert abs((at_middle - START).total_seconds()) < 1e-3
    header = replace(USUAL, series=datetime(2020, 1, 2, 15, 0), frame_start=START, earliest_acquisition=START)
    assert suv_factor(header) == pytest.approx(ONE_HOUR)


def test_the_enhanced_object_states_its_reference():
    header = replace(USUAL, series=datetime(2020, 1, 2, 15, 0), earliest_acquisition=None, decay_reference=START)
    assert suv_factor(header) == pytest.approx(ONE_HOUR)


@pytest.mark.parametrize(("suv_type", "factor"), [("", 1.0), ("BW", 1.0)])
def test_values_that_are_suv_are_left(suv_type, factor):
    header = PetHeader(units="GML", suv_type=suv_type)
    assert suv_factor(header) == factor
    assert suv_factor(replace(USUAL, units="GML", suv_type=suv_type)) == factor


def test_philips_counts():
    header = replace(USUAL, units="CNTS")
    assert suv_factor(replace(header, philips_suv_factor=0.0004, philips_activity_factor=2.0)) == 0.0004
    assert suv_factor(replace(header, philips_suv_factor=0.0, philips_activity_factor=2.0)) == pytest.approx(
        2 * ONE_HOUR
    )
    weightless = pet_scale(replace(header, philips_activity_factor=2.0, weight_kg=None))
    assert (weightless.factor, weightless.unit) == (2.0, "Bq/ml")
    assert pet_scale(header).unit == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight_kg": None}, "weight is not in the file"),
        ({"weight_kg": 0.0}, "weight is not in the file"),
        ({"weight_kg": 70_000.0}, "70000 kg, which cannot be right"),
        ({"dose_bq": None}, "dose is not in the file"),
        ({"dose_bq": 350.0}, "is it in MBq"),
        ({"half_life_s": None}, "half-life"),
        ({"injection_time": None}, "time of the injection"),
        ({"series": None, "earliest_acquisition": None}, "time of the scan"),
        ({"injection_time": time(11, 1)}, "24.0 hours apart"),
        ({"decay_correction": "NONE"}, "Decay Correction is “NONE”"),
        ({"decay_correction": ""}, "Decay Correction is “empty”"),
        ({"corrections": ("DECY",)}, "not corrected for attenuation,"),
        ({"corrections": ()}, "attenuation and decay"),
    ],
)
def test_activity_without_suv_has_a_reason(changes, reason):
    header = replace(USUAL, **changes)
    with pytest.raises(ModalityError, match=reason):
        suv_factor(header)
    scale = pet_scale(header)
    assert (scale.factor, scale.unit) == (1.0, "Bq/ml")
    assert scale.reason.endswith(".")


@pytest.mark.parametrize("units", ["PROPCPS", "CM2ML", ""])
def test_other_units_have_no_suv(units):
    scale = pet_scale(replace(USUAL, units=units))
    assert (scale.factor, scale.unit) == (1.0, "")
    assert (units or "unknown units") in scale.reason


def test_suv_by_lean_mass_is_not_by_weight():
    scale = pet_scale(PetHeader(units="GML", suv_type="LBM"))
    assert scale.unit == ""
    assert "LBM" in scale.reason
