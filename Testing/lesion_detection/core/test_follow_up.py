"""Two times compared: how each lesion changed, and what a person changes of it."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import Finding, Status
from LesionDetectionLib.core.response import NOT_ASSESSED

from .made_findings import NODE, bare, compared, findings, lesion


@pytest.fixture
def a_comparison():
    """L1 30 to 20 mm, L2 20 to 12 mm, L3 15 mm not found, and in the follow-up L3 far away."""
    before = findings(lesion(30, at=(0, 0, 0)), lesion(20, at=(100, 0, 0)), lesion(15, at=(0, 100, 0)))
    after = findings(lesion(20, at=(2, 0, 0)), lesion(12, at=(100, 3, 0)), lesion(15, at=(0, 150, 0)))
    return compared(before, after)


def row(comparison, baseline_id="", follow_up_id=""):
    (found,) = [
        r
        for r in comparison.rows
        if (baseline_id and r.baseline_id == baseline_id) or (follow_up_id and r.follow_up_id == follow_up_id)
    ]
    return found


def test_rows_tell_how_each_lesion_changed(a_comparison):
    first = row(a_comparison, "L1")
    assert (first.kind, first.follow_up_id, first.target) == ("paired", "L1", True)
    assert (first.baseline_mm, first.follow_up_mm, first.change_mm) == (30, 20, -10)
    assert first.change_percent == pytest.approx(-100 / 3)
    assert first.volume_change_percent == pytest.approx(100 * (20**3 / 30**3 - 1))
    assert first.distance_mm == pytest.approx(2)
    lost = row(a_comparison, "L3")
    assert (lost.kind, lost.follow_up_mm, lost.change_mm) == ("not found", None, None)
    assert "Disappeared, or not found" in lost.remark
    new = a_comparison.rows[-1]
    assert (new.kind, new.baseline_id, new.follow_up_id, new.baseline_mm) == ("new candidate", "", "L3", None)
    assert len(a_comparison.rows) == 4


def test_a_target_that_was_not_found_leaves_it_open_until_a_person_decides(a_comparison):
    assert a_comparison.response.category == "NE"
    gone = a_comparison.confirming_gone(["L3"])
    assert row(gone, "L3").kind == "disappeared"
    assert (gone.response.category, gone.response.now_mm) == ("PR", 32)
    linked = a_comparison.linking("L3", "L3")
    assert row(linked, "L3").by_person
    assert row(linked, "L3").distance_mm == pytest.approx(50)
    assert (linked.response.category, linked.response.now_mm) == ("SD", 47)
    assert a_comparison.response.category == "NE"  # as it was


def test_links_are_undone_and_moved(a_comparison):
    apart = a_comparison.unlinking("L1")
    assert {item.id for item in apart.pairing.gone} == {"L1", "L3"}
    crossed = a_comparison.linking("L1", "L2")
    assert [(p.baseline, p.follow_up) for p in crossed.pairing.pairs] == [("L1", "L2")]
    with pytest.raises(UsageError, match="L3 is in no pair"):
        a_comparison.unlinking("L3")
    with pytest.raises(UsageError, match="no lesion L9 in the follow-up"):
        a_comparison.linking("L1", "L9")
    with pytest.raises(UsageError, match="paired with L1"):
        a_comparison.confirming_gone(["L1"])
    gone = a_comparison.confirming_gone(["L3"]).linking("L3", "L3")
    assert row(gone, "L3").kind == "paired"


def test_a_new_lesion_counts_when_a_person_accepts_it(a_comparison):
    gone = a_comparison.confirming_gone(["L3"])
    assert any("L3 have no partner and were not decided on" in note for note in gone.notes)
    after = gone.follow_up.changing(["L3"], lambda item: Finding(item.id, item.lesion, Status.ACCEPTED))
    accepted = gone.updated(follow_up=after)
    assert accepted.response.category == "PD"
    assert row(accepted, follow_up_id="L3").kind == "new lesion"
    rejected = gone.updated(
        follow_up=gone.follow_up.changing(["L3"], lambda item: Finding(item.id, item.lesion, Status.REJECTED))
    )
    assert rejected.response.category == "PR"
    assert len(rejected.rows) == 3
    assert len(rejected.pairing.pairs) == 2


def test_a_new_lymph_node_of_normal_size_is_no_new_lesion():
    before = findings(lesion(20))
    small = lesion(14, 9.0, at=(80, 0, 0), meaning=NODE)
    large = lesion(14, 10.0, at=(80, 0, 0), meaning=NODE)
    for node, category in ((small, "SD"), (large, "PD")):
        after = findings(lesion(20), node, status=Status.ACCEPTED)
        comparison = compared(before, after)
        assert comparison.response.category == category
    assert (
        "below 10 mm short axis is normal"
        in row(compared(before, findings(lesion(20), small)), follow_up_id="L2").remark
    )


def test_what_was_rejected_takes_no_part():
    before = findings(lesion(30), lesion(25, at=(90, 0, 0)))
    before = before.changing(["L2"], lambda item: Finding(item.id, item.lesion, Status.REJECTED))
    comparison = compared(before, findings(lesion(30), lesion(25, at=(90, 0, 0))))
    assert comparison.targets == ("L1",)
    assert [r.kind for r in comparison.rows] == ["paired", "new candidate"]


def test_only_what_a_person_accepted_at_baseline_is_a_target_but_all_are_paired():
    before = findings(lesion(30), lesion(25, at=(90, 0, 0)))
    before = before.changing(["L1"], lambda item: Finding(item.id, item.lesion, Status.ACCEPTED))
    comparison = compared(before, findings(lesion(30), lesion(25, at=(90, 0, 0))))
    assert comparison.targets == ("L1",)
    assert [r.kind for r in comparison.rows] == ["paired", "paired"]


def test_notes_say_what_is_not_known_and_not_assessed(a_comparison):
    assert a_comparison.notes[-1] == NOT_ASSESSED
    assert any("organ of L1, L2, L3 is not known" in note for note in a_comparison.notes)
    known = a_comparison.with_organs({"L1": "liver", "L2": "lung", "L3": "liver"})
    assert not any("organ of" in note for note in known.notes)
    unmeasured = compared(findings(lesion(20), bare((90, 0, 0))), findings(lesion(20)))
    assert any("not measured at baseline: L2" in note for note in unmeasured.notes)


def test_a_person_chooses_targets_and_organs(a_comparison):
    chosen = a_comparison.with_targets(["L2"])
    assert chosen.targets == ("L2",)
    assert (chosen.response.baseline_mm, chosen.response.now_mm, chosen.response.category) == (20, 12, "PR")
    assert chosen.with_targets(None).targets == a_comparison.targets
    with pytest.raises(UsageError, match="no finding L8"):
        a_comparison.with_organs({"L8": "liver"})


def test_a_node_is_measured_by_its_short_axis_at_both_times():
    before = findings(lesion(30, 20, meaning=NODE))
    after = findings(lesion(25, 12))  # whatever the follow-up calls it
    comparison = compared(before, after)
    assert comparison.response.now_mm == pytest.approx(12)
    assert comparison.response.category == "PR"
    assert row(comparison, "L1").organ == "lymph nodes"


def test_earlier_sums_set_the_smallest(a_comparison):
    linked = a_comparison.linking("L3", "L3")
    assert linked.response.category == "SD"
    earlier = compared(linked.baseline, linked.follow_up, earlier_sums_mm=(30.0,)).linking("L3", "L3")
    assert earlier.response.category == "PD"
    assert earlier.response.from_nadir_mm == pytest.approx(17)
