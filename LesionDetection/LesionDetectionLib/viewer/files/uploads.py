"""Files from the browser: streamed into a private folder, under names of ours, within limits, or not kept at all.

First comes a list of names and sizes (``POST /upload``), then, at the address that answers it, the files' bytes one after the
other in the same order. So what is too much is refused before it is sent, and nothing in the stream has to be searched for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
from aiohttp import web

from ..gate import Refused
from ..refusals import BAD_REQUEST, NOT_FOUND, TOO_LARGE, WRONG_KIND, Refusal
from .names import folder_of, other_name, safe_name

MOST_FILES = 20_000
_LONGEST_LIST = 8 * 2**20
"""Bytes of the list of 20,000 names of 400 characters."""
_KEPT_FREE = 500 * 10**6
"""Bytes of the disk that an upload leaves."""
_WRITTEN_AT_ONCE = 1 << 20
_SILENT_S = 60.0
"""A browser that sends nothing for so long has gone."""
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".bz2", ".xz", ".iso")
_OTHERS = (
    *(".exe", ".msi", ".dmg", ".app", ".bat", ".ps1", ".sh", ".py", ".js", ".html", ".htm", ".css", ".pdf", ".doc"),
    *(".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".rtf", ".txt", ".md", ".csv", ".json", ".xml", ".yaml"),
    *(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".svg", ".tif", ".tiff", ".mp3", ".mp4", ".mov", ".avi"),
)
"""Endings of what is certainly no scan. DICOM files may have any other one, or none."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Expected:
    """Attributes:
    files: place within the upload's folder, and size, in the order of the stream.
    """

    files: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(size for _name, size in self.files)


class Uploads:
    """Args:
    folder: private to this viewer; each upload gets a folder in it.
    limit_bytes: of one upload.
    may_come: asked before each; its sentence says why nothing can be taken now, empty where it can.
    received: called with the folder of a whole upload, in the event loop's thread.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        may_come: Callable[[], str] = lambda: "",
        received: Callable[[Path], None] = lambda _folder: None,
    ) -> None:
        self._folder, self._limit = folder, limit_bytes
        self.may_come, self.received = may_come, received
        self._expected: dict[str, _Expected] = {}
        self._under_way = False

    def place(self, app: web.Application) -> None:
        """Answer under ``/upload``."""
        app.router.add_post("/upload", self._announce)
        app.router.add_post("/upload/{key}", self._receive)

    async def _announce(self, request: web.Request) -> web.Response:
        """The list: ``{"files": [["folder/name", bytes], ...]}``. The answer has the key for the next step."""
        expected = self._understood(await _body(request))
        self._refuse_now()
        if expected.total > self._limit:
            raise Refused(_too_large(expected.total, self._limit))
        self._refuse_full(expected.total)
        self._expected.clear()  # what was announced and never sent
        key = secrets.token_urlsafe(16)
        self._expected[key] = expected
        return web.json_response({"key": key})

    async def _receive(self, request: web.Request) -> web.Response:
        expected = self._expected.pop(request.match_info["key"], None)
        if expected is None:
            raise Refused(NOT_FOUND)
        self._refuse_now()
        if request.content_length not in (None, expected.total):
            raise Refused(TOO_LARGE if (request.content_length or 0) > expected.total else BAD_REQUEST)
        self._refuse_full(expected.total)
        folder = self._folder / f"upload-{secrets.token_hex(8)}"
        self._under_way = True
        try:
            folder.mkdir()
            await _stream(request.content, folder, expected)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, (aiohttp.ClientError, web.RequestPayloadError, asyncio.TimeoutError, ConnectionError)):
                raise Refused(BAD_REQUEST) from error  # nobody hears it: the connection was cut
            if isinstance(error, OSError):
                _log.warning("An upload could not be written: %s", error.strerror)
                raise Refused(TOO_LARGE.with_text("The files could not be written: the disk is full.")) from error
            raise
        finally:
            self._under_way = False
        self.received(folder)
        return web.json_response({})

    def _refuse_now(self) -> None:
        why = "Another upload is under way. Wait for it, or cancel it." if self._under_way else self.may_come()
        if why:
            raise Refused(Refusal(409, "Not now", why))

    def _refuse_full(self, total: int) -> None:
        free = shutil.disk_usage(self._folder).free - _KEPT_FREE
        if total > free:
            raise Refused(
                TOO_LARGE.with_text(
                    f"There is no room on the disk of this machine for {_gb(total)}. Free some space there."
                )
            )

    def _understood(self, body: bytes) -> _Expected:
        """
        Raises:
            Refused: no such list, too many files, or none that could be a scan.
        """
        try:
            named = [(str(name), _size(size)) for name, size in json.loads(body)["files"]]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Refused(BAD_REQUEST) from error
        if not named:
            raise Refused(BAD_REQUEST.with_text("There were no files in what was sent."))
        if len(named) > MOST_FILES:
            raise Refused(
                TOO_LARGE.with_text(f"{len(named)} files are too many: at most {MOST_FILES:,} are taken at once.")
            )
        names = [name.lower() for name, _size in named]
        if all(name.endswith((*_ARCHIVES, *_OTHERS)) for name in names):
            archive = any(name.endswith(_ARCHIVES) for name in names)
            text = "Archives are not unpacked here. Unpack it first, then drop the folder."
            raise Refused(WRONG_KIND.with_text(text) if archive else WRONG_KIND)
        return _Expected(tuple(_placed(named)))


def _placed(named: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Files of one folder stay together, under their names (a header finds its voxels); the folders are numbered."""
    numbers: dict[str, int] = {}
    taken: set[str] = set()
    placed = []
    for count, (given, size) in enumerate(named):
        number = numbers.setdefault(folder_of(given), len(numbers))
        name = safe_name(given)
        if f"{number}/{name.lower()}" in taken:
            name = other_name(name, count)
        taken.add(f"{number}/{name.lower()}")
        placed.append((f"{number}/{name}", size))
    return placed


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("no size")
    return value


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > _LONGEST_LIST:
        raise Refused(TOO_LARGE)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _LONGEST_LIST:
            raise Refused(TOO_LARGE)
    return bytes(body)


