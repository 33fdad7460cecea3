"""Which blobs are one lesion, its pixels, and what lets it pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from LesionDetectionLib.core.detections import Control, Detections
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.blobs import slice_blobs
from LesionDetectionLib.methods.high_uptake_ct.lesions import Candidate, Candidates, pareto_front

maps = arrays(
    np.float32, array_shapes(min_dims=3, max_dims=3, max_side=6), elements=st.sampled_from([-1, 0.25, 0.5, 1])
)
rows = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.integers(1, 5)), min_size=1, max_size=8)


def candidates_of(volume, least_shared=0.0):
    return Candidates([slice_blobs(plane) for plane in volume], least_shared)


@settings(max_examples=60)
@given(maps)
def test_every_pixel_is_in_the_one_candidate_that_has_it(volume):
    candidates = candidates_of(volume)
    covered = np.zeros(volume.shape, dtype=int)
    for candidate in candidates.items:
        mask, (i, j, k) = candidates.mask(candidate)
        box = tuple(slice(a, a + n) for a, n in zip((k, j, i), mask.shape, strict=True))
        covered[box] += mask
        for axis in range(3):  # the box is as tight as it can be
            assert mask.any(axis=tuple({0, 1, 2} - {axis}))[[0, -1]].all()
        assert volume[box][mask].max() == candidate.response
        assert max(np.count_nonzero(plane) for plane in mask) >= candidate.largest_area_px
    np.testing.assert_array_equal(covered, volume > 0)
    responses = [candidate.response for candidate in candidates.items]
    assert responses == sorted(responses, reverse=True)


@settings(max_examples=60)
@given(maps, st.sampled_from([0, 0.25, 0.3, 0.5, 1]), st.integers(0, 6))
def test_a_candidate_passes_if_one_of_its_blobs_is_verified(volume, least_response, least_area):
    slices = [slice_blobs(plane) for plane in volume]
    for candidate in Candidates(slices).items:
        verified = [slices[k].verified(least_response, least_area)[number - 1] for k, number in candidate.members]
        assert candidate.passes(least_response, least_area) == any(verified)


@settings(max_examples=100)
@given(rows, st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9]), st.integers(0, 5))
def test_the_front_tells_all_that_the_rows_tell(rows, least_response, least_area):
    """Also where the thresholds are moved afterwards: the rule of the table is the rule of the method."""
    front = pareto_front(rows)
    assert set(front) <= {(float(r), float(a)) for r, a in rows}
    for n, (response, area) in enumerate(front):
        assert not any(r >= response and a >= area for r, a in front[:n] + front[n + 1 :])
    expected = any(r > least_response and a > least_area for r, a in rows)
    assert Candidate(((0, 1),), front).passes(least_response, least_area) == expected
    lesion = Lesion((0, 0, 0), 1.0, front[0][0], evidence=front)
    controls = (Control("r", "R", least_response, 0, 1), Control("s", "S", least_area, 0, 9))
    assert Detections((lesion,), Geometry((1, 1, 1), np.eye(4)), "m", controls=controls).passing(lesion) == expected


def test_the_ends_of_a_lesion_pass_with_it():
    """A ball's first and last slices are small blobs: T_S alone would always drop them."""
    ball = (np.indices((7, 9, 9)) - np.array((3, 4, 4)).reshape(3, 1, 1, 1)) ** 2
    volume = np.where(ball.sum(axis=0) <= 9, 0.5, -1).astype(np.float32)
    (candidate,) = candidates_of(volume).items
    assert candidate.evidence == ((0.5, 29.0),)
    assert candidate.passes(0.4, 28)
    assert not candidate.passes(0.4, 29)
    mask, start = candidates_of(volume).mask(candidate)
    assert start == (1, 1, 0)
    assert mask[0].sum() == mask[-1].sum() == 1
    assert mask.sum() == (volume > 0).sum()


def test_response_and_area_of_two_blobs_do_not_add_up():
    """One blob is sure and small, another unsure and large: neither is verified by both thresholds."""
    volume = np.full((2, 3, 6), -1, dtype=np.float32)
    volume[0, 1, 1] = 0.9
    volume[1] = 0.1
    (candidate,) = candidates_of(volume).items
    assert candidate.evidence == tuple((float(np.float32(r)), a) for r, a in ((0.9, 1.0), (0.1, 18.0)))
    assert candidate.passes(0.5, 0)
    assert candidate.passes(0.0, 10)
    assert not candidate.passes(0.5, 10)


def test_a_share_parts_what_hardly_touches():
    """A thin vessel on a lesion shares all its pixels with that, and few of that's."""
    volume = np.full((3, 5, 5), -1, dtype=np.float32)
    volume[:2], volume[2, 1, 1] = 0.5, 0.25
    assert len(candidates_of(volume)) == 1
    lesion, vessel = candidates_of(volume, least_shared=0.1).items
    assert (len(lesion.members), len(vessel.members)) == (2, 1)
    assert lesion.response > vessel.response


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 3, 3)])
def test_nothing(shape):
    assert len(candidates_of(np.full(shape, -1, dtype=np.float32))) == 0
