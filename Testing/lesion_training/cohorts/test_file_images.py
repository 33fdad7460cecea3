"""The grid of a file is told without its voxels, and is the grid that reading gives."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.io import files
from LesionDetectionLib.io.files import read_image, write_image
from LesionTrainingLib.cohorts import file_images
from LesionTrainingLib.cohorts.file_images import grid_of, read_as
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms

pytestmark = pytest.mark.usefixtures("phantoms_kept")

TURN = np.array([[0.6, -0.8, 0, 7], [0.8, 0.6, 0, -20], [0, 0, -1, 30], [0, 0, 0, 1.0]]) @ np.diag([0.7, 0.8, 2.5, 1])


def an_image(shape=(4, 5, 6)):
    return Image(np.arange(np.prod(shape), dtype=np.int16).reshape(shape), TURN, CT, HU)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii.gz", "a.nii", "a.mha", "a.mhd"])
def test_grids_of_files(tmp_path, monkeypatch, name):
    write_image(an_image(), tmp_path / name)
    expected = read_image(tmp_path / name).geometry
    monkeypatch.setattr(files, "read_image", lambda *_: pytest.fail("voxels were read"))
    grid = grid_of(tmp_path / name)
    assert grid.same_grid(expected, 1e-9)
    assert grid.same_grid(an_image().geometry, 1e-4)


def test_the_grid_of_a_dicom_folder(tmp_path):
    write_phantoms("chest", 2, 1, "dicom", tmp_path / "dicom", settings=TINY)
    assert grid_of(tmp_path / "dicom").same_grid(read_image(tmp_path / "dicom").geometry, 1e-9)


def test_a_file_beside_one_that_itk_would_take_for_it(tmp_path):
    write_image(an_image((2, 3, 4)), tmp_path / "a.nii")
    write_image(an_image(), tmp_path / "a.nii.gz")
    assert grid_of(tmp_path / "a.nii.gz").shape_kji == (4, 5, 6)
    assert grid_of((tmp_path / "a.nii").rename(tmp_path / "B.NII")).shape_kji == (2, 3, 4)


def test_what_reading_refuses_is_refused(tmp_path):
    (tmp_path / "a.nrrd").write_text("nothing")
    for path in (tmp_path / "a.nrrd", tmp_path / "none.nrrd", tmp_path):
        with pytest.raises(InputError):
            grid_of(path)
    header = "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 1 1 1\nencoding: raw\nendian: little\n"
    sheared = header + "space directions: (1,0,0) (0.5,1,0) (0,0,1)\nspace origin: (0,0,0)\n\n\0\0"
    (tmp_path / "a.nrrd").write_text(sheared)
    with pytest.raises(GeometryError, match="sheared"):
        grid_of(tmp_path / "a.nrrd")


def test_an_assumed_ct_keeps_its_note(tmp_path):
    write_image(Image(np.linspace(-900, 900, 60).reshape(3, 4, 5).astype(np.float32), np.eye(4)), tmp_path / "a.nii.gz")
    assert "taken for a CT" in read_as(tmp_path / "a.nii.gz", CT, assumed=True).notes[-1]
    assert file_images.read_as(tmp_path / "a.nii.gz", CT).notes == read_image(tmp_path / "a.nii.gz").notes
