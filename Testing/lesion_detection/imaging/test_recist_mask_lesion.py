"""From two lines in the patient to a lesion in 3D, in any orientation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Recist
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.recist_lines import key_slice, recist_from_lines
from LesionDetectionLib.imaging.recist_mask import ELLIPSE, GRABCUT, recist_lesion
from scipy.spatial.transform import Rotation

SPACING = (0.9, 0.9, 2.0)
SHAPE = (19, 44, 46)
CENTER_IJK = np.array([22.3, 21.6, 9.0])
RADIUS_MM = 9.0


def ball(inside=40.0, around=-850.0, noise=10.0, turn=(0, 0, 0), vessel=False, **changes):
    """An image in axial order (turned by ``turn`` degrees) with a ball; its true mask, and its diameters."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() @ np.diag([-1.0, -1.0, 1.0]) * SPACING
    matrix[:3, 3] = (20.0, 15.0, -300.0)
    k, j, i = np.indices(SHAPE)
    offsets = (np.stack([i, j, k], axis=-1) - CENTER_IJK) * SPACING
    truth = np.linalg.norm(offsets, axis=-1) < RADIUS_MM
    values = np.where(truth, inside, around)
    if vessel:  # runs on up and down from the middle
        values[np.hypot(offsets[..., 0], offsets[..., 1]) < 2.5] = inside
    values = values + np.random.default_rng(0).normal(0, noise, SHAPE)
    image = Image(values.astype(np.float32), matrix, **{"modality": "CT", "unit": "HU", "name": "ball", **changes})
    reach = RADIUS_MM / SPACING[0]
    ends = CENTER_IJK + np.array([[-1, 0, 0], [1, 0, 0], [0, -0.95, 0], [0, 0.95, 0]]) * reach
    points = [tuple(map(float, p)) for p in image.geometry.ras_from_ijk(ends)]
    return image, truth, Recist((points[0], points[1]), (points[2], points[3]))


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize("way", [GRABCUT, ELLIPSE])
def test_the_mask_is_carried_to_the_neighbouring_slices(way):
    image, truth, recist = ball()
    lesion = recist_lesion(image, recist, way)
    assert dice(lesion.mask.full(SHAPE), truth) > 0.9
    assert lesion.recist == recist
    assert lesion.diameter_mm == recist.long_mm
    assert lesion.measurements["volume_mm3"] == pytest.approx(truth.sum() * math.prod(SPACING), rel=0.15)
    flat = recist_lesion(image, recist, way, carry=False)
    assert flat.mask.voxels.shape[0] == 1
    assert np.array_equal(flat.mask.full(SHAPE)[9], lesion.mask.full(SHAPE)[9])


@pytest.mark.parametrize("way", [GRABCUT, ELLIPSE])
@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_an_image_that_lies_otherwise_has_the_same_lesion(axes, way):
    image, _, recist = ball(turn=(8, -5, 4))
    straight = recist_lesion(image, recist, way).mask.full(SHAPE)
    # The same voxels in another order of axes, two of them flipped.
    voxels = image.voxels.transpose(axes)[::-1, :, ::-1]
    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1
    for new, old in enumerate(axes):
        sign = -1.0 if new in (0, 2) else 1.0
        to_old[2 - old, 2 - new] = sign
        to_old[2 - old, 3] = SHAPE[old] - 1 if sign < 0 else 0
    other = Image(voxels, image.ijk_to_ras @ to_old, "CT", "HU", "other")
    assert np.array_equal(to_axial(other).voxels, image.voxels)
    found = recist_lesion(other, recist, way)
    assert np.array_equal(found.mask.full(other.shape_kji), straight.transpose(axes)[::-1, :, ::-1])


def test_it_does_not_run_away_along_a_vessel():
    image, _truth, recist = ball(vessel=True)
    slices = np.flatnonzero(recist_lesion(image, recist, GRABCUT).mask.full(SHAPE).any(axis=(1, 2)))
    height = (slices[-1] - slices[0]) * SPACING[2]
    assert 2 * RADIUS_MM - 4 <= height <= 1.5 * 2 * RADIUS_MM


def test_it_ends_where_the_lesion_does():
    image, _, recist = ball()
    voxels = np.array(image.voxels)
    voxels[11:] = -850
    found = recist_lesion(image.with_voxels(voxels), recist, GRABCUT).mask.full(SHAPE)
    assert found[10].any()
    assert not found[11:].any()
    assert found[7].any()


def test_where_grabcut_loses_the_lesion_next_to_its_slice_an_ellipsoid_goes_on():
    image, truth, recist = ball()
    voxels = np.array(image.voxels)
    voxels[:9] = voxels[10:] = -850
    broken = image.with_voxels(voxels)
    lesion = recist_lesion(broken, recist)
    assert "GrabCut lost the lesion there" in lesion.note
    assert dice(lesion.mask.full(SHAPE), truth) > 0.9
    assert recist_lesion(broken, recist, GRABCUT).mask.voxels.shape[0] == 1  # what was asked for is done


