"""What training scans give the networks is what the detector gives them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.preprocessing import prepare
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.nodule_ct import scans as training_scans
from LesionTrainingLib.learning.nodule_ct.batches import BatchMaker
from LesionTrainingLib.learning.nodule_ct.positions import PositionSampler, is_clear
from LesionTrainingLib.learning.nodule_ct.scans import known_diameters, prepare_scan, prepared_for
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings, SamplingSettings

pytestmark = pytest.mark.usefixtures("phantoms_kept")

SETTINGS = NoduleSettings(spacing_mm=(1.9, 1.9, 2.7))


@pytest.fixture(scope="module")
def phantom():
    return open_cohort("phantoms:chest?seeds=1&protocol=tiny", Progress()).cases[0]


@pytest.fixture(scope="module")
def scan(phantom):
    return prepare_scan(phantom.images()[CT], phantom.truth(), SETTINGS, 0)


def test_a_training_scan_is_prepared_as_the_detector_prepares_it(phantom, scan):
    detected = prepare(phantom.images()[CT], SETTINGS)
    learned = scan.prepared(SETTINGS.window_hu)
    # Cropping before or after resampling begins the grid at another voxel, and at another fraction of one.
    assert learned.search.sum() == pytest.approx(detected.search.sum(), rel=0.02)
    inside = np.argwhere(learned.search)[::97]
    ijk = detected.geometry.ijk_from_ras(learned.geometry.ras_from_ijk(inside[:, ::-1]))
    nearest = np.round(ijk).astype(int)[:, ::-1]
    within = np.all((nearest >= 0) & (nearest < detected.search.shape), axis=1)
    assert within.mean() > 0.99
    there = detected.voxels[tuple(nearest[within].T)]
    assert np.corrcoef(there, learned.voxels[tuple(inside[within].T)])[0, 1] > 0.9
    assert detected.search[tuple(nearest[within].T)].mean() > 0.97


def test_all_that_a_network_sees_of_the_searched_places_is_there(scan):
    learned = scan.prepared(SETTINGS.window_hu)
    whole = replace(scan, search_bits=np.zeros(0, np.uint8)).prepared(SETTINGS.window_hu)
    assert whole.search.all()
    start = np.round(scan.geometry.ijk_from_ras(learned.geometry.ras_from_ijk((0, 0, 0)))).astype(int)[::-1]
    box = tuple(slice(a, a + n) for a, n in zip(start, learned.voxels.shape, strict=True))
    assert np.array_equal(whole.voxels[box], learned.voxels)
    for axis, reach in enumerate((12, 30, 30)):
        places = np.flatnonzero(learned.search.any(axis=tuple({0, 1, 2} - {axis})))
        assert places[0] >= reach or start[axis] == 0
        end = learned.search.shape[axis]
        assert end - 1 - places[-1] >= reach or start[axis] + end == scan.hu.shape[axis]


def test_metal_beyond_16_bits_stays_bright(phantom, scan):
    image = phantom.images()[CT]
    voxels = image.voxels.astype(np.int32)
    k, j, i = (n // 2 for n in voxels.shape)
    voxels[k : k + 4, j : j + 4, i : i + 4] = 60_000
    found = prepare_scan(image.with_voxels(voxels), phantom.truth(), SETTINGS, 0)
    assert found.hu.max() == 32767
    assert found.hu.min() >= scan.hu.min()


def test_a_nodule_that_is_a_point_has_no_size_to_learn_and_room_around_it(phantom):
    """Labels of a table or of a contour of one point have a diameter of 0: LUNA16's 10 mm count where a size is needed."""
    truth = phantom.truth()
    point = replace(truth.lesions[0], diameter_mm=0.0, mask=None, recist=None)
    scan = prepare_scan(phantom.images()[CT], replace(truth, lesions=(point,), excluded=(point,)), SETTINGS, 0)
    assert np.isnan(scan.diameters_mm).all()
    assert (scan.sizes_mm.tolist(), scan.excluded_sizes_mm.tolist()) == ([10.0], [10.0])
    beside = scan.nodules_zyx + np.array([[0, 8.0, 0], [0, 10.0, 0]]) / scan.spacing_zyx
    assert is_clear(beside, scan, SamplingSettings()).tolist() == [False, True]
    samples = PositionSampler([scan], SamplingSettings(shift_radii=1.0)).positives(50, np.random.default_rng(0))
    shifts = np.linalg.norm((samples.centers_zyx - scan.nodules_zyx) * scan.spacing_zyx, axis=1)
    assert 3 < shifts.max() < 5 + np.linalg.norm(scan.spacing_zyx) / 2
    batch = BatchMaker([scan], (4, 6, 6), SETTINGS.window_hu, RecipeSettings(), 0, "any").make(samples, 0, Share())
    assert batch.targets[:, 3].isnan().all()
    assert batch.targets[:, :3].isfinite().all()
    assert known_diameters([scan]) == 0


def test_scans_prepared_in_threads_come_in_their_order(scan, monkeypatch):
    monkeypatch.setattr(training_scans, "AHEAD", 2)
    scans = [replace(scan, name=str(n), hu=scan.hu + n) for n in range(6)]
    for device in ("cpu", "cuda"):  # no GPU is touched
        found = list(prepared_for(scans, (-1024.0, 3071.0), torch.device(device)))
        assert [one.name for one, _ in found] == [one.name for one in scans]
        means = [float(prepared.voxels.mean()) for _, prepared in found]
        assert means == sorted(means)
