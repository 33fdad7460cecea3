"""Overlaps worked out by hand, and against counting: boxes, masks, spheres, and which description a pair is compared by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.evaluation.matching import DeepLesion, Findings, ImageFindings
from LesionTrainingLib.evaluation.matching.deeplesion import in_plane_iou
from LesionTrainingLib.evaluation.matching.drawing import groups_that_touch, sphere_mask
from LesionTrainingLib.evaluation.matching.overlap import (
    BOX,
    MASK,
    SPHERE,
    box_iou,
    boxes_of,
    mask_iou,
    overlaps,
    sphere_iou,
)

OBLIQUE = Geometry((40, 40, 40), np.array([[0.6, -0.4, 0, 5], [0.4, 0.6, 0, -3], [0, 0, 2.0, 7], [0, 0, 0, 1.0]]))


def boxes(*corners):
    return np.array(corners, dtype=float)


def test_boxes_with_and_without_the_pixel():
    first, second = boxes([[0, 0], [9, 9]]), boxes([[5, 0], [14, 9]], [[20, 20], [29, 29]])
    # Ten pixels a side; five columns are shared.
    np.testing.assert_allclose(box_iou(first, second, border=1.0), [[50 / 150, 0]])
    np.testing.assert_allclose(box_iou(first, second), [[36 / 126, 0]])


def test_a_box_that_is_not_there_overlaps_nothing():
    assert box_iou(boxes([[0, 0, 0], [1, 1, 1]]), np.full((2, 2, 3), np.nan)).tolist() == [[0, 0]]


def test_spheres_against_counting():
    rng = np.random.default_rng(5)
    first = Findings.of_points(rng.uniform(-4, 4, (4, 3)), rng.uniform(4, 12, 4))
    second = Findings.of_points(rng.uniform(-4, 4, (5, 3)), rng.uniform(4, 12, 5))
    axis = np.linspace(-11, 11, 111)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    inside = [
        [np.linalg.norm(grid - c, axis=-1) < d / 2 for c, d in zip(f.centers_ras_mm, f.diameters_mm, strict=True)]
        for f in (first, second)
    ]
    counted = [[(a & b).sum() / (a | b).sum() for b in inside[1]] for a in inside[0]]
    np.testing.assert_allclose(sphere_iou(first, second), counted, atol=0.01)


@pytest.mark.parametrize(
    ("apart", "diameters", "value"),
    [(0.0, (6, 6), 1.0), (0.0, (3, 6), 1 / 8), (1.0, (3, 6), 1 / 8), (6.0, (6, 6), 0.0), (3.0, (6, 6), 5 / 27)],
)
def test_spheres_inside_apart_and_touching(apart, diameters, value):
    first, second = Findings.of_points([(0, 0, 0)], [diameters[0]]), Findings.of_points([(apart, 0, 0)], [diameters[1]])
    assert sphere_iou(first, second).item() == pytest.approx(value)


def test_masks_share_voxels():
    first = Mask(np.ones((2, 3, 4), bool), (0, 0, 0))
    second = Mask(np.ones((2, 3, 4), bool), (2, 0, 0))
    far = Mask(np.ones((2, 3, 4), bool), (4, 0, 0))
    np.testing.assert_allclose(mask_iou((first, None), (second, far, None)), [[12 / 36, 0, 0], [0, 0, 0]])


def test_a_pair_is_compared_by_what_both_have():
    mask = Mask(np.ones((4, 4, 4), bool), (2, 2, 2))
    box = ((2.0, 2.0, 2.0), (6.0, 6.0, 6.0))
    described = [
        Lesion((4, 4, 4), 5, 1.0, mask=mask),
        Lesion((4, 4, 4), 5, 1.0, box_ras_mm=box),
        Lesion((4, 4, 4), 5, 1.0),
    ]
    findings = Findings.of_lesions(described)
    _, kinds = overlaps(findings, findings, OBLIQUE, MASK)
    assert kinds.tolist() == [[MASK, BOX, SPHERE], [BOX, BOX, SPHERE], [SPHERE, SPHERE, SPHERE]]
    values, kinds = overlaps(findings, findings, OBLIQUE, BOX)
    assert kinds.max() == BOX
    np.testing.assert_allclose(np.diag(values), 1)


def test_the_box_of_a_mask_holds_all_its_voxels_and_is_tight():
    mask = sphere_mask(OBLIQUE.ras_from_ijk((20, 20, 20)), 6.0, OBLIQUE)
    findings = Findings(np.zeros((1, 3)), np.array([np.nan]), np.ones(1), masks=(mask,))
    ((low, high),) = boxes_of(findings, OBLIQUE)
    start, stop = np.array(mask.start_ijk) - 0.5, np.array(mask.start_ijk) + mask.voxels.shape[::-1] - 0.5
    corners = OBLIQUE.ras_from_ijk([np.where(pick, stop, start) for pick in np.ndindex(2, 2, 2)])
    np.testing.assert_allclose(low, corners.min(axis=0))
    np.testing.assert_allclose(high, corners.max(axis=0))


def test_a_drawn_sphere_has_the_volume_of_a_sphere_and_never_vanishes():
    mask = sphere_mask(np.array([3.0, 4.0, 9.0]), 8.0, OBLIQUE)
    assert mask.count * OBLIQUE.voxel_volume_mm3 == pytest.approx(4 / 3 * math.pi * 512, rel=0.02)
    np.testing.assert_allclose(mask.centroid_ras_mm(OBLIQUE), (3, 4, 9), atol=0.3)
    assert sphere_mask(np.array([3.0, 4.0, 9.0]), 0.01, OBLIQUE).count == 1


def test_groups_keep_apart_what_is_a_voxel_apart():
    cube = np.ones((2, 2, 2), bool)
    masks = (Mask(cube, (0, 0, 0)), Mask(cube, (2, 2, 2)), Mask(cube, (5, 2, 2)), Mask(cube, (9, 9, 9)))
    assert groups_that_touch(masks) == [[0, 1], [2], [3]]
    assert groups_that_touch(()) == []


def test_deeplesion_boxes_of_a_volume_are_those_of_the_masks_voxels_in_the_axial_plane():
    one, other = Mask(np.ones((3, 10, 10), bool), (0, 0, 0)), Mask(np.ones((3, 10, 10), bool), (5, 0, 2))
    apart = Mask(np.ones((3, 10, 10), bool), (5, 0, 3))
    truth = Findings.of_lesions([Lesion((0, 0, 0), 5, 1, mask=one)])
    marks = Findings.of_lesions([Lesion((0, 0, 0), 5, 1, mask=mask) for mask in (other, apart)])
    np.testing.assert_allclose(in_plane_iou(truth, marks, OBLIQUE), [[50 / 150, 0]])


def test_deeplesion_takes_a_finding_s_own_box_where_it_has_a_mask_too():
    geometry = Geometry((20, 64, 64), np.diag([0.5, 0.5, 5.0, 1.0]))
    box = ((-0.25, -0.25, -2.5), (4.75, 4.75, 2.5))  # pixels 0 to 9 of slice 0
    small = Mask(np.ones((1, 2, 2), bool), (4, 4, 0))
    truth = Findings.of_lesions([Lesion((2, 2, 0), 5, 1, box_ras_mm=box)])
    marks = Findings.of_lesions(
        [Lesion((2, 2, 0), 5, 1, box_ras_mm=box, mask=small), Lesion((2, 2, 0), 5, 1, mask=small)]
    )
    np.testing.assert_allclose(in_plane_iou(truth, marks, geometry), [[1.0, 4 / 100]])


def test_deeplesion_boxes_in_mm_are_turned_into_pixels():
    geometry = Geometry((20, 64, 64), np.diag([0.5, 0.5, 5.0, 1.0]))
    box = ((-0.25, -0.25, -2.5), (4.75, 4.75, 2.5))  # pixels 0 to 9 of slice 0
    moved = ((2.25, -0.25, -2.5), (7.25, 4.75, 2.5))  # pixels 5 to 14
    truth, marks = (Findings.of_lesions([Lesion((2, 2, 0), 5, 1, box_ras_mm=one)]) for one in (box, moved))
    assert in_plane_iou(truth, marks, geometry).item() == pytest.approx(50 / 150)
    assert DeepLesion(1 / 3 - 1e-9).match(
        ImageFindings("x", truth, marks, geometry=geometry)
    ).lesion_marks.tolist() == [0]


def test_findings_refuse_arrays_of_different_lengths():
    with pytest.raises(ValueError, match="one entry each"):
        Findings(np.zeros((2, 3)), np.zeros(2), np.zeros(1))


def test_scores_must_be_numbers():
    image = ImageFindings("x", Findings.of_points([]), Findings.of_points([(0, 0, 0)], scores=[float("nan")]))
    with pytest.raises(ValueError, match="finite score"):
        DeepLesion().match(image)
