"""The options of a cohort are explained by their own docstrings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LesionTrainingLib.cohorts.option_help import Option, attribute_docs, options_of
from LesionTrainingLib.cohorts.spec import Kind


@dataclass(frozen=True)
class Options:
    """What can be set.

    Attributes:
        first: one line with ``code``: and a colon.
        second, third: that goes on
            over two lines.

    Raises:
        UsageError: never.
    """

    first: str = "a"
    second: bool = True
    third: int = 3
    unexplained: str | None = None


@dataclass(frozen=True)
class Terse:
    """Attributes:
    only: on the docstring's first line
        as here.
    """

    only: str = ""


def test_docstrings_are_read():
    assert attribute_docs(Options) == {
        "first": "one line with code: and a colon.",
        "second": "that goes on over two lines.",
        "third": "that goes on over two lines.",
    }
    assert attribute_docs(Terse) == {"only": "on the docstring's first line as here."}
    assert attribute_docs(object) == {}


def test_options_of_a_kind():
    kind = Kind("x", "x", "x", Options, lambda *_: None)
    own = options_of(kind)
    assert own[1] == Option("second", "yes", "that goes on over two lines.")
    assert [(option.name, option.default) for option in own] == [
        ("first", "a"),
        ("second", "yes"),
        ("third", "3"),
        ("unexplained", ""),
        ("split", ""),
        ("limit", ""),
    ]


def test_the_options_of_phantoms_are_all_explained():
    from LesionTrainingLib.cohorts.phantoms.cohort import KIND

    assert Path(KIND.name).name == "phantoms"
    assert all(option.meaning for option in options_of(KIND))
