"""A batch has the targets of its samples' anchors, and follows from seed and step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.slices.settings import CropSettings, SelectionSettings
from LesionTrainingLib.learning.universal_ct.batches import BatchMaker
from LesionTrainingLib.learning.universal_ct.settings import RecipeSettings
from universal_cases import TINY, made_slices

CPU = torch.device("cpu")
WHOLE = RecipeSettings(size_px=128, architecture=TINY, selection=SelectionSettings(box_margin_px=0.0))
CUT = replace(WHOLE, crop=CropSettings(64, anywhere=0.0))
EVERY = np.arange(4)


@pytest.fixture(scope="module")
def cases():
    return [made_slices(seed, WHOLE) for seed in range(4)]


def test_what_is_neither_is_not_taught(cases):
    lesion = cases[0]
    neither = replace(lesion, counted=np.zeros_like(lesion.counted))
    maker = BatchMaker([neither], WHOLE, 0, "test", CPU)
    found = maker.make(np.zeros(1, dtype=np.int64), 0, Share())
    assert not len(found.boxes[0])
    assert (found.targets.labels == -1).any()
    assert not (found.targets.labels == 1).any()


def test_targets_are_of_the_own_samples(cases):
    maker = BatchMaker(cases, CUT, 0, "test", CPU)
    whole, part = maker.make(EVERY, 3, Share()), maker.make(EVERY, 3, Share(1, 2))
    assert torch.equal(part.inputs, whole.inputs[1::2])
    assert torch.equal(part.targets.labels, whole.targets.labels[1::2])
    assert (whole.targets.labels == 1).any()
    assert not torch.equal(whole.inputs, maker.make(EVERY, 4, Share()).inputs)
