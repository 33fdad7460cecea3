"""Points that a person puts on the border: the outline goes through them, gets better there, and stays as it was elsewhere."""

from __future__ import annotations

import functools
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.imaging import click_border
from LesionDetectionLib.imaging.click import ClickSettings, measure_at
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation


def _phantoms():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "click_phantoms.py"
    spec = importlib.util.spec_from_file_location("click_phantoms_of_borders", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


phantoms = _phantoms()
phantom, dice = functools.cache(phantoms.phantom), phantoms.dice


def full(lesion, image):
    return lesion.mask.full(image.shape_kji)


def faces(mask):
    """[N, 3] (i, j, k) middles of the faces between inside and outside, in half voxels exact."""
    found = []
    for axis in range(3):
        kji = np.argwhere(np.diff(np.pad(mask, 1).astype(np.int8), axis=axis)).astype(float) - 1
        kji[:, axis] += 0.5
        found.append(kji)
    return np.concatenate(found)[:, ::-1]


def worst_place(mask, truth, image):
    """The place of the true border that lies farthest from the mask's, RAS mm: where a person would click."""
    steps = np.array(image.spacing_mm)
    true = faces(truth)
    distances, _ = cKDTree(faces(mask) * steps).query(true * steps)
    return image.geometry.ras_from_ijk(true[distances.argmax()])


def voxels_off(mask, points_ras_mm, image):
    """How many voxels the farthest of the points lies from the mask's border."""
    distances, _ = cKDTree(faces(mask)).query(image.geometry.ijk_from_ras(points_ras_mm))
    return float(np.max(distances))


@pytest.mark.parametrize(
    ("kind", "mm", "spacing", "gain"),
    [
        ("vessel", 8, phantoms.FINE, 0.01),
        ("vessel", 16, phantoms.FINE, 0.01),
        ("vessel", 16, phantoms.THICK, 0.01),
        ("pleura", 8, phantoms.FINE, 0.0),
        ("liver", 8, phantoms.FINE, 0.01),
        ("mass", 16, phantoms.FINE, 0.0),
        # What is right already to a voxel must not get much worse.
        ("solid", 8, phantoms.FINE, -0.015),
        ("solid", 30, phantoms.FINE, -0.005),
        ("ground-glass", 16, phantoms.FINE, -0.005),
        ("pet", 20, phantoms.PET_GRID, -0.03),
        ("pet-hot", 30, phantoms.PET_GRID, -0.01),
    ],
)
def test_a_click_on_the_true_border_makes_the_outline_better(kind, mm, spacing, gain):
    scene = phantom(kind, mm, spacing)
    before = full(measure_at(scene.image, scene.seed_ras_mm), scene.image)
    point = worst_place(before, scene.truth, scene.image)
    after = full(measure_at(scene.image, scene.seed_ras_mm, border_ras_mm=[point]), scene.image)
    assert dice(after, scene.truth) >= dice(before, scene.truth) + gain
    assert voxels_off(after, [point], scene.image) < 1.0


def test_a_lesion_that_was_lost_in_an_organ_comes_back_with_one_click():
    scene = phantoms.at_an_organ(10, 5)
    image, truth = scene.image, scene.truth
    before = full(measure_at(image, np.zeros(3)), image)
    assert dice(before, truth) < 0.5
    point = worst_place(before, truth, image)
    lesion = measure_at(image, np.zeros(3), border_ras_mm=[point])
    assert dice(full(lesion, image), truth) > 0.93
    assert lesion.recist.long_mm == pytest.approx(10, abs=1.5)


@pytest.mark.parametrize("overlap_mm", [3.0, 8.0])
def test_further_clicks_at_an_organ_make_it_no_worse(overlap_mm):
    scene = phantoms.at_an_organ(16, overlap_mm)
    image, truth = scene.image, scene.truth
    points, found = [], [full(measure_at(image, np.zeros(3)), image)]
    for _ in range(3):
        points.append(worst_place(found[-1], truth, image))
        found.append(full(measure_at(image, np.zeros(3), border_ras_mm=points), image))
        assert voxels_off(found[-1], points, image) < 1.5
    scores = [dice(mask, truth) for mask in found]
    assert scores[1] > scores[0] + 0.005
    assert min(scores[2:]) > scores[1] - 0.01


directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.2)


