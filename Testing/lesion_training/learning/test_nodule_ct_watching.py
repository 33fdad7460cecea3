"""What is watched while a network is fitted: other scans, the same patches, and no weight is changed by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import (
    SCREENING_INPUT_ZYX,
    ReductionArchitecture,
    ScreeningArchitecture,
)
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.history import VALIDATION
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.nodule_ct import watching
from LesionTrainingLib.learning.nodule_ct.mining import Mined
from LesionTrainingLib.learning.nodule_ct.positions import Places
from LesionTrainingLib.learning.nodule_ct.scans import TrainingScan
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings
from LesionTrainingLib.learning.nodule_ct.stages import Stages
from LesionTrainingLib.learning.nodule_ct.watching import PATCHES, Watched
from LesionTrainingLib.learning.recipe import Run

SETTINGS = RecipeSettings(
    screening=ScreeningArchitecture(widths=(2, 2, 4, 4)),
    reduction=ReductionArchitecture(trunk_widths=(2, 2, 4), widths=(4, 4), hidden=4),
    screening_stage=EngineSettings(steps=4, batch=6, tensorboard=False),
    reduction_stage=EngineSettings(steps=4, batch=4, tensorboard=False),
    mining_rounds=1,
)
CPU = torch.device("cpu")


def scan(seed, nodules=1):
    """A bright ball of 10 mm in noise."""
    hu = np.random.default_rng(seed).normal(-850, 20, (30, 64, 64))
    z, y, x = np.indices(hu.shape)
    hu[((z - 15) * 1.25) ** 2 + ((y - 20) * 0.75) ** 2 + ((x - 20) * 0.75) ** 2 < 25] = 40
    places = np.argwhere(hu > -2000)[::97].astype(np.int16)
    pools = dict.fromkeys(("lung", "vessel", "dense", "pleura"), places) | {"mimic": np.zeros((0, 3), np.int16)}
    geometry = Geometry(hu.shape, np.diag([-0.75, -0.75, 1.25, 1.0]))
    centers, none = np.array([[15.0, 20, 20]])[:nodules], np.zeros((0, 3))
    return TrainingScan(
        f"scan {seed}", hu.round().astype(np.int16), geometry, centers, np.full(nodules, 10.0), none, np.zeros(0), pools
    )


@pytest.fixture
def watched():
    """``watched(scans)`` for the screening stage."""

    def make(scans):
        kinds = SETTINGS.sampling.screening_negatives
        return Watched(scans, SCREENING_INPUT_ZYX, kinds, SETTINGS, (-1200.0, 600.0), 3, "screening", CPU)

    return make


def bright(voxels):
    """Logits that say nodule where the patch's middle is bright."""
    middle = voxels[:, 0, 5, 15, 15]
    return torch.stack([torch.zeros_like(middle), 40 * (middle - 0.5)], dim=1)


def test_a_good_network_scores_well_and_one_that_knows_nothing_in_the_middle(watched):
    one = watched([scan(1)])
    assert one.measure(bright)["AUC"] > 0.9
    blind = one.measure(lambda voxels: torch.zeros(len(voxels), 2))
    assert blind == {"loss": pytest.approx(np.log(2)), "AUC": 0.5}
    wrong = one.measure(lambda voxels: bright(voxels).flip(1))
    assert wrong["AUC"] < 0.1
    assert wrong["loss"] > one.measure(bright)["loss"]


def test_the_patches_are_the_same_each_time(watched):
    seen = []
    one = watched([scan(1), scan(2)])
    for _ in range(2):
        one.measure(lambda voxels: seen.append(voxels.clone()) or torch.zeros(len(voxels), 2))
    half = len(seen) // 2
    assert sum(len(part) for part in seen[:half]) == PATCHES
    for first, again in zip(seen[:half], seen[half:], strict=True):
        assert torch.equal(first, again)


@pytest.mark.parametrize("scans", [[], [scan(1, nodules=0)]], ids=["no scans", "no nodules"])
def test_there_may_be_nothing_to_watch(watched, scans):
    assert watched(scans).measure(bright) == {}


def test_looking_changes_no_weight(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "PATCHES", 16)
    weights = []
    for every in (0, 2):
        folder = tmp_path / str(every)
        run = Run(folder, (), (), Cache(folder / "cache"), CPU, Processes())
        look = {
            name: replace(getattr(SETTINGS, name), validate_every=every)
            for name in ("screening_stage", "reduction_stage")
        }
        stages = Stages(run, replace(SETTINGS, **look), [scan(1)], [scan(2)])
        screening = stages.screening(Progress())
        reduction = stages.reduction(screening.network, Mined(Places.none(), Places.none()), Progress())
        weights.append([*screening.network.parameters(), *reduction.network.parameters()])
        for stage in (screening, reduction):
            looks = stage.fitted.history.of_kind(VALIDATION)
            assert [record.step for record in looks] == ([2, 4] if every else [])
            assert all(set(record.values) == {"loss", "AUC"} for record in looks)
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
