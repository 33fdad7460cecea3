"""Each policy gives what a plain loop over its rules gives, on random images with ties, crowds and empty lists."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionTrainingLib.evaluation.matching import (
    AutoPet,
    Coco3d,
    DeepLesion,
    Fate,
    Findings,
    ImageFindings,
    Luna16,
    Picai,
)
from LesionTrainingLib.evaluation.matching.overlap import mask_iou

_SPEC = importlib.util.spec_from_file_location("matching_reference", Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)

PLACE = st.integers(-6, 6).map(float)
SCORE = st.integers(0, 4).map(lambda n: n / 4)
DIAMETER = st.sampled_from([2.0, 5.0, 8.0, 10.0, float("nan")])


@st.composite
def points(draw, most=5):
    count = draw(st.integers(0, most))
    centers = [[draw(PLACE) for _ in range(3)] for _ in range(count)]
    return Findings.of_points(centers, [draw(DIAMETER) for _ in range(count)], [draw(SCORE) for _ in range(count)])


@st.composite
def boxed(draw, most=5):
    """Points with boxes of small whole numbers, so that overlaps are often equal or just at a limit."""
    count = draw(st.integers(0, most))
    low = np.array([[draw(st.integers(0, 4)) for _ in range(3)] for _ in range(count)], dtype=float).reshape(-1, 3)
    size = np.array([[draw(st.integers(1, 4)) for _ in range(3)] for _ in range(count)], dtype=float).reshape(-1, 3)
    return Findings(
        low + size / 2,
        np.full(count, 4.0),
        np.array([draw(SCORE) for _ in range(count)], dtype=float),
        boxes_ras_mm=np.stack([low, low + size], axis=1),
        pixel_boxes=np.concatenate([low[:, :2], low[:, :2] + size[:, :2] - 1], axis=1),
    )


@st.composite
def masked(draw, most=4):
    count = draw(st.integers(0, most))
    masks = []
    for _ in range(count):
        shape = [draw(st.integers(1, 3)) for _ in range(3)]
        bits = draw(st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
        voxels = np.array(bits, dtype=bool).reshape(shape)
        voxels.flat[0] = True
        masks.append(Mask(voxels, tuple(draw(st.integers(0, 6)) for _ in range(3))))
    centers = [[0.0, 0.0, 0.0]] * count
    found = Findings.of_points(centers, scores=[draw(SCORE) for _ in range(count)])
    return Findings(found.centers_ras_mm, found.diameters_mm, found.scores, masks=tuple(masks))


def names(outcome):
    return [Fate(fate).name for fate in outcome.fates]


@given(points(), points(8), points(4), st.sampled_from([1, 3, 100]))
@settings(max_examples=120, deadline=None)
def test_luna16(truth, marks, excluded, most):
    image = ImageFindings("x", truth, marks, excluded)
    outcome = Luna16(most_marks=most).match(image)
    fates, credited = reference.luna16(image, most)
    assert names(outcome) == fates
    assert outcome.lesion_marks.tolist() == credited


@given(boxed(), boxed(8))
@settings(max_examples=120, deadline=None)
def test_deeplesion(truth, marks):
    image = ImageFindings("x", truth, marks)
    outcome = DeepLesion().match(image)
    fates, credited = reference.deeplesion(image)
    assert names(outcome) == fates
    assert outcome.lesion_marks.tolist() == credited


@given(boxed(), boxed(8), boxed(3), st.sampled_from([2, 100]), st.sampled_from([0.1, 0.25, 0.5]))
@settings(max_examples=120, deadline=None)
def test_coco3d(truth, marks, excluded, most, least):
    image = ImageFindings("x", truth, marks, excluded)
    outcome = Coco3d(least, most).match(image)
    fates, credited = reference.coco3d(image, least, most)
    assert names(outcome) == fates
    assert outcome.lesion_marks.tolist() == credited


@given(masked(), masked())
@settings(max_examples=60, deadline=None)
def test_picai(truth, marks):
    outcome = Picai().match(ImageFindings("x", truth, marks, geometry=Geometry((9, 9, 9), np.eye(4))))
    values = mask_iou(truth.masks, marks.masks)
    best, _, found = reference.picai(values.tolist())
    credited = [(lesion, mark) for lesion, mark in enumerate(outcome.lesion_marks) if mark >= 0]
    assert len({mark for _, mark in credited}) == len(credited)
    # Several matchings may be equally good: the sum is one, and what is no hit follows from the overlaps.
    assert np.isclose(sum(1 + values[pair] for pair in credited), best)
    assert len(credited) == found
    near = (values >= 0.1).any(axis=0)
    assert [fate == Fate.FALSE for fate in outcome.fates] == (~near).tolist()


@given(masked(), masked())
@settings(max_examples=60, deadline=None)
def test_autopet(truth, marks):
    geometry = Geometry((9, 9, 9), np.diag([2.0, 1.0, 3.0, 1.0]))
    outcome, volumes = AutoPet().measure(ImageFindings("x", truth, marks, geometry=geometry))
    is_false, is_found, counts = reference.autopet(*[[voxels_of(mask) for mask in f.masks] for f in (truth, marks)])
    assert [fate == Fate.FALSE for fate in outcome.fates] == is_false
    assert (outcome.lesion_marks >= 0).tolist() == is_found
    given = (
        volumes.truth_ml,
        volumes.marked_ml,
        volumes.shared_ml,
        volumes.false_positive_ml,
        volumes.false_negative_ml,
    )
    np.testing.assert_allclose(given, np.array(counts) * 0.006)
    shared = [[len(voxels_of(a) & voxels_of(b)) for b in marks.masks] for a in truth.masks]
    np.testing.assert_array_equal(outcome.values, np.array(shared).reshape(outcome.values.shape))


def voxels_of(mask):
    return {tuple((index[::-1] + np.array(mask.start_ijk)).tolist()) for index in np.argwhere(mask.voxels)}
