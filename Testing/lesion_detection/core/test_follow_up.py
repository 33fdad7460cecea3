"""Two times compared: who is whom, and RECIST 1.1 on numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.assignment import assign
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import Finding, Findings, Status
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import LESION, Code, Lesion, Recist
from LesionDetectionLib.core.pairing import pair_findings
from LesionDetectionLib.core.response import NOT_ASSESSED, Target, respond
from LesionDetectionLib.core.targets import choose_targets, measured_mm, slice_distance_mm, why_no_target
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

NODE = Code("59441001", "SCT", "Lymph node")
THIN = Geometry((100, 64, 64), np.diag([0.8, 0.8, 1.5, 1.0]))


def lesion(long_mm, short_mm=None, *, at=(0.0, 0.0, 0.0), meaning=LESION, score=0.5):
    """With diameters along R and A about a place; None for a lesion without an outline."""
    r, a, s = at
    short = 0.8 * long_mm if short_mm is None else short_mm
    axes = Recist(((r - long_mm / 2, a, s), (r + long_mm / 2, a, s)), ((r, a - short / 2, s), (r, a + short / 2, s)))
    return Lesion(at, long_mm, score, recist=axes, meaning=meaning, measurements={"volume_mm3": long_mm**3 / 2})


def bare(at=(0.0, 0.0, 0.0), diameter_mm=12.0):
    return Lesion(at, diameter_mm, 0.5)


def findings(*lesions, status=Status.NEW, geometry=THIN):
    """L1, L2 ... in this order."""
    items = tuple(Finding(f"L{n}", one, status=status) for n, one in enumerate(lesions, 1))
    return Findings(Detections((), geometry, "made-up"), items, 0.0, len(items) + 1)


def compared(before, after, **more):
    return FollowUp(before, after, pair_findings(before.drawn, after.drawn, np.eye(4)), **more)


# The category from sums alone -----------------------------------------------------------------------------------------


def sums(baseline, now, node=False):
    """Targets of these diameters."""
    return [Target(f"L{n}", node, a, b) for n, (a, b) in enumerate(zip(baseline, now, strict=True), 1)]


@pytest.mark.parametrize(
    ("baseline", "now", "earlier", "category"),
    [
        # Partial response: 30 % less than at baseline, the border included.
        ([60, 40], [40, 30], [], "PR"),
        ([60, 40], [40, 30.1], [], "SD"),
        ([70, 30, 40], [49, 21, 28], [], "PR"),
        ([11, 12.3, 17], [0.7 * 11, 0.7 * 12.3, 0.7 * 17], [], "PR"),  # 30 % whatever the last digit says
        # Progression: 20 % and 5 mm more than the smallest sum, both borders included.
        ([50, 50], [60, 60], [], "PD"),
        ([50, 50], [60, 59.9], [], "SD"),
        ([25], [30], [], "PD"),  # exactly 20 % and exactly 5 mm
        ([20], [24.9], [], "SD"),  # 24.5 %, but less than 5 mm
        ([20], [25], [], "PD"),
        ([15], [19], [], "SD"),  # 26.7 %, 4 mm
        ([60], [65], [], "SD"),  # 5 mm, but 8.3 %
        # The smallest sum before counts, not the baseline.
        ([100], [84], [60], "PD"),  # 16 % below baseline, 40 % above the smallest
        ([100], [71], [60], "SD"),  # 18.3 % above the smallest, 29 % below baseline
        ([100], [72], [60], "PD"),  # 12 mm and exactly 20 % above the smallest
        ([100], [66], [60, 80], "PR"),  # 10 % above the smallest
        ([100], [24], [20], "PR"),  # 4 mm above the smallest: not progression, still far below baseline
        ([100], [25], [20], "PD"),  # 5 mm, 25 %: progression although 75 % below baseline
        ([100], [130], [150], "PD"),  # the baseline is the smallest
        ([40], [5], [0], "PD"),  # back from a complete response
        ([40], [4], [0], "PR"),
        # Stable in both directions.
        ([50, 30], [50, 30], [], "SD"),
        ([50, 30], [45, 20], [], "SD"),
        ([50, 30], [55, 30], [], "SD"),
        # Complete response.
        ([50, 30], [0, 0], [], "CR"),
        ([50, 30], [0, 1], [], "PR"),
    ],
)
def test_categories_and_their_borders(baseline, now, earlier, category):
    assert respond(sums(baseline, now), (), earlier).category == category


@pytest.mark.parametrize(
    ("baseline", "now", "category"),
    [([20, 18], [9.9, 9.5], "CR"), ([20, 18], [9.9, 10.0], "PR"), ([16], [15.5], "SD"), ([18], [23], "PD")],
)
def test_lymph_nodes_need_not_vanish(baseline, now, category):
    """Short axes; below 10 mm a node is normal, though the sum is not 0."""
    found = respond(sums(baseline, now, node=True), ())
    assert found.category == category
    assert found.now_mm == pytest.approx(sum(now))


def test_a_complete_response_of_both_kinds_says_both():
    both = [Target("L1", False, 30, 0), Target("L2", True, 20, 8)]
    found = respond(both, ())
    assert found.category == "CR"
    assert found.reason == (
        "All target lesions have disappeared and all target lymph nodes are below 10 mm short axis."
    )
    assert respond([Target("L1", False, 30, 2), Target("L2", True, 20, 8)], ()).category == "PR"
    assert respond([Target("L1", False, 30, 0), Target("L2", True, 20, 12)], ()).category == "PR"


def test_numbers_and_words_of_a_progression():
    found = respond(sums([60, 40], [50, 34]), (), [70])
    assert (found.baseline_mm, found.now_mm, found.nadir_mm) == (100, 84, 70)
    assert (found.change_mm, found.change_percent) == (-16, pytest.approx(-16))
    assert (found.from_nadir_mm, found.from_nadir_percent) == (14, pytest.approx(20))
    assert found.reason == (
        "The sum of diameters is 84.0 mm, 14.0 mm (20 %) more than the smallest before (70.0 mm): at least 20 % and 5 mm "
        "more than the smallest is progression."
    )
    assert respond(sums([30], [30]), (), [0]).from_nadir_percent is None


def test_an_accepted_new_lesion_is_progression_whatever_the_others_do():
    found = respond(sums([50], [0]), ["L7"])
    assert found.category == "PD"
    assert "A new lesion was accepted (L7)" in found.reason
    assert respond([], ["L7"]).category == "PD"


def test_what_is_not_known_leaves_the_category_open_and_says_what_it_would_be():
    found = respond([Target("L1", False, 40, 20), Target("L2", False, 30, None)], ())
    assert found.category == "NE"
    assert found.now_mm is found.change_mm is found.change_percent is found.from_nadir_mm is None
    assert "lesion L2 is not known" in found.reason
    assert found.reason.endswith("confirm that it has disappeared; then it would be PR.")


def test_progression_is_certain_without_what_is_not_known():
    found = respond([Target("L1", False, 40, 60), Target("L2", False, 10, None)], ())
    assert found.category == "PD"
    assert "at least 60.0 mm" in found.reason


def test_without_targets_nothing_is_evaluated():
    assert respond([], ()).category == "NE"
    with pytest.raises(UsageError, match="0 mm or more"):
        respond(sums([10], [10]), (), [-1])


@given(st.lists(st.tuples(st.floats(10, 100), st.floats(0, 150)), min_size=1, max_size=5), st.floats(0.1, 10))
def test_larger_is_never_a_better_category(pairs, more):
    order = ["CR", "PR", "SD", "PD"]
    targets = [Target(str(n), False, a, b) for n, (a, b) in enumerate(pairs)]
    grown = [Target(t.id, False, t.baseline_mm, t.now_mm + more) for t in targets]
    assert order.index(respond(grown, ()).category) >= order.index(respond(targets, ()).category)


# Target lesions -------------------------------------------------------------------------------------------------------


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


# Pairing --------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 2**31))
def test_the_assignment_is_the_best_of_all(rows, columns, seed):
    random = np.random.default_rng(seed)
    costs = random.uniform(0, 1.6, (rows, columns))
    costs[random.uniform(size=costs.shape) < 0.2] = np.inf
    found = assign(costs)
    assert all(costs[pair] < 1 for pair in found)
    assert len({row for row, _ in found}) == len({column for _, column in found}) == len(found)
    padded = np.full((rows, columns + rows), 1e6)
    padded[:, :columns] = np.where(costs < 1, costs, 1e6)
    padded[np.arange(rows), columns + np.arange(rows)] = 1.0
    best = padded[linear_sum_assignment(padded)].sum()
    assert sum(costs[pair] for pair in found) + rows - len(found) == pytest.approx(best)


def test_a_pair_far_apart_is_not_made_at_the_cost_of_a_close_one():
    """A and B at baseline; now A where it was, and something 12 mm beside it; B is gone."""
    before = findings(lesion(10, at=(0, 0, 0)), lesion(10, at=(0, 12, 0)))
    after = findings(lesion(10, at=(1, 0, 0)), lesion(10, at=(13, 0, 0)))
    pairing = pair_findings(before.items, after.items, np.eye(4), gate_mm=10)
    assert [(pair.baseline, pair.follow_up) for pair in pairing.pairs] == [("L1", "L1")]
    assert [item.id for item in pairing.gone] == ["L2"]
    assert [item.id for item in pairing.new] == ["L2"]


def test_the_nearest_is_not_always_the_right_one():
    """All moved by 8 mm to the left: taking the nearest each would shift every name by one."""
    places = [(10.0 * n, 0.0, 0.0) for n in range(4)]
    before = findings(*[lesion(8, at=place) for place in places])
    after = findings(*[lesion(8, at=(place[0] - 8, 0, 0)) for place in places])
    pairing = pair_findings(before.items, after.items, np.eye(4))
    assert all(pair.baseline == pair.follow_up for pair in pairing.pairs)
    assert len(pairing.pairs) == 4
    assert pairing.pairs[0].distance_mm == pytest.approx(8)


def test_size_tells_neighbours_apart():
    before = findings(lesion(30, at=(0, 0, 0)), lesion(5, at=(6, 0, 0)))
    after = findings(lesion(6, at=(3, 1, 0)), lesion(28, at=(3, 0, 0)))
    pairs = pair_findings(before.items, after.items, np.eye(4)).pairs
    assert {(pair.baseline, pair.follow_up) for pair in pairs} == {("L1", "L2"), ("L2", "L1")}


def test_beyond_the_gate_no_pair_is_made():
    before, after = findings(lesion(8)), findings(lesion(8, at=(19.5, 0, 0)))
    assert not pair_findings(before.items, after.items, np.eye(4)).pairs  # 15 mm and a quarter of both diameters
    assert pair_findings(before.items, findings(lesion(8, at=(18.5, 0, 0))).items, np.eye(4)).pairs
    assert pair_findings(before.items, after.items, np.eye(4), gate_mm=20).pairs
    with pytest.raises(UsageError, match="more than 0 mm"):
        pair_findings(before.items, after.items, np.eye(4), gate_mm=0)


scenes = st.lists(
    st.tuples(st.tuples(*[st.integers(-60, 60)] * 3), st.floats(3, 40), st.booleans(), st.booleans()),
    min_size=0,
    max_size=9,
    unique_by=lambda one: one[0],
)
"""Lesions a millimetre or more apart: of several at one place, any pairing is as good as another."""


def two_times(scene, seed=0):
    """Lesions that were moved a little; some are gone, some are new."""
    random = np.random.default_rng(seed)
    before = [lesion(mm, at=at) for at, mm, there, _ in scene if there]
    after = [
        lesion(mm * random.uniform(0.7, 1.4), at=tuple(np.array(at) + random.normal(0, 3, 3)))
        for at, mm, _, there in scene
        if there
    ]
    return findings(*before), findings(*after)


@given(scenes, st.randoms(use_true_random=False))
def test_pairing_does_not_depend_on_the_order(scene, random):
    before, after = two_times(scene)
    straight = pair_findings(before.items, after.items, np.eye(4))
    first, second = random.sample(before.items, len(before.items)), random.sample(after.items, len(after.items))
    shuffled = pair_findings(first, second, np.eye(4))
    assert set(shuffled.pairs) == set(straight.pairs)
    assert {item.id for item in shuffled.gone} == {item.id for item in straight.gone}


def moved(items, matrix):
    """The same findings after a rigid move of the whole scan."""

    def move(point):
        return tuple(map(float, matrix[:3, :3] @ point + matrix[:3, 3]))

    lesions = [
        Lesion(
            move(item.lesion.center_ras_mm),
            item.lesion.diameter_mm,
            item.lesion.score,
            recist=Recist(*[tuple(map(move, axis)) for axis in vars(item.lesion.recist).values()]),
        )
        for item in items.items
    ]
    return findings(*lesions)


@given(scenes, st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(-800, 800)] * 3))
def test_pairing_does_not_depend_on_a_common_rigid_motion_nor_on_one_that_the_alignment_undoes(scene, angles, shift):
    before, after = two_times(scene)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    straight = pair_findings(before.items, after.items, np.eye(4))
    both = pair_findings(moved(before, matrix).items, moved(after, matrix).items, np.eye(4))
    aligned = pair_findings(before.items, moved(after, matrix).items, matrix)
    for other in (both, aligned):
        assert [(p.baseline, p.follow_up) for p in other.pairs] == [(p.baseline, p.follow_up) for p in straight.pairs]
        for a, b in zip(other.pairs, straight.pairs, strict=True):
            assert a.distance_mm == pytest.approx(b.distance_mm, abs=1e-6)


@given(scenes)
def test_each_lesion_is_in_one_pair_or_alone(scene):
    before, after = two_times(scene)
    pairing = pair_findings(before.items, after.items, np.eye(4))
    for items, paired, alone in (
        (before.items, [p.baseline for p in pairing.pairs], pairing.gone),
        (after.items, [p.follow_up for p in pairing.pairs], pairing.new),
    ):
        assert sorted([*paired, *(item.id for item in alone)]) == sorted(item.id for item in items)


@given(scenes)
def test_a_scan_against_itself_pairs_everything_with_itself(scene):
    before, _ = two_times(scene)
    clear = all(
        np.linalg.norm(np.subtract(a.lesion.center_ras_mm, b.lesion.center_ras_mm)) > 1
        for a, b in itertools.combinations(before.items, 2)
    )
    pairs = pair_findings(before.items, before.items, np.eye(4)).pairs
    assert len(pairs) == len(before.items)
    assert not clear or all(pair.baseline == pair.follow_up for pair in pairs)


# What a person changes ------------------------------------------------------------------------------------------------


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
