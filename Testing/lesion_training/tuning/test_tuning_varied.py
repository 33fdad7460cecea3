"""What --vary takes: lists, ranges, and ranges that are divided; what it refuses, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings
from LesionTrainingLib.tuning.paths import leaves
from LesionTrainingLib.tuning.varied import parse_varied, shown

DEFAULTS = {
    "rate": 1e-3,
    "batch": 8,
    "optimizer": "adam",
    "turn": False,
    "widths": (8, 16),
    "slices": "8",
    "none": None,
}


def parsed(text):
    return parse_varied(text, DEFAULTS.__getitem__)


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("batch=1,2,4,8,16", (1, 2, 4, 8, 16)),
        ("batch = 1e2", (100,)),
        ("rate=1e-3, 0.01,1", (1e-3, 0.01, 1)),
        ("optimizer=adam,sgd", ("adam", "sgd")),
        ("turn=true,false", (True, False)),
        ("widths=[8, 16], [16,32]", ((8, 16), (16, 32))),
        ("slices=8,16,all", ("8", "16", "all")),
        ("none=null,3", (None, 3)),
        ("rate=1e-5..1e-1 log 5", (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)),
        ("rate=1e-4..1e-3 log 3", (1e-4, 3.16e-4, 1e-3)),
        ("rate=0..0.5 6", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ("batch=1..16 log 5", (1, 2, 4, 8, 16)),
        ("batch=1..3 9", (1, 2, 3)),
    ],
)
def test_a_list_is_read_in_the_form_of_the_setting(text, choices):
    found = parsed(text)
    assert found.choices == choices
    assert [type(choice) for choice in found.choices] == [type(choice) for choice in choices]
    assert not found.is_range
    assert [found.value(label) for label in found.labels] == list(choices)


def test_a_range_is_read():
    found = parsed("rate=1e-5..1e-1 log")
    assert (found.low, found.high, found.logarithmic, found.integer) == (1e-5, 1e-1, True, False)
    assert found.is_range
    assert found.value(0.02) == 0.02
    whole = parsed("batch=1..64")
    assert (whole.integer, whole.logarithmic, whole.value(7.0)) == (True, False, 7)
    assert isinstance(whole.value(7.0), int)
    for outside in (0, 65, "7", None, True):
        with pytest.raises(ValueError):
            whole.value(outside)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rate", "does not say what to vary"),
        ("=1,2", "does not say what to vary"),
        ("rate=", "does not say what to vary"),
        ("rate=1..", "is no range"),
        ("rate=a..b", "is no range"),
        ("rate=1..1", "does not rise"),
        ("rate=2..1 log", "does not rise"),
        ("rate=0..1 log", "begins above 0"),
        ("rate=1..2 log 1", "divided into 2 to 1000"),
        ("batch=0.5..2", "is a whole number"),
        ("optimizer=1..2", "has no range"),
        ("turn=0..1", "has no range"),
        ("batch=1,2,1", "names a value twice"),
        ("batch=1,,2", "empty place"),
        ("widths=[8,16", "cannot be read as a value"),
    ],
)
def test_what_is_no_list_and_no_range_is_refused(text, told):
    with pytest.raises(UsageError, match=told):
        parsed(text)


def test_numbers_that_differ_by_factors_are_shown_by_their_logarithm():
    assert parsed("batch=1,2,4,8,16").logarithmic
    assert not parsed("batch=1,2,3").logarithmic
    assert not parsed("rate=0,1,100").logarithmic
    assert not parsed("optimizer=adam,sgd").is_numeric


@given(
    low=st.floats(1e-8, 1e3),
    factor=st.floats(1.5, 1e6),
    count=st.integers(2, 30),
    logarithmic=st.booleans(),
)
def test_a_divided_range_rises_from_end_to_end(low, factor, count, logarithmic):
    high = low * factor
    found = parsed(f"rate={low!r}..{high!r}{' log' if logarithmic else ''} {count}").choices
    assert (found[0], found[-1]) == (low, high)
    assert list(found) == sorted(set(found))
    assert len(found) <= count


def test_all_settings_of_a_recipe_can_be_named():
    known = leaves(RecipeSettings())
    assert known["screening_stage.learning_rate"] == 3e-3
    assert known["sampling.screening_negatives.lung"] == 0.2
    assert known["spacing_mm"] == RecipeSettings().spacing_mm
    for path, value in known.items():
        if value == "":
            continue
        found = parse_varied(f"{path}={shown(list(value) if isinstance(value, tuple) else value)}", known.__getitem__)
        assert found.choices == (value,), path
