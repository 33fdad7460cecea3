"""Vessels are lent by lung without nodules only, and nothing bright is lost."""

from __future__ import annotations

import torch
from LesionTrainingLib.learning.clutter import ClutterSettings, overlay_vessels

ALWAYS, NEVER = ClutterSettings(share=1.0), ClutterSettings(share=0.0)


def patches():
    """A nodule patch, a lung patch with one vessel voxel, a patch of chest wall."""
    hu = torch.full((3, 1, 4, 6, 6), -850.0)
    hu[0, 0, 2, 3, 3] = 40.0
    hu[1, 0, 0, 0, 1] = -100.0
    hu[2] = 60.0
    return hu, torch.tensor([1, 0, 0])


def overlaid(settings, hu, labels):
    return overlay_vessels(hu, labels, settings, torch.Generator().manual_seed(0))


def test_the_only_lender_is_lung_without_a_nodule():
    hu, labels = patches()
    result = overlaid(ALWAYS, hu, labels)
    assert result[0, 0, 3, 5, 4] == -100  # the vessel, mirrored along all axes
    assert result[0, 0, 2, 3, 3] == 40
    assert (result[0] != hu[0]).sum() == 1
    assert torch.equal(result[2], hu[2])  # brighter than the vessel everywhere


def test_without_lenders_or_chance_nothing_changes():
    hu, labels = patches()
    assert torch.equal(overlaid(NEVER, hu, labels), hu)
    assert torch.equal(overlaid(ALWAYS, hu, torch.ones(3, dtype=torch.int64)), hu)


def test_the_input_stays_as_it_was():
    hu, labels = patches()
    before = hu.clone()
    assert not torch.equal(overlaid(ALWAYS, hu, labels), before)
    assert torch.equal(hu, before)
