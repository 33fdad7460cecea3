"""3D-RPET-Net is the network of the paper, sees the tumour, learns, and is judged as the features are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.radiomics.cubes import Cubes, cube_of
from LesionTrainingLib.radiomics.rpet_fitting import LearnRpet, rpet_study
from LesionTrainingLib.radiomics.rpet_net import RpetNet
from LesionTrainingLib.radiomics.settings import RPET_NET, RpetSettings, StudySettings
from radiomics_samples import ball, image_of, lesion
from torch import nn

TINY = RpetSettings(
    side=8, spacing_mm=4.0, widths=(2, 4), hidden=8, dropout=0.0, steps=12, batch=8, learning_rate=0.02, device="cpu"
)


def test_two_convolutions_a_pooling_after_each_and_two_full_layers():
    network = RpetNet(32, (16, 32), 64, 0.5)
    kinds = [type(part) for part in network.modules() if isinstance(part, (nn.Conv3d, nn.MaxPool3d, nn.Linear))]
    assert kinds == [nn.Conv3d, nn.MaxPool3d, nn.Conv3d, nn.MaxPool3d, nn.Linear, nn.Linear]
    assert network.decide[2].in_features == 32 * 8**3
    assert network.eval()(torch.zeros(3, 1, 32, 32, 32)).shape == (3,)


@settings(max_examples=10)
@given(st.tuples(*[st.integers(-5, 5)] * 3))
def test_the_tumour_is_in_the_middle_wherever_it_lies(shift):
    voxels, mask = np.full((30, 30, 30), 0.3, dtype=np.float32), ball(3.0, 30)
    voxels[mask] = 12.0
    moved = [np.roll(array, shift, (0, 1, 2)) for array in (voxels, mask)]
    first, second = cube_of(image_of(voxels), mask, TINY), cube_of(image_of(moved[0]), moved[1], TINY)
    np.testing.assert_allclose(second, first, atol=1e-6)
    np.testing.assert_allclose(first, first[::-1], atol=1e-6)
    assert first[4, 4, 4] == pytest.approx(12 / 30, rel=1e-5)
    assert first[0, 0, 0] == 0


def test_around_the_tumour_it_may_see_too_and_beyond_the_image_is_nothing():
    voxels, mask = lesion(False, 0)
    wide = replace(TINY, side=24, masked=False)
    cube = cube_of(image_of(voxels), mask, wide)
    assert cube[12, 12, 6] == pytest.approx(0.4 / 30, rel=1e-3)
    assert cube[0, 0, 0] == 0
    ct = image_of(np.full(voxels.shape, 500.0), modality=CT, unit=HU)
    assert cube_of(ct, mask, TINY).max() == pytest.approx(0.75, rel=1e-3)


@pytest.mark.parametrize(
    ("voxels", "mask", "change", "error", "words"),
    [
        (np.ones((14, 14, 14)), np.ones((2, 2, 2), dtype=bool), {}, InputError, "does not fit"),
        (np.ones((14, 14, 14)), np.zeros((14, 14, 14), dtype=bool), {}, InputError, "at least one voxel"),
        (np.full((14, 14, 14), np.nan), ball(), {}, InputError, "not numbers"),
        (np.ones((14, 14, 14)), ball(), {"unit": BQ_PER_ML}, ModalityError, "need SUVbw"),
    ],
)
def test_what_gives_no_cube_is_told(voxels, mask, change, error, words):
    with pytest.raises(error, match=words):
        cube_of(image_of(voxels, **change), mask, TINY)


def test_it_learns_and_is_judged_in_the_same_folds():
    random = np.random.default_rng(0)
    positive = np.arange(24) % 2 == 0
    values = (random.random((24, 8, 8, 8)) * 0.2 + positive[:, None, None, None] * 0.4).astype(np.float32)
    patients = tuple(f"p{number:02}" for number in range(24))
    folds = [patients[start::3] for start in range(3)]
    outcomes = dict(zip(patients, map(bool, positive), strict=True))
    asked = StudySettings(classifier=RPET_NET, permutations=0, bootstraps=50)
    study = rpet_study(Cubes(patients, values), outcomes, asked, TINY, folds=folds)
    assert [set(fold.patients) for fold in study.folds] == [set(fold) for fold in folds]
    assert study.mean_and_sd("auc")[0] > 0.9
    again = rpet_study(Cubes(patients, values), outcomes, asked, TINY, folds=folds)
    np.testing.assert_array_equal(study.probabilities, again.probabilities)


def test_a_fit_leaves_everyones_chance_as_it_was():
    before = torch.get_rng_state()
    cubes = Cubes(("a", "b", "c", "d"), np.zeros((4, 8, 8, 8), dtype=np.float32))
    LearnRpet(replace(TINY, steps=1))(cubes, np.array([True, False, True, False]), 3, Progress())
    assert torch.equal(torch.get_rng_state(), before)
