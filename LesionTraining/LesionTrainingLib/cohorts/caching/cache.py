"""The preprocessing cache: what was prepared of a case is kept on disk, and found again by content and settings.

    cache = Cache(folder, limit_bytes)
    entry = cache.get(case, settings, Maker("nodule-ct-scan", 1, make_scan))
    entry.arrays["hu"], entry.values["name"]

An entry's key covers the bytes of the case's files, its plain values, the settings and the maker's version: a change in
any of them is another entry. Several processes may use one cache at the same time; what one makes the others wait for.
Nothing is locked by what a killed process left behind. The folder may be removed at any time when nobody uses it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import Cancelled, OutputError
from LesionDetectionLib.core.progress import Progress

from ..case import Case
from ..cohort import LeftOut, reason_of
from .entries import DESCRIPTION, Entry, Maker, read_entry, write_entry
from .keys import SourceDigests, key_of
from .locks import FileLock
from .shelf import Shelf, told
from .users import Users
from .workers import Died, work_in_processes

DEFAULT_LIMIT_BYTES = 50 * 10**9
"""About 300 chest CT on a grid of 0.75 x 0.75 x 1.25 mm."""
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# See https://bford.info/cachedir/\n"
"""Backup programs leave out a folder with a CACHEDIR.TAG of this content."""
_DIED = "The process that prepared it was killed, most likely for want of memory. Use fewer processes."


class Cache:
    """Prepared cases in a folder.

    Args:
        folder: made where it is missing.
        limit_bytes: the entries together are at most so large; the least recently used make room for new ones, those
            in use by a living process stay.
        verify: read all bytes of an entry against their SHA-256 each time it is opened, not only the files' sizes.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES, verify: bool = False) -> None:
        self.folder, self.limit_bytes, self.verify = Path(folder), limit_bytes, verify
        with told(self.folder):
            for name in ("entries", "locks", "users"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            if not (tag := self.folder / "CACHEDIR.TAG").exists():
                tag.write_text(_TAG, encoding="ascii")
        self._shelf = Shelf(self.folder / "entries", self.folder / "locks", limit_bytes)
        self._users = Users(self.folder / "users")
        self._digests = SourceDigests(self.folder / "digests.jsonl")

    def get(self, case: Case, settings: Any, make: Maker, progress: Progress | None = None) -> Entry:
        """The entry of a case, made if it is not there or damaged. Waits where another process is making it.

        Args:
            settings: all that the result depends on besides the case: a dataclass or plain values.

        Raises:
            InputError: the case's files are missing or unfit.
            OutputError: the disk is full, or what is in use leaves no room within the limit; nothing is left behind.
            Cancelled: through ``progress``.
        """
        progress = progress or Progress()
        check = partial(progress, 0.0, f"Reading {case.id}")
        key = self._key(case, settings, make, check=check)
        assert key is not None
        found = self._find(key)
        if found is not None:
            return found
        with self._shelf.lock(key).held(check, remove=True):
            return self._find(key) or self._make(key, case, settings, make, progress)

    def prepare_all(
        self, cases: Iterable[Case], settings: Any, make: Maker, processes: int = 1, progress: Progress | None = None
    ) -> tuple[list[tuple[Case, Entry]], list[LeftOut]]:
        """The entries of all cases in their order; missing ones are made by several processes.

        One bad case does not stop the rest, nor does one that kills its process. What was made when it is cancelled stays.

        Returns:
            (case, entry) of the good ones, and what was left out and why.

        Raises:
            OutputError: see :meth:`get`; a full disk is no fault of a case.
            Cancelled: through ``progress``.
        """
        cases, progress = list(cases), progress or Progress()
        entries = self._found(cases, settings, make, progress)
        left_out: dict[int, LeftOut] = {}
        missing = [index for index in range(len(cases)) if index not in entries]

        def report() -> None:
            number = len(entries) + len(left_out)
            progress(number / max(1, len(cases)), f"Prepared {number} of {len(cases)} cases")

        answers = self._answers([cases[index] for index in missing], settings, make, processes, report)
        with contextlib.closing(answers):
            for place, answer in answers:
                index = missing[place]
                if isinstance(answer, Died):
                    left_out[index] = LeftOut(cases[index].id, _DIED)
                elif answer.concerns_all:
                    raise OutputError(answer.reason)
                elif answer.reason:
                    left_out[index] = LeftOut(cases[index].id, answer.reason)
                else:
                    entries[index] = self._find(answer.key) or self.get(cases[index], settings, make)
                report()
        return [(cases[index], entries[index]) for index in sorted(entries)], [left_out[i] for i in sorted(left_out)]

    def _answers(
        self, cases: list[Case], settings: Any, make: Maker, processes: int, report: Callable[[], None]
    ) -> Generator[tuple[int, _Answer | Died], None, None]:
        """Index among ``cases`` and what came of it, as each is done."""
        task = _Preparing(self.folder, self.limit_bytes, self.verify, settings, make)
        try:
            if processes > 1 and len(cases) > 1:
                yield from work_in_processes(task, cases, processes, report)
            else:
                own = Progress(lambda *_: report())  # a cancelled report raises through it
                for index, case in enumerate(cases):
                    yield index, task.prepare(self, case, own)
        finally:
            with contextlib.suppress(OutputError):
                self.tidy()  # what ended processes were at

    def _found(self, cases: list[Case], settings: Any, make: Maker, progress: Progress) -> dict[int, Entry]:
        """By index: what is there of the cases whose files are known, without reading these."""
        entries = {}
        for index, case in enumerate(cases):
            progress(0.0, "Looking into the cache")
            key = None
            with contextlib.suppress(Exception):  # told later, by whoever tries to make it
                key = self._key(case, settings, make, hashing=False)
            found = self._find(key) if key else None
            if found is not None:
                entries[index] = found
        return entries

    def size_bytes(self) -> int:
        """How large the entries are together."""
        return self._shelf.size_bytes()

    def tidy(self) -> None:
        """Remove what killed processes left half-made. Happens by itself whenever an entry is made."""
        with told(self.folder), self._bookkeeping():
            self._shelf.remove_left_behind()

    def _key(
        self,
        case: Case,
        settings: Any,
        make: Maker,
        hashing: bool = True,
        check: Callable[[], None] | None = None,
    ) -> str | None:
        digests = self._digests.of(case.sources(), hashing, check)
        if digests is None:
            return None
        return key_of(make.name, make.version, type(case).__name__, dict(case.values()), digests, settings)

    def _find(self, key: str) -> Entry | None:
        """The entry if it is whole, noted as used now; a damaged one is none."""
        folder = self._shelf.place(key)
        if not folder.is_dir():
            return None
        with told(self.folder), self._bookkeeping():
            use = self._users.take(key)
            with contextlib.suppress(FileNotFoundError):
                os.utime(folder / DESCRIPTION)
        entry = read_entry(key, folder, self.verify)
        return None if entry is None else replace(entry, use=use)

    def _make(self, key: str, case: Case, settings: Any, make: Maker, progress: Progress) -> Entry:
        """Make an entry, with the lock of its key held."""
        content = make.make(case, settings, progress)
        about = {"case": case.id, "maker": make.name, "version": make.version, "settings": repr(settings)}
        folder = self._shelf.place(key)
        with contextlib.ExitStack() as until_it_is_there, atomic_folder(folder, overwrite=True) as temporary:
            size = write_entry(temporary, content, about)
            until_it_is_there.enter_context(self._bookkeeping())
            self._shelf.remove(key)
            self._shelf.remove_left_behind(key, temporary)
            self._shelf.make_room(size, self._users)
            use = self._users.take(key)
        entry = read_entry(key, folder, self.verify)
        if entry is None:
            raise OutputError(f"{folder} was damaged as soon as it was written. Is the disk sound?")
        return replace(entry, use=use)

    @contextlib.contextmanager
    def _bookkeeping(self) -> Iterator[None]:
        """Held for moments only: while entries are noted as used, appear or go."""
        with FileLock(self.folder / "lock").held():
            yield


@dataclass(frozen=True)
class _Answer:
    """What came of a case: its entry's key, or a sentence that says why not, and whether no other case will fare better."""

    key: str = ""
    reason: str = ""
    concerns_all: bool = False


@dataclass
class _Preparing:
    """Makes entries, one call a case; sent to other processes. What it made is in use until its process ends, so that
    the process that asked for it can take over.
    """

    folder: Path
    limit_bytes: int
    verify: bool
    settings: Any
    make: Maker
    cache: Cache | None = None
    entries: list[Entry] = field(default_factory=list)

    def __call__(self, case: Case) -> _Answer:
        self.cache = self.cache or Cache(self.folder, self.limit_bytes, self.verify)
        return self.prepare(self.cache, case, Progress())

    def prepare(self, cache: Cache, case: Case, progress: Progress) -> _Answer:
        try:
            self.entries.append(cache.get(case, self.settings, self.make, progress))
        except Cancelled:
            raise
        except OutputError as error:
            return _Answer(reason=str(error), concerns_all=True)
        except Exception as error:
            return _Answer(reason=reason_of(error))
        return _Answer(self.entries[-1].key)
