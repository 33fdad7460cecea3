"""Who of two times is whom."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.assignment import assign
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Lesion, Recist
from LesionDetectionLib.core.pairing import pair_findings
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from .made_findings import findings, lesion


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


def test_distance_and_ratio_of_sizes_add_up_as_squares():
    """2 and 16 mm: log2 of 8 is three quarters of 4, and the gate is 15 mm and a quarter of both diameters."""
    for share, count in ((0.66, 1), (0.67, 0)):
        there = findings(lesion(16, at=(share * 19.5, 0, 0)))
        assert len(pair_findings(findings(lesion(2)).items, there.items, np.eye(4)).pairs) == count


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
