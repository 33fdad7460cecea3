"""Two scans of one patient: a known rigid move is found again, and what cannot be aligned is refused with the reason."""

from __future__ import annotations

import builtins
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, DependencyError, InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging import alignment
from LesionDetectionLib.imaging.alignment import GIVEN, NONE, RIGID, Alignment, align
from scipy import ndimage
from scipy.spatial.transform import Rotation

SPACING = (4.0, 4.0, 4.0)


def body(seed=0, slices=84, modality=CT):
    """A trunk with two unlike lungs, a heart, a spine and organs at random places; on a table."""
    shape = (slices, 70, 96)
    z, y, x = (np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) - 1) / 2).transpose(3, 0, 1, 2) * 4.0
    random = np.random.default_rng(seed)

    def ball(center, radii):
        return sum(((c - m) / r) ** 2 for c, m, r in zip((x, y, z), center, radii, strict=True)) < 1

    inside = (x / 160) ** 2 + (y / 105) ** 2 < 1
    values = np.full(shape, -1000.0)
    values[inside] = -80
    values[(x / 150) ** 2 + (y / 95) ** 2 < 1] = 40
    values[ball((-75, -5, 60), (55, 70, 95)) | ball((70, 5, 75), (50, 65, 90))] = -850
    values[ball((20, -35, 30), (45, 40, 45))] = 50
    values[np.hypot(x - 3, y - 70) < 20] = 250 - 200 * (np.sin(z[np.hypot(x - 3, y - 70) < 20] / 5) > 0.6)
    for _ in range(14):
        center = random.uniform((-110, -60, -150), (110, 60, -20))
        values[ball(center, random.uniform(12, 35, 3)) & inside] = random.uniform(-100, 200)
    values[(np.abs(y - 112) < 4) & (np.abs(x) < 150)] = 100
    values += random.normal(0, 15, shape)
    matrix = np.diag([-4.0, -4.0, 4.0, 1.0])
    matrix[:3, 3] = (190, 138, -600)
    if modality == PET:
        return Image(np.clip((values + 1000) / 250, 0, None).astype(np.float32), matrix, PET, SUV_BW, "uptake")
    return Image(values.astype(np.int16), matrix, CT, HU, "trunk")


