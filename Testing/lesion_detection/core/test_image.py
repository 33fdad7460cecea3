"""Images know where they are and refuse what cannot be one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import GeometryError, InputError, ModalityError
from LesionDetectionLib.core.image import Geometry, Image, require_usable, understood_as

SOME = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 500


def test_positions_of_a_known_grid():
    """An axial CT as DICOM has it: i to the left (RAS -x), j to posterior (-y), k to superior."""
    matrix = np.array([[-0.5, 0, 0, 100], [0, -0.5, 0, 80], [0, 0, 2, -30], [0, 0, 0, 1]])
    geometry = Geometry((10, 512, 512), matrix)
    assert geometry.ras_from_ijk((2, 4, 3)).tolist() == [99, 78, -24]
    assert geometry.spacing_mm == (0.5, 0.5, 2)
    assert geometry.voxel_volume_mm3 == pytest.approx(0.5)
    assert geometry.contains_ras((100.2, 80, -30))
    assert not geometry.contains_ras((100.3, 80, -30))
    assert geometry.crop((2, 4, 3), (5, 5, 5)).ras_from_ijk((0, 0, 0)).tolist() == [99, 78, -24]


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), st.floats(0.1, 10), st.floats(-180, 180))
def test_ijk_and_ras_are_inverse(point, spacing, degrees):
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:3, :3] = (
        np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, -1]]) * spacing
    )
    matrix[:3, 3] = (5, -7, 11)
    geometry = Geometry((2, 2, 2), matrix)
    assert np.allclose(geometry.ras_from_ijk(geometry.ijk_from_ras(point)), point, atol=1e-6)


def test_voxels_cannot_be_changed_through_the_image():
    voxels = SOME.copy()
    image = Image(voxels, np.eye(4))
    with pytest.raises(ValueError, match="read-only"):
        image.voxels[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        image.ijk_to_ras[0, 0] = 2
    assert voxels.flags.writeable  # the caller's own array stays theirs


@pytest.mark.parametrize(
    ("voxels", "matrix", "error", "words"),
    [
        (np.zeros((3, 3)), np.eye(4), InputError, "three dimensions"),
        (np.zeros((3, 3, 3), dtype=complex), np.eye(4), InputError, "real numbers"),
        (np.zeros((3, 3, 3), dtype=bool), np.eye(4), InputError, "real numbers"),
        (np.zeros((0, 3, 3)), np.eye(4), GeometryError, "at least one voxel"),
        (np.zeros((3, 3, 3)), np.diag([1, 0, 1, 1]), GeometryError, "span no volume"),
        (np.zeros((3, 3, 3)), np.full((4, 4), np.nan), GeometryError, "finite"),
        (np.zeros((3, 3, 3)), np.eye(3), GeometryError, "4 x 4"),
    ],
)
def test_what_is_no_image_is_refused(voxels, matrix, error, words):
    with pytest.raises(error, match=words):
        Image(voxels, matrix)


def test_cropping_is_a_view_at_its_place():
    image = Image(SOME, np.diag([0.5, 0.5, 3, 1]))
    box = image.crop((1, 1, 0), (2, 2, 2))
    assert np.array_equal(box.voxels, SOME[0:2, 1:3, 1:3])
    assert np.shares_memory(box.voxels, SOME)
    assert box.geometry.ras_from_ijk((0, 0, 0)).tolist() == [0.5, 0.5, 0]
    with pytest.raises(GeometryError, match="inside"):
        image.crop((3, 0, 0), (2, 2, 2))


def test_same_grid():
    geometry = Geometry((3, 4, 5), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.01
    assert geometry.same_grid(Geometry((3, 4, 5), np.eye(4)))
    assert not geometry.same_grid(Geometry((3, 4, 5), moved))
    assert not geometry.same_grid(Geometry((3, 4, 6), np.eye(4)))


def ct(voxels=SOME, **more):
    return Image(voxels, np.eye(4), **more)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (ct(modality="PT"), ModalityError, "is PET, but this needs CT"),
        (ct(modality="CT", unit="SUVbw"), ModalityError, "in SUVbw"),
        (ct(SOME[:1]), GeometryError, "has 1 slice"),
        (ct(np.where(SOME == -490, np.nan, SOME.astype(float))), InputError, "1 voxels that are not numbers"),
        (ct(np.full((2, 3, 4), -1024.0)), InputError, "empty image"),
        (ct(SOME + 500), ModalityError, "cannot be Hounsfield units"),
    ],
)
def test_what_a_method_cannot_use_is_refused_in_a_sentence(image, error, words):
    with pytest.raises(error, match=words):
        require_usable(image, modality="CT", unit="HU", least_slices=2)


def test_a_usable_image_passes():
    require_usable(ct(modality="CT", unit="HU"), modality="CT", unit="HU", least_slices=2)
    require_usable(ct(), modality="CT", unit="HU", least_slices=2)


def test_what_an_image_is_where_its_file_does_not_say():
    guessed = understood_as(ct())
    assert (guessed.modality, guessed.unit) == ("CT", "HU")
    assert "taken for a CT" in guessed.notes[0]
    assert understood_as(ct(SOME + 500)).modality == ""
    told = understood_as(ct(SOME + 500), "PT")
    assert (told.modality, told.unit, told.notes) == ("PT", "SUVbw", ())
    assert understood_as(ct(), "CT").notes == ()
    assert "was 1024 added" in understood_as(ct(SOME + 1024), "CT").notes[0]
    pet = ct(modality="PT", unit="Bq/ml")
    assert understood_as(pet) is pet
    with pytest.raises(ModalityError, match="not CT"):
        understood_as(pet, "CT")


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_to_another_suv_is_a_number_above_zero(factor):
    with pytest.raises(InputError, match="factor from SUVbw to SUVlbm"):
        Image(SOME, np.eye(4), suv_factors={"SUVlbm": factor})
