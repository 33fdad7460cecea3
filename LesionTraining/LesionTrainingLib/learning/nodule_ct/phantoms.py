"""Phantom scans for the recipe: made by several processes, once, and kept in a cache folder."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ...cohorts.phantoms.chest import FAST, ChestSettings, make_chest
from ...cohorts.phantoms.phantom import random_stream
from .scans import TrainingScan, cache_key, load_scan, prepare_scan, save_scan

_LUNGS = replace(FAST, vessel_tips=1300, tube_current_mas=(30.0, 250.0))
PROTOCOLS: tuple[tuple[float, ChestSettings], ...] = (
    (
        0.45,
        replace(_LUNGS, shape_ijk=(440, 350, 270), spacing_mm=(0.72, 0.72, 1.0), slice_thickness_mm=1.0, psf_mm=0.9),
    ),
    (0.35, _LUNGS),
    (0.2, replace(_LUNGS, shape_ijk=(400, 320, 135), spacing_mm=(0.8, 0.8, 2.0), slice_thickness_mm=2.5, psf_mm=1.1)),
)
"""(Share, settings): thin slices with a sharp kernel, the generator's fast preset, thick slices. A model that knows one
protocol only takes its sharpness for granted."""


def protocol_of(seed: int) -> ChestSettings:
    """The protocol that a training or validation phantom of this seed is scanned with."""
    shares = [share for share, _ in PROTOCOLS]
    return PROTOCOLS[int(random_stream(seed, "protocol").choice(len(shares), p=shares))][1]


@dataclass(frozen=True)
class PhantomRequest:
    """Which phantom, on which working grid."""

    seed: int
    chest: ChestSettings
    nodule: NoduleSettings

    def folder(self, cache: Path) -> Path:
        key = cache_key(self.chest, self.nodule.spacing_mm, self.nodule.closing_mm, self.nodule.lung_margin_mm)
        return cache / f"chest-{self.seed:05d}-{key}"


def phantom_scans(
    requests: Sequence[PhantomRequest], cache: Path, processes: int, progress: Progress
) -> list[TrainingScan]:
    """The phantoms in the order asked for; those not in the cache are made first.

    Raises:
        OutputError: the cache cannot be written.
        Cancelled: see ``progress``; what was made stays in the cache.
    """
    missing = [request for request in requests if not request.folder(cache).is_dir()]
    if missing:
        # Spawned, not forked: a fork of a process whose torch has threads can hang.
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes, initializer=_quiet) as pool:
            for done, _ in enumerate(pool.imap_unordered(partial(_make, cache=cache), missing), 1):
                progress(done / len(missing), f"Phantom {done} of {len(missing)}")
    return [load_scan(request.folder(cache)) for request in requests]


def _make(request: PhantomRequest, cache: Path) -> None:
    case = make_chest(request.seed, request.chest)
    scan = prepare_scan(
        case.image,
        [lesion.center_ras_mm for lesion in case.lesions],
        [lesion.diameter_mm for lesion in case.lesions],
        [mimic.center_ras_mm for mimic in case.mimics],
        request.nodule,
        request.seed,
    )
    save_scan(request.folder(cache), scan)


def _quiet() -> None:
    # Ctrl-C is the parent's to handle: it ends the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
