"""Files for the browser: each under an address that nobody can guess and that works once."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from LesionDetectionLib.core.errors import LesionDetectionError

from ..gate import Refused
from ..refusals import FAULT, NOT_FOUND
from ..shown_text import without_folders
from .names import safe_name

_MOST_WAITING = 20
"""Offers that were never fetched; the oldest goes."""

_SENT_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class _Offer:
    name: str
    folder: Path
    write: Callable[[Path], None] | None


class Downloads:
    """Args:
    folder: private to this viewer; each offer has a folder in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offers: dict[str, _Offer] = {}

    def place(self, app: web.Application) -> None:
        """Answer under ``/download``."""
        app.router.add_get("/download/{key}", self._send, allow_head=False)

    def new_file(self, name: str) -> Path:
        """Where to write a file that will be offered; in a folder of its own."""
        folder = self._folder / f"download-{secrets.token_hex(8)}"
        folder.mkdir()
        return folder / safe_name(name)

    def offer_file(self, path: Path) -> str:
        """The address of a file that :meth:`new_file` gave and that was written by now. It is removed once it was fetched."""
        return self._add(_Offer(path.name, path.parent, None))

    def offer(self, name: str, write: Callable[[Path], None]) -> str:
        """The address of a file that is written when it is asked for.

        Args:
            name: what the browser saves it as.
            write: writes it to a path, in another thread; may raise one of our errors, whose sentence is then shown.
        """
        path = self.new_file(name)
        return self._add(_Offer(path.name, path.parent, write))

    def forget(self) -> None:
        """Take all offers back."""
        for key in list(self._offers):
            self._remove(self._offers.pop(key))

    def _add(self, offer: _Offer) -> str:
        while len(self._offers) >= _MOST_WAITING:
            self._remove(self._offers.pop(next(iter(self._offers))))
        key = secrets.token_urlsafe(32)
        self._offers[key] = offer
        return f"/download/{key}"

    def _remove(self, offer: _Offer) -> None:
        shutil.rmtree(offer.folder, ignore_errors=True)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        offer = self._offers.pop(request.match_info["key"], None)
        if offer is None:
            raise Refused(NOT_FOUND.with_text("This was downloaded already, or is not here any more. Make it again."))
        try:
            path = offer.folder / offer.name
            if offer.write is not None:
                await self._written(offer, path)
            return await _streamed(request, path)
        finally:
            self._remove(offer)

    async def _written(self, offer: _Offer, path: Path) -> None:
        assert offer.write is not None
        try:
            await asyncio.to_thread(offer.write, path)
        except LesionDetectionError as error:
            raise Refused(FAULT._replace(title="This could not be made", text=without_folders(str(error)))) from error


async def _streamed(request: web.Request, path: Path) -> web.StreamResponse:
    response = web.StreamResponse(headers=_headers(path.name))
    response.content_length = path.stat().st_size
    with path.open("rb") as file:
        await response.prepare(request)
        while chunk := await asyncio.to_thread(file.read, _SENT_AT_ONCE):
            await response.write(chunk)
    await response.write_eof()
    return response


def _headers(name: str) -> dict[str, str]:
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "Content-Type": "application/octet-stream",
    }
