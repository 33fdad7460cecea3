"""A mask's measurements are in the image's unit and on its grid."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.measurements import equivalent_diameter_mm, measure_mask
from scipy.spatial.transform import Rotation


def box_image(modality, unit):
    voxels = np.zeros((6, 10, 12), np.float32)
    voxels[2:4, 3:6, 4:8] = 10.0
    voxels[2, 3, 4] = 34.0
    return Image(voxels, np.diag([-2.0, -2.0, 3.0, 1.0]), modality, unit)


@pytest.mark.parametrize(
    ("modality", "unit", "suffix"),
    [
        ("CT", "HU", "hu"),
        ("CT", "", "hu"),
        ("PT", "SUVbw", "suvbw"),
        ("PT", "Bq/ml", "bqml"),
        ("PT", "", "value"),  # counts, as the reader leaves them where no SUV follows
        ("", "", "value"),
    ],
)
def test_volume_values_and_box(modality, unit, suffix):
    image = box_image(modality, unit)
    found = measure_mask(image, Mask.from_full(image.voxels > 0))
    assert found.values["volume_mm3"] == pytest.approx(24 * 12.0)
    assert found.values[f"mean_{suffix}"] == pytest.approx(11.0)
    assert found.values[f"max_{suffix}"] == 34.0
    assert not {"long_axis_mm", "short_axis_mm"} & set(found.values)  # they stand in ``recist``, once
    assert np.allclose(found.box_ras_mm, [(-15, -11, 4.5), (-7, -5, 10.5)])
    assert np.allclose(found.center_ras_mm, (-11, -8, 7.5))
    assert not found.touches_border


def test_suv_of_other_types_where_the_patients_factors_are_known():
    image = dataclasses.replace(box_image("PT", "SUVbw"), suv_factors={"SUVlbm": 0.75, "SUVbsa": 0.25})
    mask = Mask.from_full(image.voxels > 0)
    values = measure_mask(image, mask).values
    assert list(values)[2:] == ["mean_suvbw", "max_suvbw", "mean_sulbm", "max_sulbm", "max_suvbsa"]
    assert (values["mean_sulbm"], values["max_sulbm"], values["max_suvbsa"]) == (8.25, 25.5, 8.5)
    cut = image.crop((4, 3, 2), (4, 3, 2))
    assert measure_mask(cut, Mask.from_full(cut.voxels > 0)).values == values
    assert "max_sulbm" not in measure_mask(dataclasses.replace(image, unit="Bq/ml"), mask).values
    assert "max_suvbsa" not in measure_mask(dataclasses.replace(image, suv_factors={"SUVlbm": 0.75}), mask).values


def test_the_box_of_a_turned_mask_holds_all_of_its_voxels():
    image = box_image("CT", "HU")
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    turned = Image(image.voxels, turn @ image.ijk_to_ras, "CT", "HU")
    low, high = measure_mask(turned, Mask.from_full(image.voxels > 0)).box_ras_mm
    corners = [(i, j, k) for i in (3.5, 7.5) for j in (2.5, 5.5) for k in (1.5, 3.5)]
    points = turned.geometry.ras_from_ijk(corners)
    assert np.allclose(low, points.min(axis=0))
    assert np.allclose(high, points.max(axis=0))


def test_touching_the_edge_is_seen_and_a_foreign_mask_refused():
    image = box_image("CT", "HU")
    edge = np.zeros(image.shape_kji, bool)
    edge[0, 2:5, 2:5] = True
    assert measure_mask(image, Mask.from_full(edge)).touches_border
    with pytest.raises(GeometryError, match="another image"):
        measure_mask(image, Mask(np.ones((2, 3, 4), bool), (10, 0, 0)))


def test_equivalent_diameter_of_a_sphere():
    assert equivalent_diameter_mm(4 / 3 * math.pi * 5**3) == pytest.approx(10.0)
