"""Findings: what is listed, drawn and reported, and the way into JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.finding import CLICKED, Findings, Status


@pytest.fixture
def findings(make_run):
    """Four with scores .95, .825, .7, .575; the threshold is .6."""
    return replace(Findings.of(make_run(4)[1]), threshold=0.6)


def ids(items):
    return [item.id for item in items]


def with_status(findings, name, status):
    return findings.changing([name], lambda item: replace(item, status=status))


def test_what_passes_the_threshold_is_listed(findings):
    assert ids(findings.listed) == ids(findings.drawn) == ids(findings.reported) == ["L1", "L2", "L3"]


def test_decisions_and_a_persons_own_stay_listed(findings, make_run):
    decided = with_status(with_status(findings, "L4", Status.ACCEPTED), "L1", Status.REJECTED)
    more, new = decided.adding(replace(make_run(1)[1].lesions[0], score=0.01), origin=CLICKED)
    high = replace(more, threshold=0.99)
    assert ids(high.listed) == ["L1", "L4", new], "in falling score"
    assert ids(high.drawn) == ["L4", new]
    assert ids(high.reported) == ["L4"], "once something is accepted, only that counts"


def test_json_and_back(findings):
    item = findings.items[1]
    changed = findings.changing(
        ["L2"],
        lambda one: replace(
            one, status=Status.REJECTED, corrected=True, seed_ras_mm=(1.0, 2.0, 3.0), border_ras_mm=((4.0, 5.0, 6.0),)
        ),
    )
    again = Findings.from_json(json.loads(json.dumps(changed.to_json())))
    assert (again.threshold, again.next_number, ids(again.items)) == (0.6, 5, ids(changed.items))
    read = again.get("L2")
    assert (read.status, read.corrected, read.tracking_uid) == (Status.REJECTED, True, item.tracking_uid)
    assert (read.seed_ras_mm, read.border_ras_mm) == ((1.0, 2.0, 3.0), ((4.0, 5.0, 6.0),))
    assert np.array_equal(read.lesion.mask.voxels, item.lesion.mask.voxels)
    assert again.run.warnings == findings.run.warnings
    assert again.run.geometry.same_grid(findings.run.geometry)


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value.update(schema="other"),
        lambda value: value.update(schema_version=99),
        lambda value: value.pop("run"),
        lambda value: value["findings"][0].update(status="maybe"),
        lambda value: value["findings"][0].update(id="../L1"),
        lambda value: value["findings"][0].update(id="L"),
        lambda value: value["findings"][0].update(border_ras_mm=[[1, 2]]),
        lambda value: value["findings"].append(None),
    ],
)
def test_what_is_no_review_is_refused(findings, damage):
    value = findings.to_json()
    damage(value)
    with pytest.raises(InputError):
        Findings.from_json(value)


def test_each_finding_has_a_tracking_uid_of_its_own(findings):
    uids = {item.tracking_uid for item in findings.items}
    assert len(uids) == 4
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)


def test_an_unknown_finding_is_a_sentence(findings):
    for ask in (findings.get, lambda name: findings.without([name]), lambda name: findings.changing([name], id)):
        with pytest.raises(UsageError, match="no finding L9"):
            ask("L9")


def test_the_record_says_which_threshold_was_chosen(findings):
    assert findings.as_detections().operating_point.threshold == 0.6
    assert findings.as_detections().operating_point.name == "chosen in review"
    untouched = replace(findings, threshold=0.3)
    assert untouched.as_detections().operating_point.name == "balanced"


# Controls


@pytest.fixture
def controlled(make_controlled_run):
    """Four with scores .95, .825, .7, .575; see ``make_controlled_run``."""
    return Findings.of(make_controlled_run(4)[1])


@pytest.mark.parametrize(
    ("values", "passing"),
    [
        ((0.5, 10), ["L1", "L2"]),
        ((0.5, 0), ["L1", "L2", "L3", "L4"]),
        ((0.0, 0), ["L1", "L2", "L3", "L4"]),
        ((0.0, 29), ["L1", "L2", "L3", "L4"]),
        ((0.3, 29), ["L1", "L2", "L3"]),
        ((0.6, 4), ["L1", "L2", "L3"]),
        ((0.0, 30), []),
        ((0.95, 0), []),
    ],
)
def test_a_lesion_is_listed_while_one_row_lies_above_all_controls(controlled, values, passing):
    moved = controlled.with_control_values(values)
    assert ids(moved.listed) == passing
    assert ids(controlled.listed) == ["L1", "L2"], "states are never changed"


def test_the_score_threshold_says_nothing_where_there_are_controls(controlled):
    assert ids(replace(controlled, threshold=0.99).listed) == ["L1", "L2"]
    assert controlled.as_detections().operating_point.name == "balanced"
    assert replace(controlled, threshold=0.99).as_detections().operating_point.name == "balanced"


def test_moved_controls_are_in_the_record(controlled):
    assert controlled.with_control_values([0.5, 10]) is controlled, "not moved at all"
    moved = controlled.with_control_values([0.25, 3]).as_detections()
    assert [control.text for control in moved.controls] == ["Least response 0.25", "Least area 3 px"]
    assert (moved.operating_point.name, moved.operating_point.threshold) == ("chosen in review", 0.0)
    with pytest.raises(ValueError, match="zip"):
        controlled.with_control_values([0.25])


def test_a_persons_own_and_what_was_decided_stay_whatever_the_controls(controlled, make_run):
    more, new = controlled.adding(replace(make_run(1)[1].lesions[0], score=1.0), origin=CLICKED)
    decided = with_status(more, "L4", Status.ACCEPTED)
    assert ids(decided.with_control_values([1.0, 200]).listed) == [new, "L4"]


def test_another_state_is_shown_with_the_same_sliders(controlled):
    moved = replace(controlled.with_control_values([0.0, 0]), threshold=0.7)
    shown = with_status(controlled, "L1", Status.REJECTED).shown_as(moved)
    assert (ids(shown.drawn), shown.threshold) == (["L2", "L3", "L4"], 0.7)
    assert shown.as_detections().operating_point.name == "chosen in review"


def test_controls_come_back_from_json_and_evidence_must_fit_them(controlled):
    moved = controlled.with_control_values([0.25, 3])
    again = Findings.from_json(json.loads(json.dumps(moved.to_json())))
    assert again.run.controls == moved.run.controls
    assert [item.lesion.evidence for item in again.items] == [item.lesion.evidence for item in moved.items]
    value = moved.to_json()
    value["findings"][2]["lesion"]["evidence"][0] = [0.5]
    with pytest.raises(InputError, match="evidence"):
        Findings.from_json(value)
