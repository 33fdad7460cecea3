"""What an entry depends on, as one short text: the bytes of the case's files, its plain values, settings and maker."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import InputError

KEY_LETTERS = 32
"""Of the 64 of a SHA-256: 128 bits are enough, and paths stay short enough for Windows."""
SETTLED_S = 2.0
"""A file younger than this may change again without its time stamp changing: its digest is not remembered."""
_CHUNK_BYTES = 1 << 20


def plain(value: Any) -> Any:
    """Settings and the like as JSON can hold them, the same in each process and on each machine.

    Raises:
        TypeError: a value of a kind whose content cannot be told, such as a function.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}]
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if isinstance(value, Mapping):
        return {str(name): plain(value[name]) for name in value}
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(entry) for entry in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{value!r} cannot be part of what a cached entry depends on")


def key_of(*parts: Any) -> str:
    """:data:`KEY_LETTERS` letters that differ when one of ``parts`` does."""
    text = json.dumps(plain(parts), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LETTERS]


def digest_of(path: Path, check: Callable[[], None] | None = None) -> str:
    """SHA-256 of a file's bytes. Raises OSError."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            if check is not None:
                check()
    return digest.hexdigest()


class SourceDigests:
    """Digests of files, remembered by path, size and time of change in a file of lines, for all processes.

    A line that a killed process cut off is skipped; two processes that write the same line do no harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._known: dict[tuple[str, int, int], str] = {}

    def of(
        self, sources: Sequence[Path], hashing: bool = True, check: Callable[[], None] | None = None
    ) -> list[tuple[str, str]] | None:
        """(name, digest) of each file, folders with all that is in them, in the order of ``sources``.

        Args:
            sources: files and folders.
            hashing: whether to read files whose digest is not known; if not, the result is None where one is missing.
            check: called often; may raise.

        Raises:
            InputError: a source that is missing or cannot be read.
        """
        self._catch_up()
        found, new = [], list[str]()
        for name, path in _files(sources):
            try:
                status = path.stat()
                known = (str(path.absolute()), status.st_size, status.st_mtime_ns)
                digest = self._known.get(known)
                if digest is None:
                    if not hashing:
                        return None
                    digest = digest_of(path, check)
                    if time.time() - status.st_mtime > SETTLED_S:
                        self._known[known] = digest
                        new.append(json.dumps([*known, digest]))
            except OSError as error:
                raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
            found.append((name, digest))
        if new:
            # A line feed first: the line before may have been cut off. Not being able to remember is no error.
            with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + "\n".join(new) + "\n")
        return found

    def _catch_up(self) -> None:
        """Read what any process has written since the last look."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            text = file.read()
        complete = text.rfind(b"\n") + 1
        self._read_bytes += complete
        for line in text[:complete].splitlines():
            try:
                path, size, changed, digest = json.loads(line)
            except (ValueError, TypeError):
                continue
            self._known[path, size, changed] = digest


def _files(sources: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """(Name within its source, path) of each file, in a fixed order."""
    for source in sources:
        if source.is_dir():
            inside = sorted(Path(folder) / name for folder, _, names in os.walk(source) for name in names)
            yield from ((path.relative_to(source).as_posix(), path) for path in inside)
        elif source.exists():
            yield source.name, source
        else:
            raise InputError(f"{source} is missing. Was it moved or removed after the cohort was listed?")