async def _stream(content: aiohttp.StreamReader, folder: Path, expected: _Expected) -> None:
    """Cut the stream into the files that were announced.

    Raises:
        Refused: it is longer or shorter than they are.
    """
    writer = _Writer(folder, expected)
    try:
        while True:
            chunk = await asyncio.wait_for(content.readany(), _SILENT_S)
            if not chunk:
                break
            writer.write(chunk)
        writer.end()
    finally:
        writer.close()


class _Writer:
    """Writes one file after the other."""

    def __init__(self, folder: Path, expected: _Expected) -> None:
        self._folder = folder
        self._files = iter(expected.files)
        self._file: BinaryIO | None = None
        self._left = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            while not self._left:
                if not self._next():
                    raise Refused(TOO_LARGE)
            assert self._file is not None
            part = view[: self._left]
            self._file.write(part)
            self._left -= len(part)
            view = view[len(part) :]

    def end(self) -> None:
        """The stream has ended: so must have the files, but for empty ones."""
        while not self._left:
            if not self._next():
                return
        raise Refused(BAD_REQUEST.with_text("Less was sent than announced. Nothing of it was kept; try again."))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> bool:
        self.close()
        entry = next(self._files, None)
        if entry is None:
            return False
        path = self._folder / entry[0]
        path.parent.mkdir(exist_ok=True)
        self._file, self._left = path.open("xb", buffering=_WRITTEN_AT_ONCE), entry[1]
        return True


def _too_large(total: int, limit: int) -> Refusal:
    return TOO_LARGE.with_text(
        f"This is {_gb(total)}, and at most {_gb(limit)} are taken at once. `lesion view --upload-limit` changes that; files of "
        "this machine are opened without an upload: `lesion view FOLDER`."
    )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
