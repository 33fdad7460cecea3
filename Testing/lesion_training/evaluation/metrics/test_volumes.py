"""autoPET's volumes against a plain loop over components, and figures made with its component library."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.volumes import whole_image_scores

PAIRS = hnp.arrays(bool, st.tuples(st.just(2), *[st.integers(1, 5)] * 3))
NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, step)) <= 2]


def plain_components(mask):
    """Sets of voxels that hang together over faces and edges, by walking from voxel to voxel."""
    left = {tuple(int(n) for n in place) for place in np.argwhere(mask)}
    components = []
    while left:
        edge = [left.pop()]
        component = set(edge)
        while edge:
            place = edge.pop()
            for step in NEIGHBOURS:
                other = tuple(a + b for a, b in zip(place, step, strict=True))
                if other in left:
                    left.remove(other)
                    component.add(other)
                    edge.append(other)
        components.append(component)
    return components


@settings(deadline=None)
@given(PAIRS)
def test_against_a_plain_loop(pair):
    predicted, true = pair
    found = whole_image_scores(predicted, true, (10, 10, 10))  # a voxel is a millilitre
    for mask, other, volume, count, every in (
        (predicted, true, found.false_positive_ml, found.false_positives, found.predicted),
        (true, predicted, found.false_negative_ml, found.false_negatives, found.lesions),
    ):
        components = plain_components(mask)
        alone = [component for component in components if not any(other[place] for place in component)]
        assert (count, every) == (len(alone), len(components))
        assert volume == pytest.approx(sum(map(len, alone)))


def test_figures_of_the_component_library():
    """cc3d with connectivity 18, component by component, as the challenge's script does it."""
    random = np.random.default_rng(3)
    predicted, true = random.random((24, 30, 28)) < 0.03, random.random((24, 30, 28)) < 0.03
    found = whole_image_scores(predicted, true, (10, 10, 10))
    assert (found.false_positive_ml, found.false_positives, found.predicted) == (pytest.approx(607), 456, 471)
    assert (found.false_negative_ml, found.false_negatives, found.lesions) == (pytest.approx(586), 457, 472)
    assert found.dice == pytest.approx(2 * 15 / (635 + 615))


def test_by_hand():
    predicted, true = np.zeros((6, 10, 10), bool), np.zeros((6, 10, 10), bool)
    true[1:3, 1:3, 1:3] = True  # found in part: 8 voxels
    predicted[2:4, 2:4, 2:4] = True  # 8 voxels, 1 in common
    true[4, 7, 7] = True  # missed: 1 voxel
    predicted[0, 8, 8] = predicted[1, 9, 8] = True  # false: 2 voxels that share an edge
    predicted[5, 0, 0] = predicted[4, 1, 1] = True  # false: two that share a corner only
    found = whole_image_scores(predicted, true, (2.0, 4.0, 5.0))  # 0.04 mL a voxel
    assert found.dice == pytest.approx(2 * 1 / (9 + 12))
    assert found.false_positive_ml == pytest.approx(4 * 0.04)
    assert found.false_negative_ml == pytest.approx(0.04)
    assert (found.false_positives, found.false_negatives, found.predicted, found.lesions) == (3, 1, 4, 2)


def test_empty_masks():
    empty, full = np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)
    nothing = whole_image_scores(empty, empty, (1, 1, 1))
    assert np.isnan(nothing.dice)
    assert (nothing.false_positive_ml, nothing.false_negative_ml) == (0, 0)
    only_false = whole_image_scores(full, empty, (10, 10, 10))
    assert np.isnan(only_false.dice)
    assert only_false.false_positive_ml == pytest.approx(27)
    missed = whole_image_scores(empty, full, (10, 10, 10))
    assert (missed.dice, missed.false_positive_ml) == (0, 0)
    assert missed.false_negative_ml == pytest.approx(27)


def test_grids_that_differ_are_refused():
    with pytest.raises(InputError, match="one grid"):
        whole_image_scores(np.ones((2, 2, 2)), np.ones((2, 2, 3)), (1, 1, 1))
    with pytest.raises(InputError, match="3 lengths"):
        whole_image_scores(np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1))


def test_real_tumours(real_data):
    """Each patient's tumour scored against itself moved out of the way: all of it is missed and all is false."""
    import SimpleITK as sitk

    for patient in range(1, 7):
        image = sitk.ReadImage(str(real_data(f"sts-petct/STS_00{patient}/PET_mask.nii.gz")), sitk.sitkUInt8)
        mask = sitk.GetArrayFromImage(image) > 0
        volume = mask.sum() * np.prod(image.GetSpacing()) / 1000
        assert whole_image_scores(mask, mask, image.GetSpacing()[::-1]).dice == 1
        away = np.concatenate([mask, np.zeros_like(mask)]), np.concatenate([np.zeros_like(mask), mask])
        found = whole_image_scores(*away, image.GetSpacing()[::-1])
        assert found.dice == 0
        assert found.false_positive_ml == pytest.approx(volume)
        assert found.false_negative_ml == pytest.approx(volume)
