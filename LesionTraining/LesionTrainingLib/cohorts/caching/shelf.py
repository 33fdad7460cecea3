"""The folder that the entries lie in: what is there, what goes when there is no room, and what killed processes left.

Methods that change something are called with the cache's own lock held.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from LesionDetectionLib.core.errors import OutputError

from .entries import DESCRIPTION, entry_bytes
from .locks import FileLock
from .users import Users

_PARTIAL = ".partial-"
"""What ``atomic_folder`` puts before the name of what is not whole yet."""


class Shelf:
    """Entries, a folder each, named by their keys.

    Args:
        folder: exists.
        locks: folder of the locks by key; whoever makes an entry holds the lock of its key.
        limit_bytes: how much may lie here.
    """

    def __init__(self, folder: Path, locks: Path, limit_bytes: int) -> None:
        self._folder, self._locks, self._limit = folder, locks, limit_bytes
        self._known_sizes: dict[Path, int] = {}

    def place(self, key: str) -> Path:
        return self._folder / key

    def lock(self, key: str) -> FileLock:
        """To be held by whoever makes the entry."""
        return FileLock(self._locks / f"{key}.lock")

    def size_bytes(self) -> int:
        return sum(self._sizes().values())

    def make_room(self, size: int, users: Users) -> None:
        """Remove the least recently used entries until one of ``size`` bytes fits in.

        Raises:
            OutputError: it would not fit if all that nobody uses were gone.
        """
        sizes = self._sizes()
        excess = sum(sizes.values()) + size - self._limit
        if excess <= 0:
            return
        used = users.in_use()
        removable = sorted((folder for folder in sizes if folder.name not in used), key=_last_use)
        if excess <= sum(sizes[folder] for folder in removable):
            for folder in removable:
                if excess > 0 and self.remove(folder.name):
                    excess -= sizes[folder]
        if excess > 0:
            raise OutputError(
                f"The cache {self._folder.parent} may hold {_in_words(self._limit)}, and what is in use leaves no room "
                f"for {_in_words(size)} more. Raise its limit, or use fewer cases at once."
            )

    def remove(self, key: str) -> bool:
        """Take an entry away, at once for all who look; whether it is gone (Windows keeps what somebody has open)."""
        aside = self._folder / f"{_PARTIAL}{key}-{uuid.uuid4().hex[:8]}"
        self._known_sizes.pop(self.place(key), None)
        try:
            self.place(key).rename(aside)
        except OSError:
            return not self.place(key).exists()
        shutil.rmtree(aside, ignore_errors=True)
        return True

    def remove_left_behind(self, own: str = "", temporary: Path | None = None) -> None:
        """Remove half-made entries whose makers are gone, but not ``temporary``, which this process makes as ``own``."""
        for path in self._folder.glob(f"{_PARTIAL}*"):
            key = path.name.removeprefix(_PARTIAL).partition("-")[0]
            if key == own:
                if path != temporary:
                    shutil.rmtree(path, ignore_errors=True)
                continue
            lock = self.lock(key)
            if lock.try_acquire():
                shutil.rmtree(path, ignore_errors=True)
                lock.release(remove=True)

    def _sizes(self) -> dict[Path, int]:
        """The entries that are there. Whole ones do not change, so each is looked into once."""
        there = [path for path in self._folder.iterdir() if not path.name.startswith(".")]
        self._known_sizes = {
            path: self._known_sizes[path] if path in self._known_sizes else entry_bytes(path) for path in there
        }
        return dict(self._known_sizes)


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """Failures of the operating system within a ``with`` block as OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(f"The disk with the cache {folder} is full. Free some space and try again.") from error
        raise OutputError(f"The cache {folder} cannot be used: {error.strerror or error}.") from error


def _last_use(folder: Path) -> float:
    """When an entry was last opened; a damaged one goes first."""
    try:
        return (folder / DESCRIPTION).stat().st_mtime
    except OSError:
        return 0.0


def _in_words(count: int) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 10**8 else f"{count / 1e6:.3g} MB"
