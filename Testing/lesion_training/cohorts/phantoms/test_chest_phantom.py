"""The chest phantom: the same for the same seed, and true to its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.lesion import NODULE
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms import chest
from LesionTrainingLib.cohorts.phantoms.nodules import KINDS

SMALL = replace(
    chest.FAST, shape_ijk=(160, 128, 90), spacing_mm=(2.0, 2.0, 3.0), vessel_tips=150, nodules=(8, 8), psf_mm=2.0
)


@pytest.fixture(scope="module")
def a_case():
    return chest.make_chest(11, SMALL)


def test_the_same_seed_gives_the_same_bits_on_any_threads(a_case):
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(3 if before == 1 else 1)
    try:
        again = chest.make_chest(11, SMALL)
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(again.image.voxels, a_case.image.voxels)
    assert np.array_equal(again.image.ijk_to_ras, a_case.image.ijk_to_ras)
    assert [x.to_json() for x in again.lesions] == [x.to_json() for x in a_case.lesions]
    assert again.mimics == a_case.mimics


def test_another_seed_is_another_patient():
    coarse = replace(SMALL, shape_ijk=(72, 56, 40), spacing_mm=(4.4, 4.4, 6.5), slice_thickness_mm=6.5, vessel_tips=20)
    one, other = (chest.make_chest(seed, coarse) for seed in (11, 12))
    assert not np.array_equal(other.image.ijk_to_ras, one.image.ijk_to_ras)
    assert [x.center_ras_mm for x in other.lesions] != [x.center_ras_mm for x in one.lesions]
    assert len(one.lesions) == len(other.lesions) > 0


def test_the_image_is_a_ct_in_axial_order(a_case):
    image = a_case.image
    assert (image.modality, image.unit, image.name) == ("CT", "HU", "chest-phantom-0011")
    assert image.voxels.dtype == np.int16
    assert image.shape_kji == (90, 128, 160)
    assert np.array_equal(np.sign(np.diag(image.ijk_to_ras)), (-1, -1, 1, 1))
    assert -1024 <= image.voxels.min() < -950
    assert image.voxels.max() > 300


def test_each_nodule_is_where_its_mask_is(a_case):
    assert len(a_case.lesions) == len(a_case.kinds) >= 5
    geometry = a_case.image.geometry
    for lesion, kind in zip(a_case.lesions, a_case.kinds, strict=True):
        assert kind in KINDS
        assert lesion.note.startswith(kind)
        assert (lesion.score, lesion.meaning) == (1.0, NODULE)
        low, high = SMALL.diameter_mm
        assert low <= lesion.diameter_mm <= high
        away = geometry.ijk_from_ras(lesion.mask.centroid_ras_mm(geometry)) - geometry.ijk_from_ras(
            lesion.center_ras_mm
        )
        assert np.abs(away).max() < 0.5
        volume = lesion.measurements["volume_mm3"]
        assert volume == pytest.approx(np.pi / 6 * lesion.diameter_mm**3, rel=1e-6)
        # A mask of whole voxels is off by a part of its surface.
        surface = np.pi * lesion.diameter_mm**2
        assert abs(lesion.mask.count * geometry.voxel_volume_mm3 - volume) < 0.35 * surface * 2.0
        (low_r, low_a, low_s), (high_r, high_a, high_s) = lesion.box_ras_mm
        r, a, s = lesion.center_ras_mm
        assert low_r < r < high_r
        assert low_a < a < high_a
        assert low_s < s < high_s


def test_nodules_are_denser_than_the_lung_round_them(a_case):
    voxels = a_case.image.voxels.astype(float)
    lung = np.median(voxels[(voxels > -970) & (voxels < -700)])
    assert -900 < lung < -780
    for lesion in a_case.lesions:
        if lesion.diameter_mm < 6:  # smaller ones are a voxel or two of this coarse grid
            continue
        inside = voxels[lesion.mask.slices_kji][lesion.mask.voxels]
        assert inside.mean() > lung + 80, lesion.note


def test_calling_it_off_stops_it():
    progress = Progress(lambda fraction, _: fraction > 0.4 and progress.cancel())
    with pytest.raises(Cancelled):
        chest.make_chest(1, SMALL, progress)


@pytest.mark.parametrize(
    "change",
    [
        {"shape_ijk": (8, 128, 90)},
        {"spacing_mm": (0.0, 1.0, 1.0)},
        {"diameter_mm": (20.0, 4.0)},
        {"diameter_mm": (0.1, 4.0)},
        {"kinds": ()},
        {"tube_current_mas": (0.0, 10.0)},
        {"slice_thickness_mm": 0.0},
        {"spacing_jitter": 0.7},
    ],
)
def test_senseless_settings_are_refused(change):
    with pytest.raises(UsageError):
        replace(SMALL, **change)


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="seed"):
        chest.make_chest(-1, SMALL)
