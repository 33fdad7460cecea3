"""What a maker gives, how it lies on disk, and how it is read back.

An entry is a folder: one ``NAME.npy`` an array and ``entry.json`` with the plain values, what made it, and the size and
SHA-256 of each file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.progress import Progress

from ..case import Case
from .keys import digest_of

FORMAT = 1
"""Raise it when the layout of an entry changes: older ones are then made anew."""
DESCRIPTION = "entry.json"
SMALL_BYTES = 1 << 20
"""Arrays up to this size are read; greater ones are mapped, which costs an open file each as long as the array lives."""
MOST_OPEN_FILES = 65_536
_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class Content:
    """What is kept of a case.

    Attributes:
        arrays: by name (letters, digits, ``_`` and ``-``); of any plain type, not objects.
        values: what JSON can hold; tuples come back as lists.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Maker:
    """Something that prepares cases, in this or another process.

    Attributes:
        name: of what it makes, such as ``nodule-ct-scan``.
        version: raise it when it makes something else of the same case and settings.
        make: a function of a module (no lambda): (case, settings, progress) -> Content.
    """

    name: str
    version: int
    make: Callable[[Case, Any, Progress], Content]


class Arrays(Mapping[str, npt.NDArray[Any]]):
    """Arrays of an entry by name, opened each time they are asked for; great ones stay on disk until they are touched."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder, self._names = folder, names

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        path = self._folder / f"{name}.npy"
        try:
            return _open(path)
        except OSError as error:
            if error.errno != errno.EMFILE or not _allow_more_open_files():
                raise
        return _open(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Entry:
    """A prepared case. It is in use, and stays on disk, as long as this object lives: keep it while you use its arrays.

    Attributes:
        key: of case, settings and maker.
        folder: where it lies.
        arrays: by name; read-only where they are mapped.
        values: as the maker gave them, after JSON.
    """

    key: str
    folder: Path
    arrays: Arrays
    values: dict[str, Any]
    use: object = None


def write_entry(folder: Path, content: Content, about: Mapping[str, Any]) -> int:
    """Fill an empty folder; its size in bytes.

    Args:
        about: what made it, for people who look into the file.

    Raises:
        OSError: disk full, no permission.
        ValueError: names or arrays that cannot be kept.
    """
    files = {}
    for name, array in content.arrays.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ValueError(f"“{name}” cannot be the name of an array in the cache")
        files[f"{name}.npy"] = _write_array(folder / f"{name}.npy", np.asarray(array))
    description = {"format": FORMAT, **about, "values": dict(content.values), "files": files}
    text = json.dumps(description, indent=1)
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")
    return sum(int(entry["bytes"]) for entry in files.values()) + len(text.encode())


def read_entry(key: str, folder: Path, verify: bool) -> Entry | None:
    """The entry in ``folder``; None where there is none, or it is damaged: cut off, of another size or, where ``verify``
    is set, of other bytes.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        files, values = description["files"], description["values"]
        whole = description["format"] == FORMAT and all(
            (folder / name).stat().st_size == entry["bytes"] for name, entry in files.items()
        )
        if not whole or (verify and any(digest_of(folder / name) != files[name]["sha256"] for name in files)):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Entry(key, folder, Arrays(folder, tuple(name.removesuffix(".npy") for name in files)), values)


def entry_bytes(folder: Path) -> int:
    """Size on disk of a folder's files."""
    total = 0
    for path in folder.glob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _open(path: Path) -> npt.NDArray[Any]:
    mapped = path.stat().st_size > SMALL_BYTES
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array


def _allow_more_open_files() -> bool:
    """Raise the number of files that this process may have open (often 1024, on macOS 256) as far as the system lets it,
    since a cohort of a thousand mapped scans needs as many; whether there was anything to raise.
    """
    if sys.platform == "win32":
        return False
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


def _write_array(path: Path, array: npt.NDArray[Any]) -> dict[str, Any]:
    """Write an array as NumPy does, hashing on the way. NumPy's own writer does not say that a disk is full."""
    if array.dtype.hasobject:
        raise ValueError(f"“{path.stem}” holds Python objects; the cache keeps numbers only")
    array = np.ascontiguousarray(array).reshape(array.shape)
    digest, size = hashlib.sha256(), 0
    with path.open("w+b") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.seek(0)
        digest.update(header := file.read())
        size += len(header)
        if array.size:
            raw = array.reshape(-1).view(np.uint8).data
            for at in range(0, len(raw), _CHUNK_BYTES):
                file.write(part := raw[at : at + _CHUNK_BYTES])
                digest.update(part)
            size += len(raw)
    return {"bytes": size, "sha256": digest.hexdigest()}
