"""A bundle of Slicer (.mrb) unpacked: a zip, of which nothing is trusted."""

from __future__ import annotations

import errno
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from LesionDetectionLib.core.errors import InputError, OutputError
from LesionDetectionLib.core.progress import Progress

from .expanding import expand
from .references import check_scene

MOST_BYTES = 16 * 2**30
"""Of all that is in a bundle, unpacked: more than any scene of a few scans."""
MOST_FILES = 20_000
_MOST_TIMES = 200
"""How much larger than the bundle its content may be: an empty mask shrinks to a thousandth, a scan of a patient to a half;
bundles of up to 64 MiB content are let through anyway."""
_SMALL = 64 * 2**20
_CHUNK = 1 << 20
_KEPT_FREE = 500 * 10**6


def unpack_scene(bundle: Path, folder: Path, progress: Progress) -> Path:
    """Unpack into a new folder, and return the scene file in it, whose references were looked at.

    Raises:
        InputError: no bundle, damaged, or with anything in it that no bundle of Slicer has. ``folder`` is gone then.
        OutputError: it has no room.
        Cancelled: through ``progress``.
    """
    folder.mkdir(parents=True)
    try:
        _unpack(bundle, folder, progress.part(0.0, 0.5))
        scenes = sorted(folder.rglob("*.mrml"), key=lambda path: (len(path.parts), path))
        if not scenes:
            raise InputError(f"{bundle.name} holds no scene. Is it a bundle that Slicer saved (.mrb)?")
        check_scene(scenes[0])
        expand(folder, progress.part(0.5, 1.0))
        return scenes[0]
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _unpack(bundle: Path, folder: Path, progress: Progress) -> None:
    try:
        with zipfile.ZipFile(bundle) as archive:
            entries = archive.infolist()
            total = _checked(bundle, entries, folder)
            done = 0
            for entry in entries:
                done = _write(archive, entry, folder, done, total, progress)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise InputError(f"{bundle.name} is damaged, or no scene bundle of Slicer. Copy or save it again.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(f"The disk was full before {bundle.name} was unpacked. Free some space.") from error
        # A name twice, a file where a folder is, a name that is too long.
        raise InputError(f"{bundle.name} has names in it that no bundle of Slicer has, and is not opened.") from error


def _checked(bundle: Path, entries: list[zipfile.ZipInfo], folder: Path) -> int:
    """Bytes of all that is in it."""
    for entry in entries:
        name = PurePosixPath(entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        strange = name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename
        if strange or "\x00" in entry.orig_filename or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(
                f"{bundle.name} holds what leads out of it, as no bundle of Slicer does, and is not opened."
            )
    total = sum(entry.file_size for entry in entries)
    most = min(MOST_BYTES, max(_SMALL, _MOST_TIMES * bundle.stat().st_size))
    if total > most or len(entries) > MOST_FILES:
        raise InputError(f"{bundle.name} holds far more than a scene does ({total / 1e9:.1f} GB), and is not opened.")
    if total > shutil.disk_usage(folder).free - _KEPT_FREE:
        raise OutputError(f"There is no room on the disk to unpack {bundle.name}. Free {total / 1e9:.1f} GB.")
    return total


def _write(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, done: int, total: int, progress: Progress
) -> int:
    target = folder / PurePosixPath(entry.filename)
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return done
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:  # it says less of itself than it is
                raise zipfile.BadZipFile("too long")
            file.write(chunk)
            done += len(chunk)
            progress(done / max(total, 1), "Unpacking the scene")
    return done
