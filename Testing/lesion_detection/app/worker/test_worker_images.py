"""Images in files: the same image comes out, written once, read-only, and gone when it is not needed any more."""

from __future__ import annotations

import dataclasses
import errno
import gc
import io
import json
import mmap
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from LesionDetectionLib.app.worker import images, private_folder, serving
from LesionDetectionLib.app.worker.images import (
    ImageFiles,
    read_image,
    read_result_images,
    write_image,
    write_result_images,
)
from LesionDetectionLib.app.worker.private_folder import PrivateFolder
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress


@pytest.fixture
def image(make_run):
    run, _ = make_run(1)
    facts = {"identifiers": {"SeriesInstanceUID": "1.2.3"}, "suv_factors": {"SUVlbm": 0.7444503237386718}}
    return dataclasses.replace(run, notes=("A slice was missing – bad.",), **facts)


def is_mapped(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def test_the_same_image_comes_out(image, tmp_path):
    write_image(tmp_path / "one", image)
    again = read_image(tmp_path / "one")
    np.testing.assert_array_equal(again.voxels, image.voxels)
    assert again.voxels.dtype == image.voxels.dtype
    assert again.ijk_to_ras.tobytes() == image.ijk_to_ras.tobytes()
    for name in ("modality", "unit", "name", "notes", "identifiers", "suv_factors"):
        assert getattr(again, name) == getattr(image, name)
    assert is_mapped(again.voxels)
    assert not is_mapped(image.voxels)
    with pytest.raises(ValueError, match="read-only"):
        again.voxels[0, 0, 0] = 1
    loaded = read_image(tmp_path / "one", mapped=False)
    np.testing.assert_array_equal(loaded.voxels, image.voxels)
    assert not is_mapped(loaded.voxels)


@pytest.mark.parametrize("dtype", ["int8", "uint16", ">i2", "int32", "float16", "float32", "float64"])
def test_all_number_types_and_orders(image, tmp_path, dtype):
    values = np.arange(60).reshape(3, 4, 5).astype(dtype)
    for n, stored in enumerate((values, np.asfortranarray(values), values[::-1, :, ::-1], values.transpose(2, 0, 1))):
        folder = tmp_path / str(n)
        write_image(folder, dataclasses.replace(image, voxels=stored))
        again = read_image(folder)
        assert again.voxels.dtype == stored.dtype
        np.testing.assert_array_equal(again.voxels, stored)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "voxels.npy").unlink(),
        lambda folder: (folder / "voxels.npy").write_bytes(b"\x93NUMPY"),
        lambda folder: np.save(folder / "voxels.npy", np.array([{}]), allow_pickle=True),
        lambda folder: (folder / "image.json").write_text("{"),
        lambda folder: (folder / "image.json").write_text("[]"),
        lambda folder: (folder / "image.json").write_text(json.dumps({"ijk_to_ras": 1})),
    ],
)
def test_what_is_no_image_is_refused(image, tmp_path, spoil):
    write_image(tmp_path / "one", image)
    spoil(tmp_path / "one")
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path / "one")


def test_each_image_is_written_once_and_goes_with_it(image, tmp_path):
    files = ImageFiles(tmp_path)
    other = Image(image.voxels, image.ijk_to_ras)
    names = [files.name_of(image), files.name_of(other), files.name_of(image)]
    assert names[0] == names[2] != names[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(names))
    del other
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == [names[0]]


def test_a_full_disk_is_told_and_nothing_stays(image, tmp_path, monkeypatch):
    def full(array):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files = ImageFiles(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(images.np, "ascontiguousarray", full)
        with pytest.raises(OutputError, match="The disk is full"):
            files.name_of(image)
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(read_image(tmp_path / files.name_of(image)).voxels, image.voxels)


def test_a_full_disk_on_the_way_back_is_a_sentence_to_the_parent(image, tmp_path, monkeypatch):
    """In the child: what it answers. The parent removes what was written."""

    def full(array):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_image(tmp_path / "image-1", image)
    server = serving._Server(io.BytesIO(), tmp_path)
    server._hear({"id": 7})
    message = {"id": 7, "request": "LesionStandInLib.requests:Negate", "values": {}, "images": {"CT": "image-1"}}
    with monkeypatch.context() as patch:
        patch.setattr(images.np, "ascontiguousarray", full)
        answer = server._answer(message)
    assert answer["failed"]["kind"] == "OutputError"
    assert "The disk is full" in answer["failed"]["text"]
    assert server._answer(message) == {"id": 7, "done": "", "images": ["CT"]}
    np.testing.assert_array_equal(read_result_images(tmp_path, 7, ["CT"])["CT"].voxels, -image.voxels)


def test_a_cancel_is_heard_between_two_images(image, tmp_path):
    progress = Progress(lambda fraction, text: progress.cancel())
    with pytest.raises(Cancelled):
        write_result_images(tmp_path, 1, {"a": image, "b": image}, progress)
    assert [path.name for path in (tmp_path / "result-1").iterdir()] == ["0"]


def test_a_private_folder_is_private_and_goes(tmp_path):
    folder = PrivateFolder(tmp_path)
    (folder.path / "file").write_text("x")
    if sys.platform != "win32":
        assert folder.path.stat().st_mode & 0o077 == 0
    folder.close()
    folder.close()
    assert list(tmp_path.iterdir()) == []
    forgotten = PrivateFolder(tmp_path)
    del forgotten
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_made(tmp_path):
    with pytest.raises(OutputError, match=r"Temporary files cannot be written to .*missing"):
        PrivateFolder(tmp_path / "missing")


def old(path):
    os.utime(path, (time.time() - 1000, time.time() - 1000))


def test_what_killed_processes_left_is_removed(tmp_path):
    code = (
        "import sys, os; from pathlib import Path; from LesionDetectionLib.app.worker.private_folder import PrivateFolder; "
        "folder = PrivateFolder(Path(sys.argv[1])); print(folder.path, flush=True); sys.stdin.read(); os._exit(1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    left = private_folder.Path(process.stdout.readline().strip())
    (left / "voxels").write_text("x")
    other = tmp_path / "lesion-other"
    other.mkdir()
    for path in (left, other):
        old(path)
    with_living = PrivateFolder(tmp_path)
    assert left.exists()
    process.communicate("")
    old(left)
    another = PrivateFolder(tmp_path)
    assert not left.exists()
    assert sorted(tmp_path.iterdir()) == sorted([other, with_living.path, another.path])


def test_a_folder_that_is_just_being_made_is_left_alone(tmp_path):
    young = tmp_path / f"{private_folder.PREFIX}young"
    young.mkdir()
    private_folder.remove_stale(tmp_path)
    assert young.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    link = tmp_path / f"{private_folder.PREFIX}link"
    link.symlink_to(precious)
    os.utime(link, (1, 1), follow_symlinks=False)
    private_folder.remove_stale(tmp_path)
    assert [path.name for path in precious.iterdir()] == ["file"]
