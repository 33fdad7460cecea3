"""A lock between processes that the operating system drops when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from LesionDetectionLib.core.errors import OutputError

FIRST_WAIT_S, LONGEST_WAIT_S = 0.005, 0.2
"""Between two looks at a lock that another holds: short at first, doubled each time."""
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class FileLock:
    """An exclusive lock by a file. What locks is the operating system's lock on the open file, not that the file exists:
    a file that a killed process left behind blocks nobody. Not re-entrant; also keeps threads apart.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(path)
        self._file: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it; whether it was taken.

        Raises:
            OutputError: the file cannot be written, or the file system knows no locks.
        """
        while True:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            except PermissionError:
                if sys.platform == "win32":  # its last holder is just removing it
                    return False
                raise OutputError(f"{self._path} cannot be written: no permission. Choose another folder.") from None
            except OSError as error:
                raise OutputError(f"{self._path} cannot be written: {error.strerror or error}.") from error
            try:
                if not _lock(file):
                    os.close(file)
                    return False
            except OSError as error:
                os.close(file)
                raise OutputError(
                    f"{self._path.parent} is on a file system without file locks ({error.strerror or error}). "
                    "Choose a folder on another disk."
                ) from error
            if _is_still(file, self._path):
                self._file = file
                return True
            os.close(file)  # its last holder removed it between our opening and locking: a lock on nothing

    def acquire(self, check: Callable[[], None] | None = None) -> None:
        """Wait for the lock. ``check`` is called between two tries and may raise, as when the user cancels.

        Raises:
            OutputError: see :meth:`try_acquire`.
        """
        wait = FIRST_WAIT_S
        while not self.try_acquire():
            if check is not None:
                check()
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)

    def release(self, remove: bool = False) -> None:
        """Give the lock back; with ``remove`` the file goes too."""
        if self._file is None:
            return
        file, self._file = self._file, None
        if remove and sys.platform != "win32":
            self._path.unlink(missing_ok=True)
        os.close(file)
        if remove and sys.platform == "win32":
            with contextlib.suppress(OSError):  # another has opened it meanwhile: it stays
                self._path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self, check: Callable[[], None] | None = None, remove: bool = False) -> Iterator[None]:
        """The lock for a ``with`` block."""
        self.acquire(check)
        try:
            yield
        finally:
            self.release(remove)


def _lock(file: int) -> bool:
    """Lock an open file without waiting; closing it unlocks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _is_still(file: int, path: Path) -> bool:
    if sys.platform == "win32":  # an open file cannot be removed there
        return True
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(file)
    return (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino)
