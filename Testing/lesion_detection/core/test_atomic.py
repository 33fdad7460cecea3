"""A result is there whole or not at all."""

from __future__ import annotations

import errno
import os
import time

import pytest
from LesionDetectionLib.core.atomic import atomic_file, atomic_folder, check_output_folder
from LesionDetectionLib.core.errors import Cancelled, OutputError
from LesionDetectionLib.core.progress import Progress


def test_a_file_appears_at_the_end(tmp_path):
    with atomic_file(tmp_path / "sub" / "a.nii.gz") as temporary:
        temporary.write_text("new")
        assert temporary.name.endswith("a.nii.gz")
        assert not (tmp_path / "sub" / "a.nii.gz").exists()
    assert (tmp_path / "sub" / "a.nii.gz").read_text() == "new"


def test_an_error_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "no permission"), (errno.EIO, "was not written")]
)
def test_disk_errors_become_sentences(tmp_path, code, words):
    with pytest.raises(OutputError, match=words), atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("half")
        raise OSError(code, os.strerror(code))
    assert list(tmp_path.iterdir()) == []


def test_cancelling_leaves_nothing(tmp_path):
    progress = Progress()
    with pytest.raises(Cancelled), atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("half")
        progress.cancel()
        progress(0.5)
    assert list(tmp_path.iterdir()) == []


def test_results_are_added_to_a_folder_but_replace_nothing_unasked(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    (out / "a").write_text("old")
    with pytest.raises(OutputError, match="already holds a"), atomic_folder(out) as folder:
        (folder / "a").write_text("new")
        (folder / "b").write_text("new")
    assert sorted(path.name for path in out.iterdir()) == ["a", "mine.txt"]
    with atomic_folder(out, overwrite=True) as folder:
        (folder / "a").write_text("new")
        (folder / "b").mkdir()
    assert (out / "a").read_text() == "new"
    assert (out / "mine.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_run_left_goes_after_a_day(tmp_path):
    for age, name in ((2, "old"), (0, "young")):
        left = tmp_path / f".partial-out-{name}"
        left.mkdir()
        os.utime(left, (time.time() - age * 86_400,) * 2)
    with atomic_folder(tmp_path / "out"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial-out-young", "out"]


def test_output_is_checked_before_the_work(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        check_output_folder(tmp_path / "file", (), False)
    with pytest.raises(OutputError, match="--overwrite"):
        check_output_folder(tmp_path, ("file",), False)
    check_output_folder(tmp_path, ("file",), True)
    check_output_folder(tmp_path / "new" / "deeper", ("file",), False)
    with pytest.raises(OutputError):
        check_output_folder(tmp_path / "file" / "below", (), False)


def test_parts_of_progress():
    seen = []
    progress = Progress(lambda fraction, text: seen.append((round(fraction, 3), text)))
    progress.part(0.5, 1).part(0, 0.5)(0.5, "x")
    progress(2)
    assert seen == [(0.625, "x"), (1, "")]
    progress.part(0, 1).cancel()
    with pytest.raises(Cancelled):
        progress(0)
