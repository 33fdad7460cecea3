"""Scans that the computer makes, for who has none at hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.demo import PHANTOM_SEED
from LesionDetectionLib.app.worker.images import read_image
from LesionDetectionLib.core.errors import DependencyError, UsageError
from LesionDetectionLib.core.late import load

from ..context import Context
from ..files.exchange import Exchange
from ..files.opening import Opened
from .opener import Opener

ITEMS = [{"value": "chest", "title": "Chest CT"}, {"value": "pet", "title": "Whole-body PET"}]
"""For a list."""
_PROTOCOLS = {"chest": "fast", "pet": "default"}
"""A chest that is a little coarser than the usual one is there in seconds."""
_MADE = 0.95
"""Of the way, when it is made and has to be read."""


class Phantoms:
    """Made by the worker, then opened."""

    def __init__(self, context: Context, exchange: Exchange, opener: Opener) -> None:
        self._context, self._exchange, self._opener = context, exchange, opener

    def open(self, name: str) -> None:
        """
        Args:
            name: value of one of :data:`ITEMS`.

        Raises:
            UsageError: there is none of this name, or something is being opened.
            DependencyError: Lesion Training, which makes them, is not installed.
        """
        if name not in _PROTOCOLS:
            raise UsageError("There is no such phantom.")
        try:
            request_of = load("LesionTrainingLib.session.requests:PhantomRequest")
            image_name = load("LesionTrainingLib.session.requests:IMAGE")
        except ModuleNotFoundError as error:
            raise DependencyError("Phantoms are made by Lesion Training, which is not installed.") from error
        place = self._exchange.new_place("phantom")
        request = request_of(str(place), anatomy=name, seed=PHANTOM_SEED, protocol=_PROTOCOLS[name])
        self._opener.start(lambda: self._make(request, place, place / image_name))

    async def _make(self, request: Any, place: Path, image: Path) -> None:
        opener = self._opener
        try:
            await opener.wait_for(lambda changed: self._context.engine.submit(request, {}, changed), _MADE)
            made = await opener.in_thread(lambda _progress: read_image(image), _MADE)
            opener.choose([opener.volumes.add(Opened(made))])
        finally:
            shutil.rmtree(place, ignore_errors=True)