def rigid(angles, shift, about=(0.0, 0.0, -430.0)):
    """Turned about the middle of the trunk, then shifted."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix[:3, 3] = np.array(about) + shift - matrix[:3, :3] @ about
    return matrix


def slab(image, first=12, last=-12):
    """Some slices of a scan: the patient goes on beyond them."""
    last = last if last > 0 else image.shape_kji[0] + last
    return image.crop((0, 0, first), (*image.shape_kji[:0:-1], last - first))


def taken_again(patient, move, first=12, last=-12, seed=1):
    """The patient moved, with other noise; as a straight scan about the same part, not as a turned grid."""
    cut = slab(patient, first, last)
    grid = np.array(cut.ijk_to_ras)
    middle = cut.geometry.ras_from_ijk((np.array(cut.shape_kji[::-1]) - 1) / 2)
    grid[:3, 3] += Alignment(move).apply(middle) - middle
    back = patient.geometry.ras_to_ijk @ np.linalg.inv(move) @ grid
    values = ndimage.affine_transform(
        patient.voxels.astype(np.float32),
        back[:3, :3][::-1, ::-1],
        back[:3, 3][::-1],
        cut.shape_kji,
        order=1,
        mode="constant",
        cval=float(patient.voxels.min()),
    )
    values += np.random.default_rng(seed).normal(0, 0.01 * np.ptp(patient.voxels), values.shape)
    return replace(cut, voxels=values.astype(np.float32), ijk_to_ras=grid, name="later")


def error_mm(found, truth, image):
    """[200] how far places in the body come from where they should be."""
    ends = np.array(image.shape_kji[::-1]) - 1
    places = image.geometry.ras_from_ijk(np.random.default_rng(0).uniform(0.2, 0.8, (200, 3)) * ends)
    return np.linalg.norm(found.apply(places) - Alignment(truth).apply(places), axis=1)


@pytest.fixture(scope="module")
def patient():
    return body()


@pytest.fixture(scope="module")
def trunk(patient):
    return slab(patient)


@pytest.mark.parametrize(
    ("angles", "shift", "first", "last"),
    [
        ((3, -4, 6), (20, -15, 300), 12, -12),
        ((-5, 4, -8), (-30, 25, -900), 14, 56),
        ((2, 2, 10), (5, 40, 77), 36, -12),
    ],
)
def test_a_known_move_is_found_again(patient, trunk, angles, shift, first, last):
    truth = rigid(angles, shift)
    found = align(trunk, taken_again(patient, truth, first, last))
    assert found.kind == RIGID
    assert error_mm(found, truth, trunk).max() < 4.0  # one voxel of the grid that it works on
    assert found.correlation > 0.9
    assert found.overlap > 0.7
    assert found.disagreement_mm < 3.0
    assert found.turn_degrees == pytest.approx(Rotation.from_matrix(truth[:3, :3]).magnitude() * 180 / np.pi, abs=1.0)
    assert "turned by" in found.in_words()


def test_a_scan_in_another_order_of_its_axes_is_the_same_scan(trunk):
    """Nothing is mirrored or swapped on the way to the straight grid."""
    matrix = np.array(trunk.ijk_to_ras)
    other = np.eye(4)
    other[:3, 0], other[:3, 1], other[:3, 2] = -matrix[:3, 1], matrix[:3, 2], matrix[:3, 0]
    other[:3, 3] = trunk.geometry.ras_from_ijk((0, trunk.shape_kji[1] - 1, 0))
    reordered = replace(trunk, voxels=trunk.voxels[:, ::-1].transpose(2, 0, 1), ijk_to_ras=other)
    seen = []
    found = align(trunk, reordered, Progress(lambda fraction, text: seen.append(fraction)))
    assert error_mm(found, np.eye(4), trunk).max() < 0.2
    assert found.correlation > 0.999
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_an_oblique_scan_is_taken_as_it_lies(trunk):
    turn = rigid((8, -6, 12), (30, -20, 50))
    found = align(replace(trunk, modality=""), replace(trunk, ijk_to_ras=turn @ trunk.ijk_to_ras))  # the unit says CT
    assert error_mm(found, turn, trunk).max() < 4.0


def test_pet_is_aligned_with_pet():
    hot, truth = body(modality=PET), rigid((3, 2, -5), (10, 10, 120))
    assert error_mm(align(slab(hot), taken_again(hot, truth)), truth, hot).max() < 4.0


def test_scans_of_different_parts_are_refused(patient):
    with pytest.raises(InputError, match=r"could not be aligned.*Give the alignment, or compare without"):
        align(slab(patient, 0, 22), slab(patient, 62, 84))


def test_scans_that_have_nothing_in_common_are_refused(trunk):
    random = np.random.default_rng(0)
    values = np.where(np.isfinite(trunk.voxels) & (trunk.voxels > -400), random.normal(0, 300, trunk.shape_kji), -1000)
    grain = ndimage.gaussian_filter(values, 3)
    other = replace(trunk, voxels=np.where(trunk.voxels > -400, 20 * grain, -1000).astype(np.float32), name="other")
    with pytest.raises(InputError, match="could not be aligned"):
        align(trunk, other)


def test_a_few_slices_are_refused(patient, trunk):
    for slices in (1, 4):
        thin = replace(slab(patient, 20, 20 + slices), name="thin")
        with pytest.raises(InputError, match=f"“thin” is too thin to be aligned by \\({4 * slices} mm\\)"):
            align(trunk, thin)


def test_an_empty_scan_is_refused(trunk):
    with pytest.raises(InputError, match="No body was found in “air”"):
        align(trunk, replace(trunk, voxels=np.full(trunk.shape_kji, -1000, np.int16), name="air"))


def test_modalities_must_agree(trunk):
    with pytest.raises(ModalityError, match="“uptake” of PT"):
        align(trunk, body(modality=PET))


def test_it_can_be_cancelled(trunk):
    progress = Progress(lambda fraction, text: progress.cancel() if fraction > 0.4 else None)
    with pytest.raises(Cancelled):
        align(trunk, trunk, progress)


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(-500, 500)] * 3))
def test_a_given_rigid_move_is_taken(angles, shift):
    matrix = rigid(angles, shift)
    given = Alignment.given(matrix.tolist())
    assert given.kind == GIVEN
    assert np.allclose(given.apply([[1.0, 2, 3]]), [matrix[:3, :3] @ (1, 2, 3) + matrix[:3, 3]])
    assert "given by the user" in given.in_words()


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        np.diag([2.0, 1, 1, 1]),
        np.diag([-1.0, 1, 1, 1]),
        np.full((4, 4), np.nan),
        np.eye(4) + np.array([[0, 0, 0, 0]] * 3 + [[1, 0, 0, 0]]),
        [1, 2],
    ],
)
def test_what_is_no_rigid_move_is_refused(matrix):
    with pytest.raises(UsageError, match="no rigid move"):
        Alignment.given(matrix)


def test_none_leaves_places_alone():
    none = Alignment.none()
    assert none.kind == NONE
    assert none.apply((1, 2, 3)).tolist() == [1, 2, 3]
    assert none.in_words() == "The scans were compared without aligning them."
    with pytest.raises(ValueError):
        none.matrix[0, 0] = 2


def test_without_simpleitk_a_sentence_says_so(trunk, monkeypatch):
    load = builtins.__import__
    monkeypatch.setattr(
        builtins,
        "__import__",
        lambda name, *rest: (_ for _ in ()).throw(ImportError(name)) if name == "SimpleITK" else load(name, *rest),
    )
    with pytest.raises(DependencyError, match="pip install SimpleITK"):
        align(trunk, trunk)


def test_simpleitk_loads_when_it_is_used():
    code = f"import sys; import {alignment.__name__}; print('SimpleITK' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_real_chest_moved_and_cut(real_data):
    from LesionDetectionLib.core.image import understood_as
    from LesionDetectionLib.imaging.geometry import resample
    from LesionDetectionLib.io.files import read_image

    chest = resample(understood_as(read_image(real_data("lidc-0314/ct.nrrd"))), (2.5, 2.5, 2.5))
    middle = chest.geometry.ras_from_ijk((np.array(chest.shape_kji[::-1]) - 1) / 2)
    truth = rigid((3, -4, 6), (20, -15, 300), middle)
    found = align(chest, taken_again(chest, truth, 30, -5))
    assert error_mm(found, truth, chest).max() < 3.0
    assert found.correlation > 0.9
