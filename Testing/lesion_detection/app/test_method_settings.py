"""The settings that a form shows: of stand-ins, and of every method that there is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from LesionDetectionLib.app.method_settings import as_text, changed_values, first_values, from_text
from LesionDetectionLib.core.detector import Choice, methods
from LesionDetectionLib.core.errors import BundleError

CHOICES = (
    Choice("flag", "Flag", "Yes or no."),
    Choice("share", "Share", "A real number.", range=(0.0, 1.0), decimals=2),
    Choice("count", "Count", "A whole number.", range=(1, 9)),
    Choice("rule", "Rule", "One of two.", options=(("a", "A"), ("b", "B"))),
)
FIRST = {"flag": True, "share": 0.4137, "count": 4, "rule": "a"}


def test_what_differs_is_kept():
    wanted = {"flag": False, "share": 0.5, "count": 4, "rule": "b"}
    assert changed_values(CHOICES, FIRST, wanted) == {"flag": False, "share": 0.5, "rule": "b"}
    assert changed_values(CHOICES, FIRST, FIRST) == {}


def test_a_number_that_looks_the_same_is_no_change():
    assert changed_values(CHOICES, FIRST, {"share": 0.41}) == {}
    assert changed_values(CHOICES, FIRST, {"share": 0.42}) == {"share": 0.42}


@pytest.mark.parametrize(
    "wanted",
    [{"flag": 1}, {"share": True}, {"share": 1.01}, {"share": "0.5"}, {"count": 2.5}, {"count": 0}, {"count": True},
     {"rule": "c"}, {"rule": None}, {"gone": 1}, {"share": float("nan")}],
)  # fmt: skip
def test_what_a_choice_cannot_be_is_left_out(wanted):
    assert changed_values(CHOICES, FIRST, wanted) == {}


def test_text_of_a_scene_comes_back_and_damage_does_no_harm():
    values = {"flag": False, "share": 0.25, "rule": "b"}
    assert from_text(as_text(values)) == values
    assert as_text({}) == ""
    for text in ("", "{", "[]", "3", "[" * 100_000):
        assert from_text(text) == {}


def test_a_model_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BundleError):
        first_values(methods()["nodule-ct"], tmp_path / "none")


@pytest.mark.parametrize("info", methods().values(), ids=lambda info: info.id)
def test_choices_of_every_method_can_be_shown(info):
    """Each is a setting of a kind that a form has a widget for, and begins with something that it can be."""
    first = first_values(info, None)
    assert list(first) == [choice.name for choice in info.choices]
    for choice in info.choices:
        value = first[choice.name]
        assert choice.title
        assert choice.help.endswith(".")
        if isinstance(value, bool):
            continue
        if isinstance(value, str):
            assert value in dict(choice.options)
        else:
            assert isinstance(value, (int, float))
            assert choice.range[0] <= value <= choice.range[1]
            assert round(value, choice.decimals) == value, f"{choice.name} has more decimals than are shown"


def test_no_heavy_library_is_loaded_for_a_form():
    """The panel asks in Slicer's own process."""
    code = (
        "import sys\n"
        "from LesionDetectionLib.app.method_settings import first_values\n"
        "from LesionDetectionLib.app.models import ModelShelf\n"
        "from LesionDetectionLib.core.detector import methods\n"
        "for info in methods().values():\n"
        "    for path in [None, *(entry.path for entry in ModelShelf().entries(info.id))]: first_values(info, path)\n"
        "print(sorted({'torch', 'scipy', 'cv2', 'SimpleITK', 'skimage', 'safetensors', 'pydicom'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
