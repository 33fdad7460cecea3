"""The recipe learns: on small synthetic scans of bright balls (nodules) and bars (vessels), in seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import (
    REDUCTION_INPUT_ZYX,
    ReductionArchitecture,
    ScreeningArchitecture,
)
from LesionDetectionLib.methods.nodule_ct.regression import decode
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from LesionTrainingLib.learning.clutter import ClutterSettings
from LesionTrainingLib.learning.intensity_augmentation import IntensitySettings
from LesionTrainingLib.learning.nodule_ct.batches import BatchMaker
from LesionTrainingLib.learning.nodule_ct.fitting import make_optimizer, set_learning_rate
from LesionTrainingLib.learning.nodule_ct.mining import Mined, mine
from LesionTrainingLib.learning.nodule_ct.positions import Places, PositionSampler, Samples, is_clear
from LesionTrainingLib.learning.nodule_ct.reduction_stage import fit_reduction
from LesionTrainingLib.learning.nodule_ct.scans import TrainingScan, load_scan, save_scan
from LesionTrainingLib.learning.nodule_ct.screening_stage import fit_screening
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings, SamplingSettings, StageSettings
from LesionTrainingLib.learning.patches import GeometrySettings

WINDOW = (-1000.0, 400.0)
CPU = torch.device("cpu")
NODULE = NoduleSettings(lungs_only=False)
SMALL = RecipeSettings(
    screening=ScreeningArchitecture(widths=(4, 4, 8, 8)),
    reduction=ReductionArchitecture(trunk_widths=(4, 4, 8), widths=(8, 8), hidden=8),
    screening_stage=StageSettings(steps=60, batch=32, learning_rate=1e-2),
    reduction_stage=StageSettings(steps=25, batch=6, learning_rate=5e-3),
    # So few steps suffice only where all scans look alike.
    clutter=ClutterSettings(share=0.0),
    intensity=IntensitySettings(shift_hu=5.0, contrast_range=(0.97, 1.03), share=0.1),
)


def synthetic_scan(seed, shape=(40, 80, 80), count=3):
    """Balls of 6 to 12 mm and bars in lung, on the working grid, none near another."""
    random = np.random.default_rng(seed)
    geometry = Geometry(shape, np.diag([-0.75, -0.75, 1.25, 1.0]))
    spacing = np.array([1.25, 0.75, 0.75])
    hu = random.normal(-850, 20, shape)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    corners = random.permutation([(z, y, x) for z in (11, 28) for y in (18, 60) for x in (18, 60)]).astype(float)
    diameters = random.uniform(6, 12, count)
    for center, diameter in zip(corners, diameters, strict=False):
        hu[np.linalg.norm((grid - center) * spacing, axis=-1) < diameter / 2] = 20
    for center in corners[count:]:
        across = np.linalg.norm(((grid - center) * spacing)[..., 1:], axis=-1)
        hu[(across < 2) & (np.abs(grid[..., 0] - center[0]) < 9)] = 20
    vessels = np.argwhere((hu > -500) & is_clear_grid(grid, corners[:count], diameters, spacing)).astype(np.int16)
    lung = np.argwhere(hu < -700)[::50].astype(np.int16)
    pools = {"lung": lung, "vessel": vessels, "dense": vessels, "pleura": lung, "mimic": np.zeros((0, 3), np.int16)}
    return TrainingScan(f"synthetic-{seed}", np.round(hu).astype(np.int16), geometry, corners[:count], diameters, pools)


def is_clear_grid(grid, centers, diameters, spacing):
    away = [np.linalg.norm((grid - c) * spacing, axis=-1) > d / 2 + 4 for c, d in zip(centers, diameters, strict=True)]
    return np.all(away, axis=0)


@pytest.fixture(scope="module")
def scans():
    return [synthetic_scan(seed) for seed in range(3)]


def nothing_mined(_network, _progress):
    return Mined(Places.none(), Places.none())


@pytest.fixture(scope="module")
def fitted(scans):
    return fit_screening(scans, SMALL, WINDOW, 0, CPU, nothing_mined, Progress())


def test_screening_learns_and_finds_the_balls(fitted):
    network, losses = fitted
    assert losses[-1] < 0.5 * losses[0]
    unseen = synthetic_scan(9)
    mined = mine([unseen], [0], network, NODULE, 0.5, 50, SMALL.sampling, CPU, Progress())
    assert set(mined.proposals.nodules) == {0, 1, 2}
    assert len(mined.negatives.scans) <= 5


def test_reduction_learns_class_and_place(fitted, scans):
    screening, _ = fitted
    mined = mine(scans, range(3), screening, NODULE, 0.1, 50, SMALL.sampling, CPU, Progress())
    network, losses = fit_reduction(scans, screening, mined, SMALL, WINDOW, 0, CPU, Progress())
    assert losses[-1] < 0.7 * losses[0]
    assert not network.training


def test_the_same_seed_gives_the_same_weights(scans):
    short = replace(SMALL, screening_stage=StageSettings(steps=3, batch=8), mining_rounds=1)
    first, again, other = (
        fit_screening(scans, short, WINDOW, seed, CPU, nothing_mined, Progress())[0].state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_stops_when_cancelled(scans):
    progress = Progress(lambda fraction, _text: progress.cancel() if fraction > 0 else None)
    with pytest.raises(Cancelled):
        fit_screening(scans, SMALL, WINDOW, 0, CPU, nothing_mined, progress)


def test_mining_happens_between_the_rounds(scans):
    calls = []

    def count(network, _progress):
        calls.append(network.training)
        return Mined(Places.none(), Places.none())

    short = replace(SMALL, screening_stage=StageSettings(steps=9, batch=8), mining_rounds=3)
    fit_screening(scans, short, WINDOW, 0, CPU, count, Progress())
    assert calls == [False, False]


def test_samples_are_where_they_claim(scans):
    sampling = SamplingSettings()
    sampler = PositionSampler(scans, sampling, 0)
    positives = sampler.positives(200)
    spacing = scans[0].spacing_zyx
    away = np.linalg.norm((positives.centers_zyx - positives.nodules_zyx) * spacing, axis=1)
    # Rounding to whole voxels adds up to half a voxel along each axis.
    assert np.all(away <= sampling.shift_radii * positives.diameters_mm / 2 + np.linalg.norm(spacing) / 2)
    negatives = sampler.negatives(200, sampling.screening_negatives)
    assert not negatives.labels.any()
    for index, scan in enumerate(scans):
        chosen = negatives.centers_zyx[negatives.scans == index]
        assert is_clear(chosen, scan, replace(sampling, clear_mm=sampling.clear_mm - 1, clear_radii=1.3)).all()


def test_proposals_are_used_with_their_own_nodule(scans):
    sampler = PositionSampler(scans, SamplingSettings(), 0)
    place = scans[1].nodules_zyx[2] + (0, 1, -1)
    sampler.proposals = Places(np.array([1]), place[None], np.array([2]))
    drawn = sampler.positives(20, proposed=1.0)
    assert set(drawn.scans) == {1}
    assert np.allclose(drawn.nodules_zyx, scans[1].nodules_zyx[2])
    assert np.allclose(drawn.diameters_mm, scans[1].diameters_mm[2])


def test_targets_decode_to_the_nodule_in_an_untouched_patch(scans):
    still = GeometrySettings(flip=0.0, turn=False, scale_share=0.0)
    maker = BatchMaker(scans, REDUCTION_INPUT_ZYX, WINDOW, replace(SMALL, geometry=still), 0)
    samples = PositionSampler(scans, SamplingSettings(), 3).positives(10)
    batch = maker.make(samples)
    assert batch.voxels.shape == (10, 1, *REDUCTION_INPUT_ZYX)
    assert 0 <= batch.voxels.min() < batch.voxels.max() <= 1
    spacing_xyz = scans[0].spacing_zyx[::-1]
    patch_mm = np.array(REDUCTION_INPUT_ZYX[::-1]) * spacing_xyz
    at = samples.centers_zyx[:, ::-1] * spacing_xyz
    centers, diameters = decode(batch.targets.numpy().astype(float), at, patch_mm)
    assert np.allclose(centers, samples.nodules_zyx[:, ::-1] * spacing_xyz, atol=1e-4)
    assert np.allclose(diameters, samples.diameters_mm, rtol=1e-5)


def test_joining_keeps_the_order(scans):
    sampler = PositionSampler(scans, SamplingSettings(), 0)
    parts = sampler.positives(2), sampler.negatives(3, {"lung": 1.0})
    assert Samples.join(parts).labels.tolist() == [1, 1, 0, 0, 0]


def test_scans_without_nodules_are_refused(scans):
    empty = replace(scans[0], nodules_zyx=np.zeros((0, 3)), diameters_mm=np.zeros(0))
    with pytest.raises(InputError, match="nothing to learn"):
        PositionSampler([empty], SamplingSettings(), 0)


def test_a_scan_comes_back_from_the_cache(scans, tmp_path):
    save_scan(tmp_path / "scan", scans[0])
    back = load_scan(tmp_path / "scan")
    assert back.name == scans[0].name
    assert np.array_equal(back.hu, scans[0].hu)
    assert np.array_equal(back.nodules_zyx, scans[0].nodules_zyx)
    assert back.geometry.same_grid(scans[0].geometry)
    assert {kind: len(places) for kind, places in back.pools.items()} == {
        kind: len(places) for kind, places in scans[0].pools.items()
    }


def test_the_learning_rate_falls_along_half_a_cosine():
    stage = StageSettings(steps=100, batch=1, learning_rate=0.1, final_share=0.1, optimizer="sgd")
    optimizer = make_optimizer(torch.nn.Linear(1, 1), stage)
    rates = []
    for step in (0, 50, 100):
        set_learning_rate(optimizer, stage, step)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.1, 0.055, 0.01])
    assert optimizer.param_groups[0]["momentum"] == 0.9


def test_an_unknown_optimiser_is_told():
    with pytest.raises(UsageError, match="sgd or adam"):
        make_optimizer(torch.nn.Linear(1, 1), StageSettings(1, 1, optimizer="magic"))
