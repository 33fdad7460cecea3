"""Which entries are in use by which living process, so that nothing is removed under anybody's feet.

Each process that uses the cache has two files: one that it holds a lock on as long as it lives, and a log of the entries
that it took (``+key``) and gave back (``-key``). Whoever can take the lock knows that its owner is gone.
All methods are called with the cache's own lock held.
"""

from __future__ import annotations

import os
import uuid
import weakref
from collections import Counter, deque
from pathlib import Path

from .locks import FileLock


class Use:
    """That an entry is in use: it is, as long as this object lives."""

    def __init__(self, users: Users) -> None:
        self._users = users  # they must not end before it


class Users:
    """The users of the cache in ``folder``; this process is one of them from its first :meth:`take` on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given_back: deque[str] = deque()
        self._name, self._process = "", 0

    def take(self, key: str) -> Use:
        """Note that this process uses the entry ``key``, until what is returned is no longer referred to."""
        self._begin()
        self._flush()
        self._note(f"+{key}")
        use = Use(self)
        # A finalizer may run anywhere, even while this process waits for the lock: it only leaves a word.
        weakref.finalize(use, self._given_back.append, key).atexit = False
        return use

    def in_use(self) -> set[str]:
        """The keys that some living process uses. What dead ones left is removed."""
        self._flush()
        used: set[str] = set()
        for path in self._folder.glob("*.lock"):
            log = path.with_suffix(".log")
            if path.stem != self._name:
                lock = FileLock(path)
                if lock.try_acquire():
                    log.unlink(missing_ok=True)
                    lock.release(remove=True)
                    continue
            used |= _read(log)
        return used

    def _begin(self) -> None:
        """The files of this process; new ones after a fork, as the parent goes on with its own."""
        if self._process == os.getpid():
            return
        self._given_back = deque()
        self._process, self._name = os.getpid(), f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        lock = FileLock(self._folder / f"{self._name}.lock")
        lock.acquire()
        weakref.finalize(self, _end, lock, self._folder / f"{self._name}.log", self._process)

    def _flush(self) -> None:
        if self._process == os.getpid():
            while self._given_back:
                self._note(f"-{self._given_back.popleft()}")

    def _note(self, line: str) -> None:
        with (self._folder / f"{self._name}.log").open("a", encoding="ascii") as log:
            log.write(line + "\n")


def _end(lock: FileLock, log: Path, process: int) -> None:
    """Take the files of a user away, unless it is the parent of this process that uses them."""
    if process == os.getpid():
        log.unlink(missing_ok=True)
        lock.release(remove=True)


def _read(log: Path) -> set[str]:
    if not log.exists():
        return set()
    counts: Counter[str] = Counter()
    for line in log.read_text(encoding="ascii").splitlines():
        counts[line[1:]] += 1 if line[0] == "+" else -1
    return {key for key, count in counts.items() if count > 0}
