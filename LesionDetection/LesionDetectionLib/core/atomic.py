"""Writing that leaves a whole result or none: through a temporary sibling that is renamed at the end."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import OutputError


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, with the same ending; on success it becomes ``path``, else it is removed.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The full name stays at the end: writers choose a format by the ending (.nii.gz, .seg.nrrd).
        temporary = path.with_name(f".partial-{os.getpid()}-{path.name}")
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success its content becomes that of ``path``, else it is removed.

    A new or empty ``path`` appears by one rename. Where ``path`` already holds files, the new ones are moved in one by
    one, others are left alone, and a name that is taken is an error unless ``overwrite``.

    Raises:
        OutputError: no permission, disk full, or results that would be overwritten.
    """
    path = Path(path)
    with _told(path):
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is a file; name a folder to write to.")
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        temporary = Path(tempfile.mkdtemp(prefix=f".partial-{path.name}-", dir=path.parent))
        try:
            temporary.chmod(0o755)
            yield temporary
            _move_in(temporary, path, overwrite)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def check_output_folder(path: Path, names: tuple[str, ...], overwrite: bool) -> None:
    """Say before long work, not after it, that results cannot go to the folder ``path``.

    Raises:
        OutputError: it cannot be written, or holds one of ``names`` already and ``overwrite`` is not set.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; name a folder to write to.")
    refuse_taken(path, names, overwrite)
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path if path.exists() else path.parent).close()


def refuse_taken(path: Path, names: tuple[str, ...], overwrite: bool) -> None:
    """Raises OutputError where one of ``names`` exists in the folder ``path`` and ``overwrite`` is not set."""
    taken = [name for name in names if (Path(path) / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{path} already holds {', '.join(sorted(taken)[:3])}. Choose another folder, or add --overwrite."
        )


def _remove_stale(path: Path) -> None:
    """Remove what killed runs left of ``path`` more than a day ago; younger ones may still be written by another."""
    for left in path.parent.glob(f".partial-{glob.escape(path.name)}-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 86_400:
                shutil.rmtree(left)


def _move_in(temporary: Path, path: Path, overwrite: bool) -> None:
    if not path.exists() or not any(path.iterdir()):
        if path.exists():
            path.rmdir()
        temporary.rename(path)
        return
    names = tuple(entry.name for entry in temporary.iterdir())
    refuse_taken(path, names, overwrite)
    for name in names:
        target = path / name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        (temporary / name).replace(target)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(f"The disk is full: {path} was not written. Free some space and try again.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(f"{path} cannot be written: no permission. Choose another folder.") from error
        raise OutputError(f"{path} was not written: {error.strerror or error}.") from error
