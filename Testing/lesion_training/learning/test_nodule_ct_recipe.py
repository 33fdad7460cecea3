"""The recipe learns: on small synthetic scans of bright balls (nodules) and bars (vessels), in seconds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import (
    REDUCTION_INPUT_ZYX,
    ReductionArchitecture,
    ScreeningArchitecture,
)
from LesionDetectionLib.methods.nodule_ct.regression import decode
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.case import Truth
from LesionTrainingLib.learning.augmentation.clutter import ClutterSettings
from LesionTrainingLib.learning.augmentation.intensity import IntensitySettings
from LesionTrainingLib.learning.augmentation.spatial_3d import GeometrySettings
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.randomness import stream
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.nodule_ct import mining
from LesionTrainingLib.learning.nodule_ct.batches import BatchMaker
from LesionTrainingLib.learning.nodule_ct.mining import Mined, MiningPlace, mine, mine_together
from LesionTrainingLib.learning.nodule_ct.positions import Places, PositionSampler, Samples, is_clear
from LesionTrainingLib.learning.nodule_ct.reduction_stage import ReductionTask
from LesionTrainingLib.learning.nodule_ct.scans import TrainingScan, prepare_scan
from LesionTrainingLib.learning.nodule_ct.screening_stage import ScreeningTask
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings, SamplingSettings
from LesionTrainingLib.learning.recipe import Run

WINDOW = (-1000.0, 400.0)
CPU = torch.device("cpu")
NODULE = NoduleSettings(lungs_only=False)
SMALL = RecipeSettings(
    screening=ScreeningArchitecture(widths=(4, 4, 8, 8)),
    reduction=ReductionArchitecture(trunk_widths=(4, 4, 8), widths=(8, 8), hidden=8),
    screening_stage=EngineSettings(steps=90, batch=20, learning_rate=1e-2, schedule="cosine", tensorboard=False),
    reduction_stage=EngineSettings(steps=25, batch=6, learning_rate=5e-3, schedule="cosine", tensorboard=False),
    # So few steps suffice only where all scans look alike.
    clutter=ClutterSettings(share=0.0),
    intensity=IntensitySettings(shift=5.0, contrast_range=(0.97, 1.03), share=0.1),
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
    none = np.zeros((0, 3)), np.zeros(0)
    hu = np.round(hu).astype(np.int16)
    return TrainingScan(f"synthetic-{seed}", hu, geometry, corners[:count], diameters, *none, pools)


def is_clear_grid(grid, centers, diameters, spacing):
    away = [np.linalg.norm((grid - c) * spacing, axis=-1) > d / 2 + 4 for c, d in zip(centers, diameters, strict=True)]
    return np.all(away, axis=0)


@pytest.fixture(scope="module")
def scans():
    return [synthetic_scan(seed) for seed in range(3)]


def nothing_mined(_network, _peers, _progress):
    return Mined(Places.none(), Places.none())


def screening_task(scans, settings=SMALL, seed=0, mine_some=nothing_mined):
    return ScreeningTask(scans, settings, WINDOW, seed, CPU, mine_some)


def place(scans, settings, folder):
    run = Run(folder, (), (), Cache(folder / "cache"), CPU, Processes())
    return MiningPlace(scans, NODULE, settings, run)


def fitted_weights(scans, settings, seed, folder):
    task = screening_task(scans, settings, seed)
    fit(task, settings.screening_stage, folder, CPU, Progress())
    return task.network.state_dict()


@pytest.fixture(scope="module")
def fitted(scans, tmp_path_factory):
    task = screening_task(scans)
    return fit(task, SMALL.screening_stage, tmp_path_factory.mktemp("screening"), CPU, Progress())


def test_screening_learns_and_finds_the_balls(fitted, tmp_path):
    losses = fitted.history.parts()
    assert losses[-1] < 0.5 * losses[0]
    unseen = synthetic_scan(9)
    mined = mine(place([unseen], replace(SMALL, mined_per_scan=50), tmp_path), [0], fitted.network, Progress())
    assert set(mined.proposals.nodules) == {0, 1, 2}
    assert len(mined.negatives.scans) <= 5


def test_a_scan_whose_content_changed_is_another(scans):
    first, changed = (replace(scans[0], entry=SimpleNamespace(key=key)) for key in ("a", "b"))
    identities = [screening_task([scan]).identity()["scans"] for scan in (first, changed)]
    assert identities == [["a"], ["b"]]


def test_what_was_mined_is_kept_for_a_resumed_run(fitted, scans, tmp_path, monkeypatch):
    where = place(scans, replace(SMALL, mined_per_scan=50, mining_threshold=0.1), tmp_path)
    first = mine_together(where, range(3), fitted.network, Processes(), Progress())
    mined = next((tmp_path / "mined").iterdir())
    monkeypatch.setattr(mining, "mine", lambda *_: pytest.fail("it mined again"))
    again = mine_together(where, range(3), fitted.network, Processes(), Progress())
    assert np.array_equal(first.negatives.zyx, again.negatives.zyx)
    assert np.array_equal(first.proposals.nodules, again.proposals.nodules)
    assert len(first.proposals.scans)
    monkeypatch.undo()
    mined.write_bytes(mined.read_bytes()[:50])
    damaged = mine_together(where, range(3), fitted.network, Processes(), Progress())
    assert np.array_equal(first.negatives.zyx, damaged.negatives.zyx)


def test_reduction_learns_class_and_place(fitted, scans, tmp_path):
    settings = replace(SMALL, mined_per_scan=50, mining_threshold=0.1)
    mined = mine(place(scans, settings, tmp_path), range(3), fitted.network, Progress())
    task = ReductionTask(scans, fitted.network, mined, settings, WINDOW, 0, CPU)
    again = fit(task, settings.reduction_stage, tmp_path / "reduction", CPU, Progress())
    losses = again.history.parts()
    assert losses[-1] < 0.7 * losses[0]
    assert set(again.history.records[0].values) >= {"loss/classification", "loss/localisation"}
    assert not again.network.training


def test_a_shared_trunk_stays_as_screening_has_it_and_the_rest_is_fitted(fitted, scans, tmp_path):
    shared = replace(SMALL, reduction=replace(SMALL.reduction, shared_trunk=True))
    task = ReductionTask(scans, fitted.network, nothing_mined(None, None, None), shared, WINDOW, 0, CPU)
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    fit(task, replace(SMALL.reduction_stage, steps=2), tmp_path, CPU, Progress())
    after = task.network.state_dict()
    for name, value in fitted.network.trunk.state_dict().items():
        assert torch.equal(after[f"trunk.{name}"], value), name
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"shared.0.weight", "classify.2.weight"} <= changed


def test_the_same_seed_gives_the_same_weights(scans, tmp_path):
    stage = EngineSettings(steps=3, batch=8, tensorboard=False)
    short = replace(SMALL, screening_stage=stage, mining_rounds=1)
    first, again, other = (fitted_weights(scans, short, seed, tmp_path / str(n)) for n, seed in enumerate((1, 1, 2)))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_shares_of_a_batch_are_the_batch(scans):
    """What several processes, or several passes, work on is what one works on: the same voxels, labels and targets."""
    task = screening_task(scans, replace(SMALL, clutter=ClutterSettings(share=0.5), intensity=IntensitySettings()))
    whole = task.batch(7, 10, Share())
    parts = [task.batch(7, 10, Share(index, 3)) for index in range(3)]
    for name in ("voxels", "labels", "targets"):
        joined = torch.empty_like(getattr(whole, name))
        for index, part in enumerate(parts):
            joined[index::3] = getattr(part, name)
        assert torch.allclose(joined, getattr(whole, name), atol=1e-6, equal_nan=True)
    assert not torch.equal(whole.voxels, task.batch(8, 10, Share()).voxels)


def test_mining_happens_between_the_rounds_and_is_kept_by_a_checkpoint(scans, tmp_path):
    calls = []

    def count(network, _peers, _progress):
        calls.append(network.training)
        return Mined(Places.join([(1, np.array([[5.0, 6.0, 7.0]]), None)]), Places.none())

    stage = EngineSettings(steps=9, batch=8, tensorboard=False)
    settings = replace(SMALL, screening_stage=stage, mining_rounds=3)
    task = screening_task(scans, settings, mine_some=count)
    fit(task, stage, tmp_path, CPU, Progress())
    assert calls == [False, False]
    resumed = screening_task(scans, settings, mine_some=count)
    resumed.restore(task.state())
    resumed.before_step(6, resumed.network, Processes(), Progress())
    assert len(calls) == 2
    assert np.array_equal(resumed.batch(8, 8, Share()).voxels, task.batch(8, 8, Share()).voxels)


def test_samples_are_where_they_claim(scans):
    sampling = SamplingSettings()
    sampler, random = PositionSampler(scans, sampling), stream(0, "places")
    positives = sampler.positives(200, random)
    spacing = scans[0].spacing_zyx
    away = np.linalg.norm((positives.centers_zyx - positives.nodules_zyx) * spacing, axis=1)
    # Rounding to whole voxels adds up to half a voxel along each axis.
    assert np.all(away <= sampling.shift_radii * positives.diameters_mm / 2 + np.linalg.norm(spacing) / 2)
    negatives = sampler.negatives(200, sampling.screening_negatives, random)
    assert not negatives.labels.any()
    for index, scan in enumerate(scans):
        chosen = negatives.centers_zyx[negatives.scans == index]
        assert is_clear(chosen, scan, replace(sampling, clear_mm=sampling.clear_mm - 1, clear_radii=1.3)).all()


def test_proposals_are_used_with_their_own_nodule(scans):
    sampler = PositionSampler(scans, SamplingSettings())
    place = scans[1].nodules_zyx[2] + (0, 1, -1)
    sampler.proposals = Places(np.array([1]), place[None], np.array([2]))
    drawn = sampler.positives(20, stream(0), proposed=1.0)
    assert set(drawn.scans) == {1}
    assert np.allclose(drawn.nodules_zyx, scans[1].nodules_zyx[2])
    assert np.allclose(drawn.diameters_mm, scans[1].diameters_mm[2])


def test_targets_decode_to_the_nodule_in_an_untouched_patch(scans):
    still = GeometrySettings(flip=0.0, turn=False, scale_share=0.0)
    maker = BatchMaker(scans, REDUCTION_INPUT_ZYX, WINDOW, replace(SMALL, geometry=still), 0, "test")
    samples = PositionSampler(scans, SamplingSettings()).positives(10, stream(3))
    batch = maker.make(samples, 0, Share())
    assert batch.voxels.shape == (10, 1, *REDUCTION_INPUT_ZYX)
    assert 0 <= batch.voxels.min() < batch.voxels.max() <= 1
    spacing_xyz = scans[0].spacing_zyx[::-1]
    patch_mm = np.array(REDUCTION_INPUT_ZYX[::-1]) * spacing_xyz
    at = samples.centers_zyx[:, ::-1] * spacing_xyz
    centers, diameters = decode(batch.targets.numpy().astype(float), at, patch_mm)
    assert np.allclose(centers, samples.nodules_zyx[:, ::-1] * spacing_xyz, atol=1e-4)
    assert np.allclose(diameters, samples.diameters_mm, rtol=1e-5)


def test_joining_keeps_the_order(scans):
    sampler = PositionSampler(scans, SamplingSettings())
    parts = sampler.positives(2, stream(0)), sampler.negatives(3, {"lung": 1.0}, stream(1))
    joined = Samples.join(parts)
    assert joined.labels.tolist() == [1, 1, 0, 0, 0]
    assert joined[1::2].labels.tolist() == [1, 0]


def test_scans_without_nodules_are_refused(scans):
    empty = replace(scans[0], nodules_zyx=np.zeros((0, 3)), diameters_mm=np.zeros(0))
    with pytest.raises(InputError, match="nothing to learn"):
        PositionSampler([empty], SamplingSettings())


def test_nothing_is_learned_near_an_excluded_finding(scans):
    finding = np.array([[20.0, 40.0, 40.0]])
    scan = replace(scans[0], excluded_zyx=finding, excluded_mm=np.array([10.0]))
    assert not is_clear(finding + 2, scan, SamplingSettings()).any()
    assert is_clear(finding + 2, scans[0], SamplingSettings()).all()


def test_a_scan_that_is_no_ct_of_lungs_is_refused():
    empty = Image(np.full((12, 40, 40), -1000.0), np.eye(4), CT, HU, "air")
    with pytest.raises(InputError):
        prepare_scan(empty, Truth(), NODULE, 0)
