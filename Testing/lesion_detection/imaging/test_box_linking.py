"""Boxes of slices become lesions: each box in one, whichever end is counted from, and the strong ones' borders known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.imaging.box_linking import Linking, link_boxes
from LesionDetectionLib.imaging.rectangles import iou

HOW = Linking()
HERE, NEAR, FAR = (0, 0, 10, 10), (3, 0, 13, 10), (40, 40, 50, 50)
"""HERE and NEAR overlap by .54."""


def linked(*slices, how=HOW):
    """``linked([(box, score), ...], ...)``: for each chain the slices of its members, and those of its weaker boxes."""
    chains = link_boxes([[box for box, _ in one] for one in slices], [[s for _, s in one] for one in slices], how)
    return [(tuple(k for k, _ in chain.members), tuple(sorted(k for k, _ in chain.weaker))) for chain in chains]


def test_neighbours_that_overlap_are_one_lesion():
    assert linked([(HERE, 0.5)], [(HERE, 0.9), (FAR, 0.7)], [(NEAR, 0.6)], [(FAR, 0.8)]) == [
        ((0, 1, 2), ()),
        ((1, 3), ()),
    ]


def test_a_slice_without_a_box_is_bridged():
    assert linked([(HERE, 0.5)], [], [(HERE, 0.9)], [], [], [(HERE, 0.4)]) == [((0, 2), ()), ((5,), ())]
    two = Linking(gap=2)
    assert linked([(HERE, 0.5)], [], [(HERE, 0.9)], [], [], [(HERE, 0.4)], how=two) == [((0, 2, 5), ())]
    none = Linking(gap=0)
    assert len(linked([(HERE, 0.5)], [], [(HERE, 0.9)], how=none)) == 2


def test_weak_boxes_belong_to_a_lesion_without_making_it_longer():
    slices = [(HERE, 0.1)], [(HERE, 0.2)], [(HERE, 0.9)], [(HERE, 0.1)], [(HERE, 0.8)], [(HERE, 0.05)], []
    assert linked(*slices) == [((2, 4), (0, 1, 3, 5))]


def test_where_the_score_rises_again_another_lesion_begins():
    column = [[(HERE, score)] for score in (1.6, 1.0, 0.1, 0.05, 0.1, 0.3, 0.2)]
    assert linked(*column) == [((0, 1), (2, 3, 4)), ((5, 6), ())]
    assert linked(*column[::-1]) == [((5, 6), (2, 3, 4)), ((0, 1), ())]


def test_a_lesion_keeps_to_itself_beside_a_better_one():
    """The neighbour's box overlaps, too, and has the higher score."""
    beside = (5, 0, 15, 10)
    chains = link_boxes([[HERE], [HERE, beside], [HERE]], [[1.5], [0.8, 1.2], [0.8]], HOW)
    assert [chain.members for chain in chains] == [((0, 0), (1, 0), (2, 0)), ((1, 1),)]
    assert [chain.best for chain in chains] == [(0, 0), (1, 1)]


@pytest.mark.parametrize("slices", [(), ([],), ([], [], [])])
def test_nothing(slices):
    assert linked(*slices) == []


def test_scores_of_nothing_are_linked_too():
    assert linked([(HERE, 0.0)], [(HERE, 0.0)]) == [((0, 1), ())]


@st.composite
def stacks(draw):
    """Boxes at few places, so that many overlap, with scores that differ."""
    count = draw(st.integers(1, 7))
    sizes = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    total = sum(sizes)
    ranks = draw(st.permutations(range(1, total + 1)))
    edges = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(2, 6), st.integers(2, 6))
    boxes = [(x, y, x + w, y + h) for x, y, w, h in draw(st.lists(edges, min_size=total, max_size=total))]
    # Over three decades: steps of a tenth upwards, so that weak and strong boxes meet.
    scores = [2 * 0.8**rank for rank in ranks]
    cuts = np.cumsum([0, *sizes])
    of_slice = list(itertools.pairwise(cuts))
    return [np.array(boxes[a:b]).reshape(-1, 4) for a, b in of_slice], [np.array(scores[a:b]) for a, b in of_slice]


hows = st.builds(
    Linking, least_iou=st.sampled_from([0.1, 0.3, 0.6]), gap=st.integers(0, 2), share=st.sampled_from([0.1, 0.25, 0.8])
)


@settings(max_examples=80, deadline=None)
@given(stacks(), hows)
def test_every_box_is_in_one_lesion_and_lesions_are_chains(stack, how):
    boxes, scores = stack
    chains = link_boxes(boxes, scores, how)
    everything = [member for chain in chains for member in (*chain.members, *chain.weaker)]
    assert sorted(everything) == [(k, n) for k, some in enumerate(boxes) for n in range(len(some))]
    best = [scores[chain.best[0]][chain.best[1]] for chain in chains]
    assert best == sorted(best, reverse=True)
    for chain, top in zip(chains, best, strict=True):
        slices = [k for k, _ in (*chain.members, *chain.weaker)]
        assert len(set(slices)) == len(slices)
        assert [k for k, _ in chain.members] == sorted(k for k, _ in chain.members)
        assert all(how.share * top <= scores[k][n] <= top for k, n in chain.members)
        assert all(scores[k][n] <= how.share * top for k, n in chain.weaker)
        for (k, n), (later, m) in zip(chain.members[:-1], chain.members[1:], strict=True):
            assert later - k <= how.gap + 1
            assert iou(boxes[k][n], boxes[later][m])[0, 0] >= how.least_iou


@settings(max_examples=80, deadline=None)
@given(stacks(), hows)
def test_the_direction_of_slices_does_not_matter(stack, how):
    boxes, scores = stack
    last = len(boxes) - 1

    def as_sets(chains, turn):
        def place(member):
            return (last - member[0] if turn else member[0], member[1])

        return [
            (place(chain.best), frozenset(map(place, chain.members)), frozenset(map(place, chain.weaker)))
            for chain in chains
        ]

    assert as_sets(link_boxes(boxes[::-1], scores[::-1], how), True) == as_sets(link_boxes(boxes, scores, how), False)


@settings(max_examples=80, deadline=None)
@given(stacks(), hows, st.floats(0.05, 1.5))
def test_what_is_far_too_weak_can_be_left_out(stack, how, least):
    boxes, scores = stack
    kept = [np.flatnonzero(some >= how.share * least) for some in scores]
    few = link_boxes(*([some[of] for some, of in zip(all_, kept, strict=True)] for all_ in (boxes, scores)), how)

    def wanted(chains, names):
        return [
            [(k, names[k][n]) for k, n in chain.members]
            for chain in chains
            if scores[chain.best[0]][names[chain.best[0]][chain.best[1]]] >= least
        ]

    assert wanted(few, kept) == wanted(link_boxes(boxes, scores, how), [np.arange(len(some)) for some in scores])
