"""Lean body mass, ideal weight and body surface: by hand, within what they can be, and refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.imaging.body_size import (
    Body,
    body_surface_area_m2,
    ideal_body_weight_kg,
    lean_body_mass_james_kg,
    lean_body_mass_janmahasatian_kg,
    suv_per_suvbw,
)

MAN, WOMAN = Body(80.0, 1.80, "M"), Body(60.0, 1.60, "F")


def test_by_hand():
    """A man of 24.691 kg/m2: 741600 / (6680 + 5333.33); a woman of 23.4375: 556200 / (8780 + 5718.75)."""
    assert lean_body_mass_janmahasatian_kg(MAN) == pytest.approx(61.731, abs=1e-3)
    assert lean_body_mass_janmahasatian_kg(WOMAN) == pytest.approx(38.362, abs=1e-3)
    assert lean_body_mass_james_kg(MAN) == pytest.approx(88 - 128 * (80 / 180) ** 2)
    assert lean_body_mass_james_kg(MAN, 120) == pytest.approx(88 - 120 * (80 / 180) ** 2)
    assert lean_body_mass_james_kg(WOMAN) == lean_body_mass_james_kg(WOMAN, 120) == pytest.approx(43.3875)
    assert ideal_body_weight_kg(MAN) == pytest.approx(77.68)
    assert ideal_body_weight_kg(WOMAN) == pytest.approx(52.78)
    assert body_surface_area_m2(MAN) == pytest.approx(1.9964, abs=1e-4)
    assert body_surface_area_m2(WOMAN) == pytest.approx(1.6221, abs=1e-4)
    assert suv_per_suvbw("BW", Body()) == 1.0
    assert suv_per_suvbw("BSA", MAN) == pytest.approx(19_964 / 80_000, rel=1e-4)


@given(st.floats(45, 150), st.floats(1.4, 2.1), st.sampled_from("MF"))
def test_less_than_the_weight_and_the_more_the_heavier(weight, height, sex):
    assume(13 < weight / height**2 < 80)
    body, heavier = Body(weight, height, sex), Body(weight + 1, height, sex)
    lean = lean_body_mass_janmahasatian_kg(body)
    assert 0.3 * weight < lean <= weight
    assert lean_body_mass_janmahasatian_kg(heavier) > lean
    assert body_surface_area_m2(heavier) > body_surface_area_m2(body)


@pytest.mark.parametrize(
    ("body", "suv_type", "reason"),
    [
        (Body(80, 180, "M"), "LBMJANMA", "height is given as 180 m"),
        (Body(80, 2.7, "M"), "BSA", "height is given as 2.7 m"),
        (Body(3, 0.29, "M"), "BSA", "height is given as 0.29 m"),
        (Body(80, 0.0, "M"), "BSA", "height is not in the file"),
        (Body(80, float("nan"), "M"), "BSA", "height is not in the file"),
        (Body(80_000, 1.8, "M"), "BSA", "weight is given as 80000 kg"),
        (Body(None, 1.8, "M"), "LBM", "weight is not in the file"),
        (Body(80, 0.5, "M"), "LBMJANMA", "do not belong together"),
        (Body(80, 1.8, "O"), "LBMJANMA", "sex is given as “O”"),
        (Body(80, 1.8), "IBW", "sex is not in the file"),
        (Body(250, 1.6, "F"), "LBMJAMES128", "does not hold for this patient"),
        (Body(9, 0.8, "M"), "IBW", "no ideal body weight for a height of 0.8 m"),
        (Body(80, 1.8, "M"), "LEAN", "“LEAN” is not known"),
    ],
)
def test_what_gives_no_factor_is_refused(body, suv_type, reason):
    with pytest.raises(ModalityError, match=reason):
        suv_per_suvbw(suv_type, body)
