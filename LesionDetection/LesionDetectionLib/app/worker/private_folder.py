"""A folder for one process and its child: nobody else can read it, and it does not outlive them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
import weakref
from pathlib import Path

from LesionDetectionLib.core.errors import OutputError

PREFIX = "lesion-worker-"
_LOCK = "in-use"
_LEAST_AGE_S = 60.0
"""A folder without a lock that is younger may be one that is just being made."""


class PrivateFolder:
    """A new folder for temporary files. It holds images of patients: so it is gone when it is closed, when its owner is, or
    when Python ends; and what a killed process left is removed by the next one that makes such a folder.

    Attributes:
        path: of the folder.

    Raises:
        OutputError: it cannot be made.
    """

    def __init__(self, parent: Path | None = None) -> None:
        """``parent``: where; the usual place for temporary files where None."""
        parent = Path(tempfile.gettempdir() if parent is None else parent)
        try:
            remove_stale(parent)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputError(
                f"Temporary files cannot be written to {parent}: {error.strerror or error}. Free some space there, or choose "
                "another folder for temporary files."
            ) from error
        _locked(lock)
        self._end = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        self._end()


def remove_stale(parent: Path) -> None:
    """Remove the private folders in ``parent`` whose process has ended without doing so; only those of this user."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            facts = folder.lstat()
            foreign = sys.platform != "win32" and facts.st_uid != os.getuid()
            if foreign or folder.is_symlink() or time.time() - facts.st_mtime < _LEAST_AGE_S:
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                stale = _locked(lock)
            finally:
                os.close(lock)  # before removing: Windows removes no open file
            if stale:
                shutil.rmtree(folder, ignore_errors=True)


def _locked(file: int) -> bool:
    """Lock an open file without waiting; whether that went. The lock ends with the process that holds it, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(folder: Path, lock: int, owner: int) -> None:
    if os.getpid() != owner:  # a fork of the owner ends: the folder is not its own
        return
    with contextlib.suppress(OSError):
        os.close(lock)
    shutil.rmtree(folder, ignore_errors=True)
