"""A folder goes on as it was begun, and says in a sentence what is another."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionTrainingLib.reproduction.record import RECORD, begin, is_begun

BEGUN = {"method": "nodule-ct", "seed": 0, "settings": {"recipe": {"weight": 0.5, "steps": (1, 2)}}}


@pytest.fixture
def begun(tmp_path):
    begin(tmp_path, BEGUN)
    return tmp_path


def test_the_same_goes_on_and_more_is_added(begun):
    before = (begun / RECORD).read_text()
    begin(begun, BEGUN)
    assert (begun / RECORD).read_text() == before
    begin(begun, {**BEGUN, "data": "a" * 64})
    with pytest.raises(UsageError, match=r"\(data were others\)"):
        begin(begun, {**BEGUN, "data": "b" * 64})


def test_what_is_another_is_named(begun):
    with pytest.raises(UsageError) as told:
        begin(begun, {**BEGUN, "seed": 1, "settings": {"recipe": {"weight": 0.4, "steps": [1, 2]}}})
    assert "(seed was 0, not 1; settings.recipe.weight was 0.5, not 0.4)" in str(told.value)
    assert "--output" in str(told.value)


def test_a_damaged_record_is_refused(begun, tmp_path):
    assert is_begun(begun)
    (begun / RECORD).write_text("[]")
    with pytest.raises(InputError, match="cannot be read"):
        begin(begun, BEGUN)
