"""Detectors that stay loaded from one request to the next."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import Detector, MethodInfo, method
from LesionDetectionLib.core.resources import demonstration_model

MOST = 2
"""Detectors at once: the one in use, and the one that it is compared with."""


class Loaded(NamedTuple):
    """A detector with what it was made from."""

    info: MethodInfo
    bundle: Bundle | None
    detector: Detector


class Kept:
    """The detectors that were used last."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._loaded: OrderedDict[tuple[str, str, str], Loaded] = OrderedDict()

    def detector(self, method_id: str, model: str = "", device: str = "auto") -> Loaded:
        """The detector of this method, model (path of a bundle; empty for the demonstration model) and device.

        The bundle is opened and verified each time, 0.1 s for 100 MB: one that was replaced or damaged meanwhile is noticed.

        Raises:
            UsageError: there is no such method, or it needs a model.
            BundleError: the model is damaged, or of another method.
            DeviceError: there is no such device.
        """
        info = method(method_id)
        bundle = _bundle(info, model)
        key = (info.id, "" if bundle is None else bundle.digest, device)
        if key not in self._loaded:
            while len(self._loaded) >= self._most:  # before loading: memory may be short
                self._loaded.popitem(last=False)
            self._loaded[key] = Loaded(info, bundle, info.create(bundle, device))
        self._loaded.move_to_end(key)
        return self._loaded[key]


def _bundle(info: MethodInfo, model: str) -> Bundle | None:
    if model:
        return Bundle.open(Path(model))
    return Bundle.open(demonstration_model(info.demonstration_model)) if info.needs_model else None
