"""One check of MetaImage files that ITK does not make.

ITK's MetaImage reader prints "Uncompress failed" on damaged compressed voxels and returns whatever was in memory.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

_LONGEST_HEADER = 1 << 20
_CHUNK = 1 << 22
_ZLIB_OR_GZIP = 47
"""zlib's window setting that takes either kind of stream, as ITK does."""


def check_complete(path: Path, progress: Progress | None = None) -> None:
    """Decompress a compressed ``.mha`` or ``.mhd`` to its end, checking its checksum. Others ITK checks itself.

    Raises:
        InputError: the compressed voxels are damaged, cut off or missing.
        Cancelled: through ``progress``.
    """
    with path.open("rb") as file:
        start = file.read(_LONGEST_HEADER)
    lines, offset = _header(start)
    if lines.get("CompressedData", "").lower() != "true":
        return
    name = lines.get("ElementDataFile", "")
    source = path if name.upper() == "LOCAL" else path.parent / name
    try:
        _decompress(source, offset if source == path else 0, progress or Progress())
    except (OSError, ValueError, zlib.error, EOFError) as error:
        raise InputError(
            f"The voxels of {path} are damaged or missing: {error}. Copy or export it again from its source."
        ) from error


def _header(start: bytes) -> tuple[dict[str, str], int]:
    """The lines "key = value" up to ElementDataFile, which is the last, and where what follows them begins."""
    lines: dict[str, str] = {}
    offset = 0
    for line in start.splitlines(keepends=True):
        offset += len(line)
        key, _, value = line.decode("utf-8", errors="replace").partition("=")
        lines[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            break
    return lines, offset


def _decompress(source: Path, offset: int, progress: Progress) -> None:
    total = max(source.stat().st_size, 1)
    stream = zlib.decompressobj(_ZLIB_OR_GZIP)
    with source.open("rb") as file:
        file.seek(offset)
        while not stream.eof and (chunk := file.read(_CHUNK)):
            stream.decompress(chunk)
            progress(file.tell() / total, f"Checking {source.name}")
    if not stream.eof:
        raise EOFError("they are cut off")
