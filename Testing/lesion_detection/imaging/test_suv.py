"""SUV: the arithmetic, the choice of times, other types to that by body weight, and a reason where there is no factor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.imaging.pet_decay import decay_of, decayed_dose, start_from_frame
from LesionDetectionLib.imaging.pet_header import PetHeader
from LesionDetectionLib.imaging.suv import impossible_values, other_types, pet_scale, suv_factor

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
    assert decay_of(header).seconds == 0


def test_a_real_header_by_hand():
    """GE, 71 kg, 388.78 MBq at 10:35:00, series at 11:20:11: 2711 s, of half-life 6588 s."""
    header = replace(
        USUAL,
        weight_kg=71.0,
        dose_bq=388_777_472.0,
        injection_time=time(10, 35),
        series=datetime(2000, 9, 7, 11, 20, 11),
        earliest_acquisition=datetime(2000, 9, 7, 11, 20, 11),
    )
    assert suv_factor(header) == pytest.approx(71_000 / 292_297_777, rel=1e-8)
    assert (decay_of(header).seconds, decay_of(header).reference) == (2711, "the series' time")


def test_midnight_between_injection_and_scan():
    after = replace(
        USUAL,
        injection_time=time(23, 30),
        series=datetime(2020, 1, 3, 0, 30),
        earliest_acquisition=datetime(2020, 1, 3, 0, 30),
    )
    assert suv_factor(after) == pytest.approx(ONE_HOUR)


def test_the_stated_day_wins_over_the_time_of_day():
    zirconium = {"injection_time": time(22, 0), "half_life_s": 282_240.0}  # Zr-89, scanned the next day
    header = replace(USUAL, injection=datetime(2020, 1, 1, 22, 0), **zirconium)
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
    agreeing = replace(header, philips_suv_factor=2.02 * ONE_HOUR, philips_activity_factor=2.0)
    assert suv_factor(agreeing) == 2.02 * ONE_HOUR
    assert suv_factor(replace(header, philips_suv_factor=0.0004)) == 0.0004
    assert suv_factor(replace(agreeing, weight_kg=None)) == 2.02 * ONE_HOUR  # nothing to compare it with
    assert suv_factor(replace(agreeing, philips_suv_factor=0.0)) == pytest.approx(2 * ONE_HOUR)
    weightless = pet_scale(replace(header, philips_activity_factor=2.0, weight_kg=None))
    assert (weightless.factor, weightless.unit) == (2.0, "Bq/ml")
    assert pet_scale(header).unit == ""


def test_philips_factors_that_contradict_each_other():
    header = replace(USUAL, units="CNTS", philips_suv_factor=2.2 * ONE_HOUR, philips_activity_factor=2.0)
    scale = pet_scale(header)
    assert (scale.factor, scale.unit) == (2.0, "Bq/ml")
    assert "differ by 9 %" in scale.reason
    lean = pet_scale(replace(header, philips_activity_factor=None, suv_type="LBMJANMA"))
    assert "the type given is LBMJANMA" in lean.reason


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
        ({"injection_time": time(11, 1)}, "injection is given as 1 minutes after the scan's start"),
        ({"injection": datetime(2020, 1, 2, 13, 0), "injection_time": None}, "as 2.0 hours after the scan's start"),
        ({"injection": datetime(2020, 1, 2, 9, 30)}, "two times of the injection, 30 minutes apart"),
        ({"injection": datetime(2020, 1, 1, 9, 0), "injection_time": None, "half_life_s": 600.0}, "26.0 hours apart"),
        ({"half_life_s": 282_240.0}, "The day of the injection is not in the file"),
        ({"half_life_s": float("nan")}, "half-life"),
        ({"dose_bq": 350e9}, "3.5e.11 Bq, which cannot be right"),
        ({"doses": 2}, "lists 2 injections"),
        ({"differing": ("injected dose", "half-life")}, "differ in injected dose and half-life"),
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


@pytest.mark.parametrize("units", ["PROPCPS", "PROPCNTS", "PCNT", "1CM", ""])
def test_other_units_have_no_suv(units):
    scale = pet_scale(replace(USUAL, units=units))
    assert (scale.factor, scale.unit, scale.suv_factors) == (1.0, "", {})
    assert (units or "unknown units") in scale.reason
    assert "Export the series in Bq/ml" in scale.reason


def test_files_of_different_units_have_none():
    assert pet_scale(replace(USUAL, differing=("units",))).unit == ""


MAN = {"weight_kg": 70.0, "height_m": 1.75, "sex": "M"}
"""LBM by hand: 77 - 128 * 0.16 = 56.52 kg; ideal 48 + 1.06 * 23 = 72.38 kg; surface 0.007184 * 70^0.425 * 175^0.725 = 1.8481 m2."""


@pytest.mark.parametrize(
    ("units", "suv_type", "per_suvbw"),
    [
        ("GML", "LBMJAMES128", 56.52 / 70),
        ("GML", "LBM", 57.8 / 70),
        ("GML", "LBMJANMA", 9270 / (6680 + 216 * 70 / 1.75**2)),
        ("GML", "IBW", 72.38 / 70),
        ("CM2ML", "BSA", 18_481 / 70_000),
        ("CM2ML", "", 18_481 / 70_000),
    ],
)
def test_suv_of_another_type_becomes_that_by_weight(units, suv_type, per_suvbw):
    scale = pet_scale(PetHeader(units=units, suv_type=suv_type, **MAN))
    assert scale.unit == "SUVbw"
    assert scale.factor == pytest.approx(1 / per_suvbw, rel=1e-4)
    assert ("120" in scale.note) == (suv_type == "LBM")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"suv_type": "LBMJANMA", "height_m": None}, "height is not in the file.*Export the series"),
        ({"suv_type": "LBMJAMES128", "sex": "O"}, "sex is given as “O”"),
        ({"suv_type": "IBW", "sex": ""}, "sex is not in the file"),
        ({"suv_type": "LBM", "weight_kg": 0.0}, "weight is not in the file"),
        ({"suv_type": "FANCY"}, "The type of SUV “FANCY” is not known"),
        ({"suv_type": "BSA"}, "contradicts itself: SUV by body surface area is not in the units GML"),
        ({"units": "CM2ML", "suv_type": "BW"}, "contradicts itself"),
        ({"corrections": ("DECY", "SCAT")}, "not corrected for attenuation"),
    ],
)
def test_suv_that_does_not_follow_has_a_reason(changes, reason):
    header = replace(PetHeader(units="GML", **MAN), **changes)
    with pytest.raises(ModalityError, match=reason):
        suv_factor(header)
    assert pet_scale(header).unit == ""


def test_factors_to_the_other_types_where_the_size_is_known():
    scale = pet_scale(replace(USUAL, **MAN))
    assert scale.suv_factors == pytest.approx(
        {"SUVlbm": 9270 / (6680 + 216 * 70 / 1.75**2), "SUVbsa": 0.26402}, rel=1e-4
    )
    factors, reasons = other_types(replace(USUAL, height_m=1.75, sex="O"))
    assert list(factors) == ["SUVbsa"]
    assert reasons == (
        "No SUV by lean body mass: The patient's sex is given as “O”, and the equations are of men and of women.",
    )


@pytest.mark.parametrize(
    ("highest", "lowest", "told"),
    [
        (60.0, 0.0, ""),
        (9000.0, 0.0, "one in a hundred lies above 8"),
        (60.0, -900.0, "reach down to -900"),
        (np.nan, 0, ""),
    ],
)
def test_values_that_cannot_be_suv(highest, lowest, told):
    values = np.linspace(0.0, highest, 3600, dtype=np.float32).reshape(60, 60)
    values[:32] += lowest
    found = impossible_values([values, values], 1.0)
    assert told in found
    assert bool(found) == bool(told)


def test_a_few_hot_voxels_can_be_suv():
    values = np.ones((64, 64), np.float32)
    values[4:6, 4:6] = 5000.0  # where the injection went beside the vein
    assert impossible_values([values], 1.0) == ""