@settings(max_examples=12)
@given(
    st.sampled_from(["solid", "vessel", "liver", "pet"]), directions, st.floats(0.7, 1.5), st.floats(0, 0.2), directions
)
def test_the_outline_goes_through_the_point_wherever_it_is_put(kind, direction, share, shift, where):
    """Off the true border too: a person may see more than the program."""
    scene = phantom(kind, 24 if kind == "pet" else 14)
    seed = scene.seed_ras_mm + shift * scene.diameter_mm * np.array(where) / np.linalg.norm(where)
    point = scene.seed_ras_mm + share * scene.diameter_mm / 2 * np.array(direction) / np.linalg.norm(direction)
    mask = full(measure_at(scene.image, seed, border_ras_mm=[point]), scene.image)
    assert voxels_off(mask, [point], scene.image) < 1.5
    assert ndimage.label(mask)[1] == 1
    # The other half of the lesion is as it was.
    ijk = np.argwhere(np.ones(mask.shape, bool))[:, ::-1]
    away = (scene.image.geometry.ras_from_ijk(ijk) - scene.seed_ras_mm) @ (point - scene.seed_ras_mm) < 0
    away = away.reshape(mask.shape)
    plain = full(measure_at(scene.image, seed), scene.image)
    assert dice(mask & away, plain & away) > 0.9


@settings(max_examples=6)
@given(st.lists(directions, min_size=2, max_size=6), st.integers(0, 9))
def test_the_outline_goes_through_several_points(where, seed):
    """On an ellipsoid that is not the sphere in the image: no two of them are behind each other."""
    scene = phantom("solid", 14)
    units = np.array(where) / np.linalg.norm(where, axis=1, keepdims=True)
    axes = np.random.default_rng(seed).uniform(0.85, 1.25, 3)
    points = scene.seed_ras_mm + units * (7.0 / np.linalg.norm(units / axes, axis=1, keepdims=True))
    mask = full(measure_at(scene.image, scene.seed_ras_mm, border_ras_mm=points), scene.image)
    assert voxels_off(mask, points, scene.image) < 1.5


def test_without_points_nothing_of_this_is_asked(monkeypatch):
    scene = phantom("vessel", 12)
    plain = measure_at(scene.image, scene.seed_ras_mm)
    for name in ("pull", "bend", "nearness", "fits"):
        monkeypatch.setattr(click_border.BorderPoints, name, lambda *_: pytest.fail("border points were used"))
    for none in ((), [], np.zeros((0, 3))):
        assert measure_at(scene.image, scene.seed_ras_mm, border_ras_mm=none).to_json() == plain.to_json()


def test_turned_and_reordered_it_is_the_same_outline():
    scene = phantom("vessel", 12, (0.8, 0.8, 2.5))
    point = scene.seed_ras_mm + np.array([5.0, 2.0, 1.0])
    straight = measure_at(scene.image, scene.seed_ras_mm, border_ras_mm=[point])
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", (14, -11, 20), degrees=True).as_matrix()
    turn[:3, 3] = (30, -20, 5)
    oblique = measure_at(
        replace(scene.image, ijk_to_ras=turn @ scene.image.ijk_to_ras),
        turn[:3, :3] @ scene.seed_ras_mm + turn[:3, 3],
        border_ras_mm=[turn[:3, :3] @ point + turn[:3, 3]],
    )
    assert np.array_equal(full(oblique, scene.image), full(straight, scene.image))
    matrix = np.array(scene.image.ijk_to_ras)
    matrix[:, :3] = matrix[:, [1, 2, 0]]
    sagittal = replace(scene.image, voxels=scene.image.voxels.transpose(2, 0, 1), ijk_to_ras=matrix)
    again = measure_at(sagittal, scene.seed_ras_mm, border_ras_mm=[point])
    assert np.array_equal(full(again, sagittal), full(straight, scene.image).transpose(2, 0, 1))


