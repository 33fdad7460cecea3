"""The network of a row as a reader of key slices, and how long it takes for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import describe_device
from LesionDetectionLib.methods.slices.settings import MIDDLE
from LesionDetectionLib.methods.universal_ct.engine import SliceEngine
from LesionDetectionLib.methods.universal_ct.in_slice import look_with
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

from ...cohorts.case import Case
from ...evaluation.reading.ahead import ReadCase, work_on_read
from ..key_slices.marks import Reader
from .tables import Timed

_WARM_UP = 2
"""Images that are looked at before time is taken."""


def reader_of(network: UniversalNetwork, method: UniversalSettings, device: torch.device) -> Reader:
    """How a network reads key slices, as the detector would.

    Args:
        method: what it sees, and how boxes are chosen.
    """
    engine, method = SliceEngine(network, device), replace(method, slices=MIDDLE)
    where = f"{describe_device(device)}, {str(engine.number).removeprefix('torch.')}"
    return Reader(method, look_with(engine, method, 0.0), where)


def timed(cases: Sequence[Case], reader: Reader) -> Timed:
    """The median over the cases, one at a time, from three slices in memory to boxes with scores; the first ones are looked
    at before, untimed. Cases that cannot be read are not among them."""
    images = [read.images[CT] for read in _readable(cases)]
    for image in images[:_WARM_UP]:
        reader.look(image)
    taken = [reader.milliseconds(image) for image in images]
    return Timed(float(np.median(taken)) if taken else float("nan"), len(taken), reader.where)


def _readable(cases: Sequence[Case]) -> list[ReadCase]:
    done, _ = work_on_read(cases, lambda read: read, 1, Progress())
    return [read for _, read in done]
