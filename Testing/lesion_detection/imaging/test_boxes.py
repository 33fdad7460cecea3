"""Boxes along the patient's axes on straight and oblique grids."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.imaging.boxes import box_around, inside_box, require_box_in
from scipy.spatial.transform import Rotation


def a_grid(degrees=0.0):
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", (degrees, -2 * degrees, degrees), degrees=True).as_matrix()
    matrix[:3, :3] = turn @ np.diag([-1.0, -2.0, 3.0])
    matrix[:3, 3] = 10.0, 20.0, -30.0
    return Geometry((12, 20, 30), matrix)


def by_definition(grid, box):
    k, j, i = np.indices(grid.shape_kji)
    places = grid.ras_from_ijk(np.stack([i, j, k], axis=-1))
    return np.all((places >= box[0]) & (places <= box[1]), axis=-1)


@pytest.mark.parametrize("degrees", [0.0, 7.0, 25.0])
@pytest.mark.parametrize(
    "box", [((-5, -5, -20), (5, 5, -10)), ((-100, -100, -100), (100, 100, 100)), ((4.5, 3, -30), (40, 13, 3))]
)
def test_voxels_in_a_box(degrees, box):
    grid = a_grid(degrees)
    expected = by_definition(grid, box)
    assert expected.any()
    np.testing.assert_array_equal(inside_box(grid, box), expected)
    start, size = box_around(grid, box)
    part = tuple(slice(a, a + n) for a, n in zip(start[::-1], size[::-1], strict=True))
    assert expected[part].sum() == expected.sum()
    np.testing.assert_array_equal(inside_box(grid.crop(start, size), box), expected[part])
    if degrees == 0:
        assert expected[part].all()


def test_a_box_outside():
    image = Image(np.zeros((12, 20, 30), np.int16), a_grid(10).ijk_to_ras, name="scan")
    assert box_around(image.geometry, ((200, 0, 0), (210, 10, 10))) is None
    with pytest.raises(InputError, match="lies outside “scan”"):
        require_box_in(image, ((200, 0, 0), (210, 10, 10)))
    require_box_in(image, ((-5, -5, -20), (5, 5, -10)))
