"""Over all pairs at once is what pair by pair gives, and what MIRP gives where it looks at all pairs."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.radiomics import features
from LesionTrainingLib.radiomics.autocorrelation import instead_of_mirps, moran_and_geary
from LesionTrainingLib.radiomics.settings import FeatureSettings
from mirp._features.morph_3d_data import Data3DSpatial
from radiomics_samples import image_of, lesion


def pair_by_pair(kji, values, spacing):
    deviation, weights, products, differences = values - values.mean(), 0.0, 0.0, 0.0
    for i in range(len(values)):
        for j in range(len(values)):
            if i != j:
                weight = 1 / np.linalg.norm((kji[i] - kji[j]) * spacing)
                weights += weight
                products += weight * deviation[i] * deviation[j]
                differences += weight * (values[i] - values[j]) ** 2
    n, squares = len(values), (deviation**2).sum()
    return n / weights * products / squares, (n - 1) / (2 * weights) * differences / squares


@given(
    st.integers(2, 25),
    st.tuples(*[st.integers(1, 6)] * 3),
    st.tuples(*[st.floats(0.5, 5)] * 3),
    st.integers(0, 1000),
)
def test_over_all_pairs_at_once(count, size, spacing, seed):
    random = np.random.default_rng(seed)
    places = np.argwhere(np.ones(size))
    kji = random.permutation(places)[: max(2, min(count, len(places)))] + 40
    if len(kji) < 2:
        return
    values = random.normal(size=len(kji)) + 9
    expected = pair_by_pair(kji, values, np.array(spacing))
    assert moran_and_geary(kji, values, np.array(spacing)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_where_all_is_one_value_both_are_one():
    assert moran_and_geary(np.argwhere(np.ones((2, 2, 2))), np.full(8, 3.0), np.ones(3)) == (1.0, 1.0)


def test_mirp_gives_the_same_for_a_small_lesion(monkeypatch):
    own = Data3DSpatial.compute_spatial_information
    voxels, mask = lesion(True, 5)
    asked = FeatureSettings(families=("morphology",), spacing_mm=0.0)
    found = features.features_of(image_of(voxels), mask, asked)
    assert Data3DSpatial.compute_spatial_information is own, "MIRP is as it was"
    monkeypatch.setattr(features, "instead_of_mirps", contextlib.nullcontext)
    mirps = features.features_of(image_of(voxels), mask, asked)
    assert found == pytest.approx(mirps, rel=1e-6)
    assert found["morph_moran_i"] != 1


def test_a_mirp_that_is_built_otherwise_goes_its_own_way(monkeypatch):
    monkeypatch.delattr(Data3DSpatial, "compute_spatial_information")
    with instead_of_mirps():
        assert not hasattr(Data3DSpatial, "compute_spatial_information")
