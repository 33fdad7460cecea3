"""What a PET and a CT are refused for, in words, and what is doubted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.errors import GeometryError, InputError, ModalityError
from LesionDetectionLib.core.image import CT, PET, Image
from LesionDetectionLib.methods.active_pet_ct.pairing import FRAME, check_pair, usable_ct, usable_pet
from LesionDetectionLib.methods.active_pet_ct.settings import ActivePetCtSettings
from scipy.spatial.transform import Rotation

SETTINGS = ActivePetCtSettings()


def block(
    modality, unit, values, *, spacing=4.0, at=(0.0, 0.0, 0.0), turn=None, frame="1.2", shape=(30, 30, 30), notes=()
):
    """A cube, ``values`` outside and inside, about a place."""
    voxels = np.full(shape, values[0], dtype=np.float32)
    voxels[tuple(slice(n // 4, -(n // 4) or None) for n in shape)] = values[1]
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if turn is None else turn) * spacing
    matrix[:3, 3] = np.array(at) - matrix[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Image(voxels, matrix, modality, unit, modality or "scan", notes, {FRAME: frame} if frame else {})


def pet(**more):
    return block(PET, "SUVbw", (0.1, 3.0), **more)


def cold(**more):
    return block(PET, "SUVbw", (0.1, 1.2), **more)


def ct(**more):
    return block(CT, "HU", (-1000, 40), **more)


def test_a_pet_in_suv_passes_without_a_word():
    image, warnings = usable_pet({PET: pet()})
    assert (image.modality, image.unit, warnings) == (PET, "SUVbw", ())


@pytest.mark.parametrize(
    ("images", "error", "text"),
    [
        ({}, InputError, "looked for in a PET"),
        ({CT: ct()}, InputError, "looked for in a PET"),
        ({PET: block(PET, "Bq/ml", (0, 9000))}, ModalityError, "in Bq/ml, but.*“Convert to SUV” in Slicer"),
        (
            {
                PET: block(
                    PET, "Bq/ml", (0, 9000), notes=("Not converted to SUV: The patient's weight is not in the file.",)
                )
            },
            ModalityError,
            "Bq/ml.*weight is not in the file",
        ),
        (
            {PET: block(PET, "", (0, 9), notes=("Not converted to SUV: The values are counts.",))},
            ModalityError,
            "unknown unit.*The values are counts",
        ),
        ({PET: block("", "", (0, 9000))}, ModalityError, "run from 0 to 9000, which cannot be SUV.*Bq/ml"),
        ({PET: block("", "", (-1000, 40))}, ModalityError, "run from -1000 to 40"),
        ({PET: block("MR", "", (0, 5))}, ModalityError, "“MR” is MR"),
        ({PET: block(PET, "SUVbw", (np.nan, 3))}, InputError, "not numbers"),
        ({PET: block(PET, "SUVbw", (0, 0))}, InputError, "nothing to find in an empty image"),
        ({PET: pet(shape=(1, 30, 30))}, GeometryError, "1 axial slice"),
    ],
)
def test_a_pet_that_cannot_be_used(images, error, text):
    with pytest.raises(error, match=text):
        usable_pet(images)


def test_a_sagittal_slice_is_one_slice_too():
    one = pet(shape=(30, 30, 2))
    turned = dataclasses.replace(one, voxels=one.voxels.transpose(2, 1, 0), ijk_to_ras=one.ijk_to_ras[:, [2, 1, 0, 3]])
    assert usable_pet({PET: one})
    assert usable_pet({PET: turned})
    with pytest.raises(GeometryError, match="2 axial slice"):
        usable_pet({PET: pet(shape=(2, 30, 30))})


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (block("", "", (0, 9)), "does not say that it is a PET in standardized uptake values"),
        (block(PET, "", (0, 9)), "does not say that it is"),
        (block(PET, "SUVbw", (0, 5000)), "converted to SUV twice"),
        (block(PET, "SUVbw", (0, 0.5)), "is 0.5, very little for a PET in SUV"),
    ],
)
def test_a_pet_that_is_doubted(image, text):
    found, warnings = usable_pet({PET: image})
    assert found.unit == "SUVbw"
    assert text in " ".join(warnings)


def test_a_ct_that_is_missing_or_none():
    with pytest.raises(InputError, match="Give it"):
        usable_ct({PET: pet()}, "Give it.")
    with pytest.raises(ModalityError, match="cannot be Hounsfield units"):
        usable_ct({CT: block("", "", (0, 3))}, "")
    image, warnings = usable_ct({CT: block("", "", (-1000, 3))}, "")
    assert (image.modality, image.unit) == (CT, "HU")
    assert "does not say that it is a CT" in warnings[0]


@pytest.mark.parametrize("degrees", [(0, 0, 0), (0, 0, 90), (10, -20, 30)])
def test_a_pair_of_one_examination_passes_however_the_grids_are_turned(degrees):
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    assert check_pair(ct(spacing=3.0), pet(turn=turn), SETTINGS) == ()


def test_frames_of_reference_that_differ():
    with pytest.raises(GeometryError, match=r"different frames of reference.*same examination.*trust positions"):
        check_pair(ct(), pet(frame="9.9"), SETTINGS)
    (warning,) = check_pair(ct(), pet(frame="9.9"), ActivePetCtSettings(trust_positions=True))
    assert "as asked" in warning


def test_frames_of_reference_that_are_not_known_are_told():
    (warning,) = check_pair(ct(frame=""), pet(), SETTINGS)
    assert "do not both say which frame of reference" in warning


def test_different_parts_of_the_patient():
    with pytest.raises(GeometryError, match=r"they share 120 x 120 x 20 mm .*, 1[0-9] % of the smaller field of view"):
        check_pair(ct(), pet(at=(0, 0, 100)), SETTINGS)
    with pytest.raises(GeometryError, match=r"they share nothing, 0 %"):
        check_pair(ct(), pet(at=(0, 0, 500)), SETTINGS)
    assert check_pair(ct(), cold(at=(0, 0, 60), shape=(60, 30, 30)), SETTINGS) == ()


def test_a_small_field_of_view_within_a_large_one():
    assert check_pair(ct(), cold(shape=(120, 40, 40)), SETTINGS) == ()
    assert check_pair(ct(shape=(120, 60, 60)), cold(), SETTINGS) == ()


def test_uptake_in_the_air_is_told():
    (warning,) = check_pair(ct(), pet(at=(0, 40, 0)), SETTINGS)
    assert "lies in air on the CT: CT and PET may not be aligned" in warning
