"""The compressed voxels of a scene's volumes made plain, in any thread: Slicer reads them in the thread of the scene, and takes
there a tenth of the time then."""

from __future__ import annotations

import math
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from LesionDetectionLib.core.progress import Progress

_LEAST_BYTES = 1 << 20
"""A smaller file is read at once anyway."""
_CHUNK = 1 << 20
_LONGEST_HEADER = 1 << 16
_KEPT_FREE = 500 * 10**6
_ENCODING = re.compile(rb"^encoding: *(?:gzip|gz) *\r?$", re.MULTILINE)
_SIZES = re.compile(rb"^sizes: *([\d ]+)\r?$", re.MULTILINE)
_TYPE = re.compile(rb"^type: *([\w ]+?) *\r?$", re.MULTILINE)
_ELSEWHERE = re.compile(rb"^(?:data ?file|(?:line|byte) ?skip) *:", re.MULTILINE | re.IGNORECASE)
_BYTES = {
    **dict.fromkeys((b"signed char", b"unsigned char", b"uchar", b"int8", b"uint8"), 1),
    **dict.fromkeys((b"short", b"unsigned short", b"ushort", b"int16", b"uint16"), 2),
    **dict.fromkeys((b"int", b"unsigned int", b"uint", b"int32", b"uint32", b"float"), 4),
    b"double": 8,
}


class _NotPlain(Exception):
    """The file is not what it says of itself."""


def expand(folder: Path, progress: Progress) -> None:
    """Replace each large NRRD file below a folder by the same one without compression. What is damaged, or of a kind that is not
    known here, stays as it is: its reader says what is wrong with it.

    Raises:
        Cancelled: through ``progress``.
    """
    files = [path for path in sorted(folder.rglob("*.nrrd")) if path.stat().st_size >= _LEAST_BYTES]
    for number, path in enumerate(files):
        part = progress.part(number / len(files), (number + 1) / len(files))
        partial = path.with_name(path.name + ".partial")
        try:
            with path.open("rb") as source:
                size = _plain_size(source)
                if size is None or size > shutil.disk_usage(folder).free - _KEPT_FREE:
                    continue
                with partial.open("wb") as target:
                    for chunk in _plain(source, size, part):
                        target.write(chunk)
            partial.replace(path)
        except (_NotPlain, zlib.error, OSError):
            continue
        finally:
            partial.unlink(missing_ok=True)


def _header(source: BinaryIO) -> bytes:
    """With the empty line at its end; the file is behind it then."""
    source.seek(0)
    start = source.read(_LONGEST_HEADER)
    ends = [found + len(end) for end in (b"\n\n", b"\r\n\r\n") if (found := start.find(end)) >= 0]
    header = start[: min(ends, default=0)]
    source.seek(len(header))
    return header


def _plain_size(source: BinaryIO) -> int | None:
    """Bytes of the voxels; None for a file that is left as it is."""
    header = _header(source)
    sizes, kind = _SIZES.search(header), _TYPE.search(header)
    if not _ENCODING.search(header) or _ELSEWHERE.search(header) or sizes is None or kind is None:
        return None
    width = _BYTES.get(kind[1])
    return None if width is None else width * math.prod(int(one) for one in sizes[1].split())


def _plain(source: BinaryIO, size: int, progress: Progress) -> Iterator[bytes]:
    """The file without compression. Raises _NotPlain where it holds more, or less, than its header says."""
    yield _ENCODING.sub(b"encoding: raw", _header(source))
    unpacked, left = zlib.decompressobj(wbits=31), size
    waiting = b""
    while left > 0:
        progress(1 - left / size, "Unpacking the scene")
        waiting = waiting or source.read(_CHUNK)
        chunk = unpacked.decompress(waiting, _CHUNK)
        if not chunk and not waiting:
            raise _NotPlain
        waiting, left = unpacked.unconsumed_tail, left - len(chunk)
        if left < 0 or (unpacked.eof and left > 0):
            raise _NotPlain
        yield chunk
    if unpacked.decompress(waiting or source.read(_CHUNK), 1):
        raise _NotPlain
