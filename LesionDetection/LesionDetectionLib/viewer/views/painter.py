"""When a view is drawn: never faster than the page takes pictures, always the newest, and once more in good quality."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""``[row, column, 3]``, red, green, blue, from the upper left corner."""


class Frame(NamedTuple):
    """Attributes:
    pixels: what was drawn.
    notes: what is to be written over it.
    """

    pixels: Pixels
    notes: Mapping[str, Any]


_MOVING, _STILL = 80, 95
"""Quality of JPEG, of 100. At 80 a 700 x 800 slice has about 60 kB; at 95, with colours at full resolution, 170 kB."""
_STILL_AFTER_S = 0.25
"""Without a change, a view is drawn once more in good quality."""
_SHORTEST_S = 1 / 40
"""Between two pictures of one view."""
_ON_THE_WAY = 2
"""Pictures that may be between here and the page; more would only be late."""
_LOST_AFTER_S = 2.0
"""A picture that the page did not confirm by then is no longer waited for."""

_log = logging.getLogger(__name__)


class Turns:
    """Lets the view that a person's hand is in be drawn first: all views are drawn in one thread."""

    def __init__(self) -> None:
        self._first: Painter | None = None

    def prefer(self, painter: Painter) -> None:
        self._first = painter

    async def wait(self, painter: Painter) -> None:
        """Until it is this one's turn: at once for the preferred one, soon for any other."""
        since, first = time.monotonic(), self._first
        while first is not None and first is not painter and first.moving:
            await asyncio.sleep(0.02)
            if time.monotonic() - since > painter.patience_s:
                return


class Painter:
    """Draws one view.

    Args:
        draw: gives the picture, None for none; blocks.
        send: sends a JPEG and its notes to the page.
        turns: shared by all views.
        patience_s: how long another view goes first while a person works there.
    """

    def __init__(
        self,
        draw: Callable[[], Frame | None],
        send: Callable[[bytes, Mapping[str, Any]], None],
        turns: Turns,
        patience_s: float = 0.3,
    ) -> None:
        self._draw, self._send, self._turns = draw, send, turns
        self.patience_s = patience_s
        self.drawn = 0
        self.paused = False
        self.moving = False
        self._wanted: asyncio.Event | None = None
        self._room: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked = self._drawing = False
        self._on_the_way = 0

    def request(self) -> None:
        """Draw soon; many requests are one. Without an event loop, as in a test, it is only remembered."""
        if self._drawing:
            return  # what drawing itself changes needs no other picture
        self._asked = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is None:
            self._wanted, self._room = asyncio.Event(), asyncio.Event()
            self._task = loop.create_task(self._run())
        assert self._wanted is not None
        self._wanted.set()

    def arrived(self) -> None:
        """A picture is on the screen."""
        self._on_the_way = max(0, self._on_the_way - 1)
        if self._room is not None:
            self._room.set()

    def begin_anew(self) -> None:
        """Another page shows the view: what was on the way to the last one is not waited for."""
        self._on_the_way = 0
        if self._room is not None:
            self._room.set()

    @property
    def asked(self) -> bool:
        """Whether a picture is due."""
        return self._asked

    def draw_now(self) -> Frame | None:
        """The picture, at once."""
        self._asked = False
        self.drawn += 1
        self._drawing = True
        try:
            return self._draw()
        finally:
            self._drawing = False

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        assert self._wanted is not None
        while True:
            await self._wanted.wait()
            if self.paused:
                self._wanted.clear()
                continue
            self.moving = True
            await self._turns.wait(self)
            await self._wait_for_room()
            self._wanted.clear()
            began = time.monotonic()
            self._paint(_MOVING)
            await asyncio.sleep(max(0.0, began + _SHORTEST_S - time.monotonic()))
            try:
                await asyncio.wait_for(self._wanted.wait(), _STILL_AFTER_S)
            except asyncio.TimeoutError:
                self.moving = False
                if not self.paused:
                    self._paint(_STILL)
                await asyncio.sleep(0)

    async def _wait_for_room(self) -> None:
        assert self._room is not None
        while self._on_the_way >= _ON_THE_WAY:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), _LOST_AFTER_S)
            except asyncio.TimeoutError:
                self._on_the_way = 0

    def _paint(self, quality: int) -> None:
        try:
            frame = self.draw_now()
        except Exception:
            _log.exception("A view could not be drawn.")
            return
        if frame is None:
            return
        self._on_the_way += 1
        loop = asyncio.get_running_loop()
        coded = loop.run_in_executor(_encoder(), as_jpeg, frame.pixels, quality)
        coded.add_done_callback(partial(self._on_coded, frame.notes))

    def _on_coded(self, notes: Mapping[str, Any], coded: asyncio.Future[bytes]) -> None:
        if not coded.cancelled() and coded.exception() is None:
            self._send(coded.result(), notes)


def as_jpeg(pixels: Pixels, quality: int) -> bytes:
    """As JPEG; from :data:`_STILL` on with colours at full resolution, so that thin outlines keep theirs."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if quality >= _STILL:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)
    return data.tobytes()


_pool: Executor | None = None


def _encoder() -> Executor:
    """One thread for all views: pictures of a view stay in order, and OpenCV lets the others go on."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(1, "pictures")
    return _pool
