"""Phantoms as a cohort: ``phantoms:chest?seeds=0-47``; each is made when its case is read, and the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.progress import Progress

from ..case import Case, Truth
from ..cohort import Cohort
from ..spec import Kind, numbers
from .chest_protocols import PROTOCOL_NAMES, protocol
from .phantom import PhantomCase, anatomies, maker


@dataclass(frozen=True)
class PhantomOptions:
    """Attributes:
    seeds: of the phantoms, one a patient: ``0-47`` or ``3,5,8``.
    protocol: how they are scanned: ``default``, ``fast`` (coarser voxels), ``tiny`` (to try the machinery), or ``mixed`` (thin, usual and thick slices by
        seed, as hospitals have them).
    """

    seeds: str = "0-9"
    protocol: str = "default"


@dataclass(frozen=True)
class PhantomCohortCase(Case):
    """One phantom, made from its seed."""

    anatomy: str
    seed: int
    protocol: str

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        return {CT: _made(self, progress).image}

    def truth(self) -> Truth:
        case = _made(self, None)
        mimics = np.array([mimic.center_ras_mm for mimic in case.mimics], dtype=np.float64).reshape(-1, 3)
        return Truth(case.lesions, negatives_ras_mm=mimics, kinds=case.kinds)

    def sources(self) -> tuple[Path, ...]:
        return ()


def open_phantoms(path: Path, options: PhantomOptions, progress: Progress) -> Cohort:
    """The cohort. Raises UsageError for an anatomy, protocol or seeds that there are not."""
    anatomy = str(path)
    maker(anatomy)
    if options.protocol not in PROTOCOL_NAMES:
        raise UsageError(
            f"There is no phantom protocol “{options.protocol}”. Choose one of: {', '.join(PROTOCOL_NAMES)}."
        )
    seeds = dict.fromkeys(numbers(options.seeds, "seeds"))
    cases = []
    for seed in seeds:
        name = f"{anatomy}-phantom-{seed:04d}"
        cases.append(PhantomCohortCase(name, name, "", (CT,), True, anatomy, seed, options.protocol))
    return Cohort("", f"computer-made {anatomy} phantoms", tuple(cases), on_phantoms=True)


def _made(case: PhantomCohortCase, progress: Progress | None) -> PhantomCase:
    # Image and truth are asked for one after the other: the last phantom is kept, so that it is made once.
    if progress is not None and not _cached.cache_info().currsize:
        progress(0.0, f"Making {case.id}")
    return _cached(case.anatomy, case.seed, case.protocol)


@lru_cache(maxsize=1)
def _cached(anatomy: str, seed: int, name: str) -> PhantomCase:
    make, _ = maker(anatomy)
    return make(seed, protocol(name, seed), Progress())


KIND = Kind(
    "phantoms",
    "computer-made scans whose lesions are known exactly",
    f"the anatomy: {', '.join(anatomies())}",
    PhantomOptions,
    open_phantoms,
)
