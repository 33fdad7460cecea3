"""What RECIST 1.1 takes for targets, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.targets import choose_targets, measured_mm, slice_distance_mm, why_no_target

from .made_findings import NODE, THIN, bare, compared, findings, lesion


def test_targets_are_measurable_the_largest_first_and_at_most_five():
    before = findings(*[lesion(mm) for mm in (9.9, 10.0, 50, 12, 30, 40, 20)])
    assert choose_targets(before.items, THIN, {}) == ("L3", "L6", "L5", "L7", "L4")


def test_at_most_two_an_organ_where_the_organ_is_known():
    before = findings(*[lesion(mm) for mm in (50, 40, 30, 20, 15)])
    organs = {"L1": "Liver", "L2": "liver ", "L3": "liver", "L4": "lung"}
    assert choose_targets(before.items, THIN, organs) == ("L1", "L2", "L4", "L5")


def test_nodes_are_measured_by_their_short_axis_and_count_as_one_organ():
    nodes = findings(*[lesion(30, short, meaning=NODE) for short in (14.9, 15.0, 18.0, 16.0)], lesion(11))
    assert measured_mm(nodes.get("L3").lesion) == pytest.approx(18.0)
    assert "less than 15 mm short axis" in why_no_target(nodes.get("L1"), THIN)
    assert choose_targets(nodes.items, THIN, {}) == ("L3", "L4", "L5")


def test_thick_slices_ask_for_larger_lesions():
    thick = Geometry((20, 64, 64), np.diag([0.8, 0.8, 7.5, 1.0]))
    assert slice_distance_mm(thick) == 7.5
    assert "less than 15 mm" in why_no_target(findings(lesion(14)).get("L1"), thick)
    assert why_no_target(findings(lesion(15)).get("L1"), thick) == ""
    five = Geometry((20, 64, 64), np.diag([0.8, 0.8, 5.0, 1.0]))
    assert why_no_target(findings(lesion(10)).get("L1"), five) == ""
    sagittal = Geometry((64, 64, 20), np.array([[0, 0, 0.8, 0], [0, 0.8, 0, 0], [7.5, 0, 0, 0], [0, 0, 0, 1.0]]))
    assert slice_distance_mm(sagittal) == 7.5


def test_a_lesion_without_an_outline_is_no_target():
    assert why_no_target(findings(bare(diameter_mm=40)).get("L1"), THIN) == "has no outline to measure"


@pytest.mark.parametrize(
    ("targets", "organs", "words"),
    [
        (("L1", "L2", "L3", "L4", "L5", "L6"), {}, "at most 5 target lesions; these are 6"),
        (
            ("L1", "L2", "L3"),
            dict.fromkeys(("L1", "L2", "L3"), "liver"),
            "at most 2 target lesions an organ; 3 are in: liver",
        ),
        (("L7",), {}, "L7 cannot be a target: it measures less than 10 mm"),
        (("L9",), {}, "L9 cannot be a target: it was rejected or does not exist"),
    ],
)
def test_a_choice_against_the_guideline_is_refused(targets, organs, words):
    before = findings(*[lesion(mm, at=(100.0 * mm, 0, 0)) for mm in (50, 40, 30, 25, 20, 15, 6)])
    with pytest.raises(UsageError, match=words):
        compared(before, before, organs=organs, chosen_targets=targets)
