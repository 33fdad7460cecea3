"""Compressed volumes of a scene become plain ones, and nothing else changes."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import SimpleITK as sitk
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.viewer.files import expanding
from LesionDetectionLib.viewer.files.expanding import expand

HEADER = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 10 20 30\nendian: little\nencoding: gzip\n%b\n"
VOXELS = np.arange(6000, dtype="<i2")
BYTES = VOXELS.tobytes()


@pytest.fixture(autouse=True)
def small_files_too(monkeypatch):
    monkeypatch.setattr(expanding, "_LEAST_BYTES", 1)
    monkeypatch.setattr(expanding, "_CHUNK", 1000)


def written(path, voxels=BYTES, more=b""):
    path.write_bytes(HEADER % more + gzip.compress(voxels))
    return path.read_bytes()


def test_voxels_are_plain_and_the_same(tmp_path):
    (tmp_path / "Data").mkdir()
    path = tmp_path / "Data" / "a b.nrrd"
    image = sitk.GetImageFromArray(VOXELS.reshape(30, 20, 10))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetMetaData("Lesion.note", "encoding: gzip")
    sitk.WriteImage(image, str(path), useCompression=True)
    before = path.stat().st_size
    expand(tmp_path, Progress())
    assert path.stat().st_size > VOXELS.nbytes > before
    assert BYTES in path.read_bytes()
    again = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(again), VOXELS.reshape(30, 20, 10))
    assert again.GetSpacing() == image.GetSpacing()
    assert [one.name for one in path.parent.iterdir()] == ["a b.nrrd"]


@pytest.mark.parametrize(
    ("voxels", "more"),
    [
        (BYTES[:-2], b""),
        (BYTES + b"\0", b""),
        (b"", b""),
        (BYTES, b"data file: other.raw.gz\n"),
        (BYTES, b"byte skip: -1\n"),
    ],
)
def test_what_is_not_what_it_says_or_lies_elsewhere_stays_as_it_is(tmp_path, voxels, more):
    before = written(tmp_path / "a.nrrd", voxels, more)
    expand(tmp_path, Progress())
    assert (tmp_path / "a.nrrd").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.nrrd"]


@pytest.mark.parametrize("change", [(b"sizes: 10", b"sizes: 99999999999"), (b"type: short", b"type: block")])
def test_what_is_larger_than_the_disk_or_of_an_unknown_type_stays_as_it_is(tmp_path, change):
    before = written(tmp_path / "a.nrrd").replace(*change)
    (tmp_path / "a.nrrd").write_bytes(before)
    expand(tmp_path, Progress())
    assert (tmp_path / "a.nrrd").read_bytes() == before


def test_a_damaged_file_stays_as_it_is(tmp_path):
    before = written(tmp_path / "a.nrrd")[:-500]
    (tmp_path / "a.nrrd").write_bytes(before)
    expand(tmp_path, Progress())
    assert (tmp_path / "a.nrrd").read_bytes() == before


def test_it_is_cancelled(tmp_path):
    before, progress = written(tmp_path / "a.nrrd"), Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        expand(tmp_path, progress)
    assert (tmp_path / "a.nrrd").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.nrrd"]