def test_one_slice_takes_points_too():
    scene = phantom("mass", 20)
    middle = scene.image.shape_kji[0] // 2
    ni, nj = scene.image.shape_kji[2], scene.image.shape_kji[1]
    plane = scene.image.crop((0, 0, middle), (ni, nj, 1))
    seed = plane.geometry.ras_from_ijk((ni // 2, nj // 2, 0))
    point = seed + np.array([9.0, 9.0, 0.3])
    mask = full(measure_at(plane, seed, border_ras_mm=[point]), plane)[0]
    i, j, _ = plane.geometry.ijk_from_ras(point)
    inside, outside = np.argwhere(mask)[:, ::-1], np.argwhere(~mask)[:, ::-1]
    assert np.linalg.norm(inside - (i, j), axis=1).min() < 1.5
    assert np.linalg.norm(outside - (i, j), axis=1).min() < 1.5


def test_points_make_a_doubtful_lesion_a_note_instead_of_a_refusal():
    rng = np.random.default_rng(0)
    grain = ndimage.gaussian_filter(rng.standard_normal((60, 60, 60)), 0.7)
    image = Image((110 + 18 * grain / grain.std()).astype(np.int16), np.eye(4), CT, HU, "liver")
    seed = np.array([30.0, 30, 30])
    points = [
        seed + step for step in 8.0 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    ]
    lesion = measure_at(image, seed, border_ras_mm=points)
    assert "the outline is a guess" in lesion.note
    assert lesion.recist.long_mm == pytest.approx(16, abs=3)
    assert voxels_off(full(lesion, image), points, image) < 1.5


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(0.0, 0.0, 500.0)], r"\(0.0, 0.0, 500.0\) mm lies outside “solid”"),
        ([(25.0, 0.0, 0.0)], "25 mm from the point in the lesion, and the search ends at 20 mm. Set it nearer"),
        ([(5.0, 0.0, 0.0), (10.0, 0.5, 0.0)], "one behind the other"),
        ([(0.2, -0.3, 0.15)], "the point in the lesion itself"),
        ([(1.0, 2.0)], "three finite numbers"),
        ([(float("nan"), 0.0, 0.0)], "three finite numbers"),
        ((1.0, 2.0, 3.0), "three finite numbers"),
    ],
)
def test_points_that_no_outline_can_go_through_are_refused_with_the_reason(points, words):
    scene = phantom("solid", 10)
    with pytest.raises(UsageError, match=words):
        measure_at(scene.image, (0.2, -0.3, 0.15), ClickSettings(largest_diameter_mm=40), border_ras_mm=points)


def test_a_real_nodule_keeps_its_size_with_points_on_its_border(real_data):
    """LIDC-0314: what readers drew beyond the surface are spicules; a click on the farthest tip must not blow it up."""
    import SimpleITK as sitk

    def load(name):
        source = sitk.ReadImage(str(real_data(f"lidc-0314/{name}")))
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(source.GetDirection()).reshape(3, 3) * np.array(source.GetSpacing())
        matrix[:3, 3] = source.GetOrigin()
        return sitk.GetArrayFromImage(source), np.diag([-1, -1, 1, 1]) @ matrix

    voxels, matrix = load("crop_ct.nrrd")
    truth = load("crop_label.nrrd")[0] > 0
    image = Image(voxels, matrix, CT, HU)
    depth = ndimage.distance_transform_edt(truth, sampling=image.spacing_mm[::-1])
    seed = image.geometry.ras_from_ijk(np.unravel_index(depth.argmax(), depth.shape)[::-1])
    before = full(measure_at(image, seed), image)
    point = worst_place(before, truth, image)
    after = full(measure_at(image, seed, border_ras_mm=[point]), image)
    assert dice(after, truth) > dice(before, truth) - 0.01
    assert voxels_off(after, [point], image) < 1.5
