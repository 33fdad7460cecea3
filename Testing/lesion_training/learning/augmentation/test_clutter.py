"""Vessels are lent by lung without nodules only, and nothing bright is lost."""

from __future__ import annotations

import torch
from LesionTrainingLib.learning.augmentation.clutter import ClutterSettings, Lenders, overlay_vessels

SETTINGS = ClutterSettings()


def patches():
    """A nodule patch, a lung patch with one vessel voxel, a patch of chest wall."""
    hu = torch.full((3, 1, 4, 6, 6), -850.0)
    hu[0, 0, 2, 3, 3] = 40.0
    hu[1, 0, 0, 0, 1] = -100.0
    hu[2] = 60.0
    return hu


def test_vessels_are_laid_over_mirrored():
    hu = patches()
    result = overlay_vessels(hu, hu[[1, 1, 1]], SETTINGS)
    assert result[0, 0, 3, 5, 4] == -100  # the vessel, mirrored along all axes
    assert result[0, 0, 2, 3, 3] == 40
    assert (result[0] != hu[0]).sum() == 1
    assert torch.equal(result[2], hu[2])  # brighter than the vessel everywhere


def test_a_wall_lends_nothing():
    hu = patches()
    assert torch.equal(overlay_vessels(hu, hu[[2, 2, 2]], SETTINGS), hu)


def test_the_input_stays_as_it_was():
    hu = patches()
    before = hu.clone()
    assert not torch.equal(overlay_vessels(hu, hu[[1, 1, 1]], SETTINGS), before)
    assert torch.equal(hu, before)


def draw(may_lend, share, seed=0):
    return Lenders.draw(may_lend, ClutterSettings(share=share), torch.Generator().manual_seed(seed))


def test_only_patches_without_a_lesion_lend_each_as_often():
    may_lend = torch.arange(4000) % 4 == 3
    drawn = draw(may_lend, 0.3)
    takers = drawn.takers()
    assert abs(len(takers) - 1200) < 120
    assert may_lend[drawn.lenders[takers]].all()
    first_half = (drawn.lenders[takers] < 2000).float().mean()
    assert abs(float(first_half) - 0.5) < 0.06


def test_who_lends_to_a_patch_is_the_same_in_each_part_of_a_batch():
    drawn = draw(torch.ones(10, dtype=torch.bool), 0.5)
    assert drawn[1::2].lenders.tolist() == drawn.lenders.tolist()[1::2]
    assert drawn[1::2].takers().tolist() == [n for n, lender in enumerate(drawn.lenders.tolist()[1::2]) if lender >= 0]


def test_without_lenders_or_chance_nobody_takes():
    assert len(draw(torch.zeros(5, dtype=torch.bool), 1.0).takers()) == 0
    assert len(draw(torch.ones(5, dtype=torch.bool), 0.0).takers()) == 0
    assert len(draw(torch.ones(5, dtype=torch.bool), 1.0).takers()) == 5
