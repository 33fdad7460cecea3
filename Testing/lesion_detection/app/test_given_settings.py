"""Settings by name and value: what a person writes, what becomes of it, and what is said where it does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from LesionDetectionLib.app.given_settings import choice_values, parse_settings, with_given
from LesionDetectionLib.core.detector import Choice, MethodInfo
from LesionDetectionLib.core.errors import UsageError


@dataclass(frozen=True)
class Stage:
    dropout: float = 0.5


@dataclass(frozen=True)
class Settings:
    rule: str = "fixed"
    margin_mm: float = 3.0
    lungs_only: bool = True
    most: int = 50
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 2.0)
    stage: Stage = field(default_factory=Stage)
    operating_point: str = ""

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError("most must be 1 or more")


INFO = MethodInfo(
    "made-up",
    "Made up",
    ("CT",),
    False,
    "",
    "",
    "",
    "no:where",
    "no:where",
    choices=(
        Choice(
            "rule", "Rule", "", options=(("fixed", "a fixed value"), ("share", "a share"), ("percist", "the liver"))
        ),
        Choice("margin_mm", "Margin", "", range=(0.0, 30.0), unit="mm"),
        Choice("lungs_only", "Lungs only", ""),
    ),
)


def given(*texts):
    return with_given(INFO, Settings(), parse_settings(texts))


def test_values_are_yaml():
    set_ = given(
        "rule=percist", " margin_mm = 5", "lungs_only=no", "most=7", "spacing_mm=[2, 2, 3.5]", "stage.dropout=0.25"
    )
    assert set_ == Settings("percist", 5.0, False, 7, (2.0, 2.0, 3.5), Stage(0.25))
    assert given() == Settings()
    assert given("most=1", "most=2").most == 2, "the last one counts"
    assert parse_settings(["name=a=b", "quoted='no'", "text="]) == {"name": "a=b", "quoted": "no", "text": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule", "“rule” is no setting. Write NAME=VALUE"),
        ("=3", "is no setting"),
        ("a..b=3", "is no setting"),
        ("rule={", "is no YAML"),
        ("margin=3", "“margin” is not known. Choices: rule (fixed, share or percist); margin_mm (0 to 30 mm); "),
        ("stage.rate=3", "“stage.rate” is not known"),
        ("most=few", "“most” cannot be 'few'"),
        ("most=1.5", "“most” cannot be 1.5"),
        ("lungs_only=1", "“lungs_only” cannot be 1"),
        ("margin_mm=1e1", "write 1.0e-3"),
        ("most=0", "most must be 1 or more"),
        ("rule=any", "“rule” cannot be any: it is fixed, share or percist."),
        ("margin_mm=31", "“margin_mm” cannot be 31.0: it is 0 to 30 mm."),
        ("margin_mm=.nan", "“margin_mm” cannot be nan"),
        ("operating_point=0.5", "use --operating-point"),
    ],
)
def test_what_does_not_fit_is_a_sentence(text, said):
    with pytest.raises(UsageError) as told:
        given(text)
    assert said in str(told.value)


def test_what_there_is_is_told_choices_first():
    with pytest.raises(UsageError, match=r"lungs_only \(yes or no\)\. Further settings: most, spacing_mm, stage\.$"):
        given("none=1")


def test_a_setting_and_a_part_of_it():
    with pytest.raises(UsageError, match="given twice"):
        parse_settings(["stage=3", "stage.dropout=1"])


def test_what_a_choice_can_be():
    assert choice_values(Choice("a", "", "", options=(("one", ""),)), "one") == "one"
    assert choice_values(Choice("a", "", ""), "free") == "text"
    assert choice_values(Choice("a", "", "", range=(1, 9), unit="px"), 3) == "1 to 9 px"
