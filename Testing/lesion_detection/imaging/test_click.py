"""One click gives the lesion: on phantoms with exact truth, on real scans with masks, and a sentence where there is none."""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import LESION, NODULE, Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.click import ClickSettings, measure_at, measure_candidate
from scipy import ndimage
from scipy.spatial.transform import Rotation


def _phantoms():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "click_phantoms.py"
    spec = importlib.util.spec_from_file_location("click_phantoms", path)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["click_phantoms"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


phantoms = _phantoms()
phantom = functools.cache(phantoms.phantom)
dice, THICK = phantoms.dice, phantoms.THICK
COARSE = (1.2, 1.2, 2.0)
"""For lesions so large that a fine grid has millions of voxels."""


def jitter(count, reach_mm, seed=3):
    """Shifts of at most ``reach_mm``."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((count, 3))
    return steps / np.linalg.norm(steps, axis=1, keepdims=True) * reach_mm * rng.uniform(0.3, 1, (count, 1))


def full(lesion, image):
    return lesion.mask.full(image.shape_kji)


ACCURACY = [
    # kind, mm, spacing, least Dice, largest volume error, largest error of the long axis in mm
    ("solid", 4, phantoms.FINE, 0.88, 0.20, 0.8),
    ("solid", 16, phantoms.FINE, 0.97, 0.05, 0.7),
    ("solid", 30, THICK, 0.97, 0.05, 1.0),
    ("vessel", 16, phantoms.FINE, 0.92, 0.12, 4.0),
    ("pleura", 8, phantoms.FINE, 0.90, 0.18, 0.8),
    ("pleura", 24, phantoms.FINE, 0.95, 0.08, 0.8),
    ("ground-glass", 16, phantoms.FINE, 0.94, 0.08, 1.0),
    ("ground-glass", 30, THICK, 0.96, 0.05, 1.2),
    ("liver", 16, phantoms.FINE, 0.90, 0.10, 1.6),
    ("liver", 30, THICK, 0.93, 0.08, 2.0),
    ("mass", 24, phantoms.FINE, 0.96, 0.05, 1.0),
    ("pet", 20, phantoms.PET_GRID, 0.90, 0.15, 3.0),
    ("pet-hot", 30, phantoms.PET_GRID, 0.93, 0.10, 3.0),
]


@pytest.mark.parametrize(("kind", "mm", "spacing", "least_dice", "volume_error", "axis_error"), ACCURACY)
def test_phantoms_with_exact_truth(kind, mm, spacing, least_dice, volume_error, axis_error):
    scene = phantom(kind, mm, spacing)
    before = scene.image.voxels.copy()
    lesion = measure_at(scene.image, scene.seed_ras_mm)
    mask = full(lesion, scene.image)
    true_volume = scene.truth.sum() * scene.image.geometry.voxel_volume_mm3
    assert dice(mask, scene.truth) > least_dice
    assert lesion.measurements["volume_mm3"] == pytest.approx(true_volume, rel=volume_error)
    assert lesion.recist.long_mm == pytest.approx(mm, abs=axis_error)
    assert lesion.diameter_mm == lesion.recist.long_mm
    assert np.array_equal(scene.image.voxels, before)
    # The same from other points of the lesion.
    for shift in jitter(2, 0.2 * mm):
        again = measure_at(scene.image, scene.seed_ras_mm + shift)
        assert dice(full(again, scene.image), mask) > 0.93


def test_values_meaning_and_json():
    nodule = phantom("solid", 12)
    lesion = measure_at(nodule.image, nodule.seed_ras_mm)
    assert lesion.meaning == NODULE
    assert lesion.method == "click"
    assert lesion.score == 1.0
    assert lesion.measurements["mean_hu"] == pytest.approx(-60, abs=100)
    assert 30 < lesion.measurements["max_hu"] < 200
    assert lesion.note == ""
    assert np.allclose(lesion.center_ras_mm, nodule.seed_ras_mm, atol=0.3)
    again = Lesion.from_json(lesion.to_json())
    assert again.recist.long_mm == pytest.approx(lesion.recist.long_mm)
    hot = phantom("pet", 30)
    spot = measure_at(hot.image, hot.seed_ras_mm)
    assert spot.meaning == LESION
    assert spot.measurements["max_suvbw"] == pytest.approx(hot.image.voxels[hot.truth].max())
    assert 4 < spot.measurements["mean_suvbw"] < 6.5


def test_a_hotter_neighbour_is_not_taken_in():
    scene = phantom("pet-hot", 20)
    lesion = measure_at(scene.image, scene.seed_ras_mm)
    assert lesion.measurements["max_suvbw"] < 10  # the bladder has 25


def test_a_rim_of_uptake_counts_with_its_middle():
    scene = phantom("pet", 60)
    distance = ndimage.distance_transform_edt(scene.truth, sampling=scene.image.spacing_mm[::-1])
    dead = np.clip((distance - 10) / 6, 0, 1)
    image = scene.image.with_voxels(scene.image.voxels * (1 - 0.85 * dead.astype(np.float32)))
    lesion = measure_at(image, scene.seed_ras_mm)
    assert dice(full(lesion, image), scene.truth) > 0.85


def test_oblique_is_straight_turned():
    """The image turned with the patient: the same voxels are the lesion."""
    scene = phantom("vessel", 12, (0.8, 0.8, 2.5))
    straight = measure_at(scene.image, scene.seed_ras_mm + np.array([1.0, 0.5, -1.0]))
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", (14, -11, 20), degrees=True).as_matrix()
    turn[:3, 3] = (30, -20, 5)
    image = replace(scene.image, ijk_to_ras=turn @ scene.image.ijk_to_ras)
    seed = (turn @ [*(scene.seed_ras_mm + np.array([1.0, 0.5, -1.0])), 1])[:3]
    oblique = measure_at(image, seed)
    assert np.array_equal(full(oblique, image), full(straight, scene.image))
    assert oblique.recist.long_mm == pytest.approx(straight.recist.long_mm, abs=1e-6)
    assert oblique.recist.short_mm == pytest.approx(straight.recist.short_mm, abs=1e-6)
    moved = turn @ [*straight.center_ras_mm, 1]
    assert np.allclose(oblique.center_ras_mm, moved[:3], atol=1e-6)


def test_stored_in_sagittal_order_it_is_the_same_lesion():
    scene = phantom("solid", 12)
    matrix = np.array(scene.image.ijk_to_ras)
    matrix[:, :3] = matrix[:, [1, 2, 0]]
    sagittal = replace(scene.image, voxels=scene.image.voxels.transpose(2, 0, 1), ijk_to_ras=matrix)
    a, b = measure_at(scene.image, scene.seed_ras_mm), measure_at(sagittal, scene.seed_ras_mm)
    assert np.array_equal(full(b, sagittal), full(a, scene.image).transpose(2, 0, 1))
    assert b.recist.long_mm == pytest.approx(a.recist.long_mm)


def test_one_slice_gives_an_area_and_says_so():
    scene = phantom("mass", 20)
    middle = scene.image.shape_kji[0] // 2
    ni, nj = scene.image.shape_kji[2], scene.image.shape_kji[1]
    slice_ = scene.image.crop((0, 0, middle), (ni, nj, 1))
    lesion = measure_at(slice_, slice_.geometry.ras_from_ijk((ni // 2, nj // 2, 0)))
    assert dice(full(lesion, slice_)[0], scene.truth[middle]) > 0.95
    assert lesion.recist.long_mm == pytest.approx(20, abs=1.2)
    assert lesion.note == "Volume from one slice."


def test_a_lesion_at_the_edge_is_told():
    scene = phantom("solid", 20)
    middle = scene.image.shape_kji[0] // 2
    upper = scene.image.crop((0, 0, middle), (*scene.image.shape_kji[:0:-1], scene.image.shape_kji[0] - middle))
    lesion = measure_at(upper, scene.seed_ras_mm + np.array([0, 0, 2.0]))
    assert dice(full(lesion, upper), scene.truth[middle:]) > 0.88
    assert "edge of the image" in lesion.note


def test_the_largest_size_is_told():
    scene = phantom("solid", 30, COARSE)
    lesion = measure_at(scene.image, scene.seed_ras_mm, ClickSettings(largest_diameter_mm=30))
    assert "largest size of 30 mm" in lesion.note
    with pytest.raises(InputError, match=r"larger diameter|Nothing stands out"):
        measure_at(scene.image, scene.seed_ras_mm, ClickSettings(largest_diameter_mm=16))


def test_a_click_beside_a_nodule_moves_to_it():
    scene = phantom("solid", 10)
    lesion = measure_at(scene.image, scene.seed_ras_mm + np.array([8.0, 0, 0]))
    assert dice(full(lesion, scene.image), scene.truth) > 0.9
    assert "moved" in lesion.note


@pytest.mark.parametrize("kind", ["solid", "liver", "mass", "pet"])
def test_where_nothing_is_a_sentence_says_so(kind):
    """Only noise, of each scene's own strength."""
    scene = phantom(kind, 16)
    rng = np.random.default_rng(0)
    level = {"solid": (-860, 30), "liver": (110, 18), "mass": (55, 12), "pet": (0.8, 0.1)}[kind]
    grain = ndimage.gaussian_filter(rng.standard_normal(scene.image.shape_kji), 0 if kind == "pet" else 0.7)
    values = level[0] + grain / grain.std() * level[1]
    with pytest.raises(InputError, match="Nothing stands out"):
        measure_at(scene.image.with_voxels(values.astype(np.float32)), scene.seed_ras_mm)


def test_what_is_refused():
    scene = phantom("solid", 8)
    image, seed = scene.image, scene.seed_ras_mm
    with pytest.raises(UsageError, match="outside"):
        measure_at(image, seed + 500)
    with pytest.raises(UsageError, match="three finite numbers"):
        measure_at(image, (0, float("nan"), 0))
    with pytest.raises(UsageError, match="leaves nothing to measure"):
        measure_at(image, seed, ClickSettings(largest_diameter_mm=1))
    with pytest.raises(ModalityError, match="of modality MR"):
        measure_at(replace(image, modality="MR"), seed)
    with pytest.raises(ModalityError, match="does not say"):
        measure_at(replace(image, modality="", unit=""), seed)
    broken = image.voxels.astype(np.float32)
    broken[tuple(np.array(broken.shape) // 2 + 3)] = np.nan
    with pytest.raises(InputError, match="not numbers"):
        measure_at(image.with_voxels(broken), seed)
    with pytest.raises(InputError, match="the value 7"):
        measure_at(image.with_voxels(np.full(image.shape_kji, 7, np.int16)), seed)


def test_modality_follows_from_the_unit_when_it_is_missing():
    scene = phantom("solid", 8)
    lesion = measure_at(replace(scene.image, modality=""), scene.seed_ras_mm)
    assert "mean_hu" in lesion.measurements


def test_it_reports_and_can_be_cancelled():
    scene = phantom("solid", 8)
    seen = []
    measure_at(scene.image, scene.seed_ras_mm, progress=Progress(lambda fraction, text: seen.append(fraction)))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        measure_at(scene.image, scene.seed_ras_mm, progress=progress)


def test_a_seed_half_way_between_thick_slices():
    scene = phantom("solid", 20, (0.9, 0.9, 6.0))
    low, high = (scene.image.geometry.ras_from_ijk((0, 0, k)) for k in (0, 1))
    k = np.argwhere(scene.truth)[:, 0]
    middle = scene.image.geometry.ijk_from_ras(scene.seed_ras_mm)
    # Half a pixel aside as well: no voxel's centre is near.
    seed = scene.image.geometry.ras_from_ijk((np.floor(middle[0]) + 0.5, np.floor(middle[1]) + 0.5, k.min() + 0.5))
    assert np.linalg.norm(high - low) == pytest.approx(6.0)
    assert dice(full(measure_at(scene.image, seed), scene.image), scene.truth) > 0.7


def test_candidates_of_a_detector():
    scene = phantom("solid", 12)
    lesion = measure_candidate(scene.image, scene.seed_ras_mm, 10.0)
    assert dice(full(lesion, scene.image), scene.truth) > 0.95
    air = np.random.default_rng(0).normal(-860, 30, scene.image.shape_kji).astype(np.float32)
    assert measure_candidate(scene.image.with_voxels(air), scene.seed_ras_mm, 10.0) is None
    big = phantom("solid", 40, COARSE)
    assert measure_candidate(big.image, big.seed_ras_mm, 6.0) is None
    with pytest.raises(UsageError, match="no size"):
        measure_candidate(scene.image, scene.seed_ras_mm, 0.0)


def load(path, modality, unit):
    import SimpleITK as sitk

    source = sitk.ReadImage(str(path))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(source.GetDirection()).reshape(3, 3) * np.array(source.GetSpacing())
    matrix[:3, 3] = source.GetOrigin()
    return Image(sitk.GetArrayFromImage(source), np.diag([-1, -1, 1, 1]) @ matrix, modality, unit)


def seeds_in(truth, image, count):
    """The deepest voxel of the truth and others at least half as deep, RAS mm."""
    depth = ndimage.distance_transform_edt(np.pad(truth, 1), sampling=image.spacing_mm[::-1])[1:-1, 1:-1, 1:-1]
    inner = np.argwhere(depth > 0.5 * depth.max())
    chosen = [
        np.unravel_index(depth.argmax(), depth.shape),
        *inner[np.random.default_rng(0).choice(len(inner), count - 1)],
    ]
    return image.geometry.ras_from_ijk(np.array(chosen)[:, ::-1])


def test_a_real_nodule(real_data):
    """LIDC-0314: 2.075 mL where two of four readers agree."""
    image = load(real_data("lidc-0314/crop_ct.nrrd"), CT, HU)
    truth = load(real_data("lidc-0314/crop_label.nrrd"), "", "").voxels > 0
    lesions = [measure_at(image, seed) for seed in seeds_in(truth, image, 4)]
    for lesion in lesions:
        assert lesion.measurements["volume_mm3"] == pytest.approx(2075, rel=0.15)
        assert lesion.recist.long_mm == pytest.approx(15.5, abs=2.5)
        assert dice(full(lesion, image), truth) > 0.9
        assert dice(full(lesion, image), full(lesions[0], image)) > 0.98
        assert lesion.meaning == NODULE


@pytest.mark.parametrize(
    ("patient", "kind", "least_dice"),
    [
        ("STS_003", "PET", 0.84),
        ("STS_005", "PET", 0.65),
        ("STS_004", "PET", 0.55),
        ("STS_002", "CT", 0.83),
        ("STS_003", "CT", 0.85),
    ],
)
def test_real_sarcomas(real_data, patient, kind, least_dice):
    modality, unit = (PET, SUV_BW) if kind == "PET" else (CT, HU)
    image = load(real_data(f"sts-petct/{patient}/{kind}_image.nii.gz"), modality, unit)
    truth = load(real_data(f"sts-petct/{patient}/{kind}_mask.nii.gz"), "", "").voxels > 0
    for seed in seeds_in(truth, image, 3):
        assert dice(full(measure_at(image, seed), image), truth) > least_dice