def test_where_nothing_stands_out_it_is_an_ellipsoid_with_the_reason():
    image, _, recist = ball(inside=55, around=50, noise=15)
    lesion = recist_lesion(image, recist)
    assert "The ellipse is used" in lesion.note
    assert "HU at a noise of" in lesion.note
    third_mm = (recist.long_mm + recist.short_mm) / 2
    volume = math.pi / 6 * recist.long_mm * recist.short_mm * third_mm
    assert lesion.measurements["volume_mm3"] == pytest.approx(volume, rel=0.1)


def test_a_single_slice_gives_what_one_slice_can():
    image, truth, recist = ball()
    one = image.crop((0, 0, 9), (SHAPE[2], SHAPE[1], 1))
    lesion = recist_lesion(one, recist)
    assert dice(lesion.mask.full(one.shape_kji)[0], truth[9]) > 0.95
    assert "Volume from one slice." in lesion.note


def test_the_unit_is_the_images_and_other_images_than_ct_are_told():
    image, _, recist = ball(inside=6.0, around=1.0, noise=0.3, modality="PT", unit="SUVbw")
    lesion = recist_lesion(image, recist)
    assert "SUVbw" in lesion.note
    assert "HU" not in lesion.note
    assert "look at the outline" in lesion.note
    assert "GrabCut is used" in lesion.note


coordinate = st.floats(-60, 60)
position = st.tuples(coordinate, coordinate, coordinate)


@given(center=position, length=st.floats(2, 60), share=st.floats(0.2, 0.95), at=st.floats(0.1, 0.9), turn=position)
@settings(max_examples=30)
def test_the_longer_line_is_the_long_diameter_however_they_are_given(center, length, share, at, turn):
    frame = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    long = np.array(center) + np.outer((-0.5, 0.5), frame[0]) * length
    middle = long[0] + at * (long[1] - long[0])
    short = middle + np.outer((-at, 1 - at), frame[1]) * length * share
    found = recist_from_lines(long, short)
    assert found == recist_from_lines(short.tolist(), long.tolist())
    assert found.long_mm == pytest.approx(length)
    assert found.short_mm == pytest.approx(length * share)
    assert found.long_axis_ras_mm[0] == pytest.approx(tuple(long[0]))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([[0, 0, 0], [20, 0, 0]], [[5, 9, 0], [5, 21, 0]], "do not cross"),
        ([[0, 0, 0], [20, 0, 0]], [[10, -5, 8], [10, 5, 8]], "do not cross"),
        ([[0, 0, 0], [20, 0, 0]], [[0, 1, 0], [20, 2, 0]], "along each other"),
        ([[0, 0, 0], [20, 0, 0]], [[10, 3, 0], [10, 3, 0]], "length of 0"),
        ([[0, 0, 0], [20, 0, math.inf]], [[10, -3, 0], [10, 3, 0]], "finite"),
        ([[0, 0, 0]], [[10, -3, 0], [10, 3, 0]], "two ends"),
    ],
)
def test_lines_that_are_no_diameters_are_refused_in_words(first, second, words):
    with pytest.raises(UsageError, match=words):
        recist_from_lines(first, second)


def test_the_key_slice_is_the_nearest_one_and_lines_through_several_are_refused():
    image, _, recist = ball(turn=(3, 0, 0))
    key = key_slice(image, recist)
    assert key.k == 9
    assert key.diameters.ends[:2] == pytest.approx(np.array([[12.3, 21.6], [32.3, 21.6]]))
    tilted = image.geometry.ras_from_ijk(CENTER_IJK + np.array([[-9, 0, -1.2], [9, 0, 1.2], [0, -8, 0], [0, 8, 0]]))
    with pytest.raises(UsageError, match=r"not lie in one axial slice: an end is 2\.4 mm off"):
        key_slice(image, recist_from_lines(tilted[:2], tilted[2:]))
    away = image.geometry.ras_from_ijk(CENTER_IJK + np.array([[-40, 0, 0], [9, 0, 0], [0, -8, 0], [0, 8, 0]]))
    with pytest.raises(UsageError, match="mm, outside “ball”"):
        key_slice(image, recist_from_lines(away[:2], away[2:]))


def test_a_real_nodule_is_carried_well(real_data):
    from LesionDetectionLib.core.lesion import Mask
    from LesionDetectionLib.imaging.recist import recist_of_mask
    from LesionDetectionLib.io.files import read_image

    image, label = (read_image(real_data(f"lidc-0314/crop_{name}.nrrd")) for name in ("ct", "label"))
    truth = label.voxels > 0
    recist = recist_of_mask(Mask.from_full(truth), image.geometry)
    assert dice(recist_lesion(image, recist).mask.full(image.shape_kji), truth) > 0.9
