"""Samples of both projections: what is drawn, where points and masks come to lie, and that several processes share them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionTrainingLib.learning.augmentation.spatial_2d import SliceTransforms
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.pet_weak.samples import SampleMaker, draw_moves, moved_points, on_canvas
from LesionTrainingLib.learning.pet_weak.settings import VariationSettings
from pet_weak_cases import made_views, tiny

CPU = torch.device("cpu")
CASES = [made_views(seed) for seed in range(5)]
STILL = replace(tiny(), variation=VariationSettings(0.0, 0.0, 0.0, 0.0, 0.0, tiny().variation.intensity))


def maker(cases=CASES, settings=None, masks=True):
    return SampleMaker(cases, settings or tiny(), 3, "test", CPU, [one.drawn for one in cases] if masks else None)


def test_a_sample_follows_from_seed_and_step_whatever_the_share():
    patients = np.array([4, 0, 2, 1])
    whole = maker().make(patients, 7, Share())
    assert whole.inputs.shape == (8, 1, 64, 32)
    assert whole.labels.tolist() == [1, 1, 0, 0, 2, 2, 1, 1]
    parts = [maker().make(patients, 7, Share(n, 2)) for n in range(2)]
    for name in ("inputs", "points", "masks"):
        pairs = [getattr(part, name).unflatten(0, (2, 2)) for part in parts]
        expected = getattr(whole, name)
        assert torch.equal(torch.stack(pairs, dim=1).flatten(0, 2).nan_to_num(-1), expected.nan_to_num(-1))
    assert not torch.equal(whole.inputs, maker().make(patients, 8, Share()).inputs)
    assert maker(masks=False).make(patients, 7, Share()).masks is None


def test_without_changes_a_sample_is_what_the_detector_sees():
    still = replace(tiny().variation.intensity, contrast_range=(1.0, 1.0), share=0.0)
    settings = replace(STILL, variation=replace(STILL.variation, intensity=still))
    made = maker(settings=settings).make(np.array([1]), 0, Share())
    assert made.inputs[:, 0].numpy() == pytest.approx(CASES[1].suv.astype(np.float32) / 30)
    assert np.array_equal(made.masks[:, 0].numpy(), CASES[1].drawn)
    assert made.points.numpy() == pytest.approx(CASES[1].points)


def test_points_and_masks_go_where_the_tumour_goes():
    settings = replace(tiny(), variation=VariationSettings(0.3, 0.2, 0.1, mirror=0.5))
    for step in range(4):
        made = maker(settings=settings).make(np.array([0, 1, 3, 4]), step, Share())
        for mask, point in zip(made.masks[:, 0], made.points, strict=True):
            middle = mask.nonzero().float().mean(dim=0)
            assert torch.dist(middle, point) < 0.8


def test_only_the_coronal_projection_is_mirrored():
    generator = torch.Generator().manual_seed(0)
    moves = draw_moves(40, VariationSettings(0.0, 0.0, 0.0, mirror=0.5), generator)
    signs = moves.matrices[:, 1, 1].reshape(40, 2)
    assert set(signs[:, 0].tolist()) == {-1.0, 1.0}
    assert (signs[:, 1] == 1).all()
    moves = SliceTransforms.identity(2)
    moves.matrices[0, :, 1] *= -1
    points = torch.tensor([[5.0, 0.0], [5.0, 0.0]], dtype=torch.float64)
    assert moved_points(moves, points, (64, 32)).tolist() == [[5, 31], [5, 0]]


def test_larger_patients_make_a_larger_canvas():
    large = replace(CASES[0], suv=on_canvas(CASES[0].suv, (96, 32)), drawn=on_canvas(CASES[0].drawn, (96, 32)))
    large = replace(large, points=large.points + np.array([16, 0]))
    made = maker([large, CASES[0]]).make(np.array([0, 1]), 0, Share())
    assert made.inputs.shape == (4, 1, 96, 32)
    assert maker([large, CASES[0]], STILL).make(np.array([0, 1]), 0, Share()).points.reshape(2, 4).unique(
        dim=0
    ).shape == (1, 4)


def test_both_projections_of_a_patient_have_the_same_dose():
    quiet = replace(STILL.variation.intensity, share=0.0, contrast_range=(0.7, 1.3))
    settings = replace(STILL, variation=replace(STILL.variation, intensity=quiet))
    made = maker(settings=settings).make(np.array([0, 1, 2, 3]), 0, Share())
    highest = made.inputs.amax(dim=(1, 2, 3)).reshape(4, 2)
    assert torch.allclose(highest[:, 0], highest[:, 1])
    assert len(set(highest[:, 0].tolist())) == 4
