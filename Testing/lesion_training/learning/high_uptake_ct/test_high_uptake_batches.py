"""Patches are what the detector sees around a pixel; varied, they keep their voxels; parts of a batch are the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from high_uptake_samples import made_slices
from LesionDetectionLib.methods.high_uptake_ct.patches import patches_at
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings
from LesionDetectionLib.methods.intensities import scaled
from LesionTrainingLib.learning.augmentation.intensity import IntensitySettings
from LesionTrainingLib.learning.engine.randomness import stream
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.high_uptake_ct.batches import BatchMaker
from LesionTrainingLib.learning.high_uptake_ct.places import Places, PlaceSampler
from LesionTrainingLib.learning.high_uptake_ct.settings import SamplingSettings, VariationSettings

CPU = torch.device("cpu")
METHOD = HighUptakeSettings()


@pytest.fixture(scope="module")
def cases():
    return [made_slices(1, shape=(90, 100)), made_slices(2)]


def maker(cases, variation=None, method=METHOD):
    return BatchMaker(cases, method, variation or VariationSettings(), 0, "test", CPU)


def places_of(cases, count=24, seed=0):
    sampler = PlaceSampler(cases, SamplingSettings())
    return sampler.draw(np.arange(count) % 2, stream(seed))


@pytest.mark.parametrize("method", [METHOD, HighUptakeSettings(normalisation="16-bit")])
def test_patches_are_what_the_detector_sees(cases, method):
    places = places_of(cases)  # most of them reach beyond their slice
    batch = maker(cases, method=method).make(places, 0, Share())
    assert batch.patches.shape == (24, 5, 75, 75)
    assert batch.labels.tolist() == [0, 1] * 12
    for n, (case, index, row, column, _) in enumerate(zip(*vars(places).values(), strict=True)):
        stack = scaled(cases[case].stack(index), method.unit_window_hu)
        assert torch.allclose(batch.patches[n], patches_at(stack, np.array([[row, column]]))[0], atol=1e-6)


def test_flips_and_turns_keep_the_voxels_and_the_middle(cases):
    places = places_of(cases, 64)
    still = maker(cases).make(places, 3, Share()).patches
    moved = maker(cases, VariationSettings(flip=0.5, turn=True)).make(places, 3, Share()).patches
    assert torch.equal(moved[:, 2, 37, 37], still[:, 2, 37, 37])
    assert torch.allclose(moved.flatten(1).sort().values, still.flatten(1).sort().values)
    ways = [
        lambda patch, z=z, y=y, turn=turn: np.rot90(patch[::z, ::y], turn, (1, 2))
        for z in (1, -1)
        for y in (1, -1)
        for turn in range(4)
    ]
    found = [
        next(n for n, way in enumerate(ways) if np.array_equal(way(a.numpy()), b.numpy()))
        for a, b in zip(still, moved, strict=True)
    ]
    assert len(set(found)) == len(ways)  # 64 patches meet all of 16
    assert torch.equal(moved, maker(cases, VariationSettings(flip=0.5, turn=True)).make(places, 3, Share()).patches)
    assert not torch.equal(moved, maker(cases, VariationSettings(flip=0.5, turn=True)).make(places, 4, Share()).patches)


def test_shares_of_a_batch_are_the_batch(cases):
    variation = VariationSettings(0.5, True, replace(IntensitySettings(), share=0.7))
    places, making = places_of(cases, 10), maker(cases, variation)
    whole = making.make(places, 7, Share())
    for index in range(3):
        part = making.make(places, 7, Share(index, 3))
        assert torch.allclose(part.patches, whole.patches[index::3], atol=1e-6)
        assert torch.equal(part.labels, whole.labels[index::3])
    assert not torch.equal(whole.patches, maker(cases).make(places, 7, Share()).patches)


def test_intensity_is_varied_in_hounsfield_units(cases):
    dark = Places(*(np.array([value]) for value in (0, 0, 45, 50, 0)))
    shifted = VariationSettings(intensity=IntensitySettings(shift=100.0, contrast_range=(1.0, 1.0), share=0.0))
    before = maker(cases).make(dark, 0, Share()).patches
    after = maker(cases, shifted).make(dark, 0, Share()).patches
    inside = (before > 0) & (after > 0)
    steps = (after - before)[inside] * 4095
    assert steps.std() < 0.01
    assert abs(float(steps.mean())) > 1


def test_nothing_to_make_is_nothing(cases):
    none = places_of(cases)[:0]
    assert maker(cases).make(none, 0, Share()).patches.shape == (0, 5, 75, 75)
