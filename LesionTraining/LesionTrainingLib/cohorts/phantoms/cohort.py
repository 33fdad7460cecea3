"""Phantoms as a cohort: ``phantoms:chest?seeds=0-47``, ``phantoms:pet-ct?seeds=0-9&active=yes``,
``phantoms:body?seeds=0-99&protocol=slab``; each is made when its case is read, and the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.image import CT, PET, Image
from LesionDetectionLib.core.progress import Progress

from ..case import Case, Truth
from ..cohort import Cohort
from ..spec import Kind, numbers
from .petct_settings import AS_DRAWN, with_activity
from .phantom import PhantomCase, anatomies, maker, protocol_of

_MODALITIES = {"pet-ct": (CT, PET), "pet": (PET,)}
"""Of the anatomies that are not a CT alone, the main one first."""


@dataclass(frozen=True)
class PhantomOptions:
    """Attributes:
    seeds: of the phantoms, one a patient: ``0-47`` or ``3,5,8``.
    protocol: how they are scanned: ``default``, ``fast`` (coarser voxels), ``tiny`` (to try the machinery); of the chest
        also ``mixed`` (thin, usual and thick slices by seed, as hospitals have them), of a PET/CT ``chest`` (the lungs only,
        to learn from); of the body ``default`` (neck to pelvis), ``slab`` (the few slices about a lesion that DeepLesion
        keeps, of 1 to 5 mm by seed) and ``tiny``, and with lesions of the liver only, nearly all with contrast medium in the
        portal venous phase, ``liver`` (such a slab) and ``abdomen`` (the whole liver in slices of 2.5 to 5 mm; a tenth of
        the patients has no lesion), ``liver-tiny`` and ``abdomen-tiny``; of a PET (``pet``) ``default`` (one tumour of
        lung or oesophagus a patient), ``mixed`` (a fifth of the patients has none, a third of the others has metastases
        too), ``tiny`` and ``tiny-mixed``.
    active: of a PET/CT, whether it has active lesions: ``any`` (as the seed has it; about a third has none), ``yes`` (at
        least one) or ``no`` (all are inactive).
    """

    seeds: str = "0-9"
    protocol: str = "default"
    active: str = AS_DRAWN


@dataclass(frozen=True)
class PhantomCohortCase(Case):
    """One phantom, made from its seed."""

    anatomy: str
    seed: int
    protocol: str
    active: str = AS_DRAWN

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        return _made(self, progress).images

    def truth(self) -> Truth:
        case = _made(self, None)
        mimics = np.array([mimic.center_ras_mm for mimic in case.mimics], dtype=np.float64).reshape(-1, 3)
        return Truth(case.lesions, negatives_ras_mm=mimics, kinds=case.kinds, label=case.label)

    def sources(self) -> tuple[Path, ...]:
        return ()


def open_phantoms(path: Path, options: PhantomOptions, progress: Progress) -> Cohort:
    """The cohort. Raises UsageError for an anatomy, protocol or seeds that there are not."""
    anatomy = str(path)
    maker(anatomy)
    with_activity(protocol_of(anatomy, options.protocol, 0), options.active)  # refuses what there is not
    seeds = dict.fromkeys(numbers(options.seeds, "seeds"))
    modalities = _MODALITIES.get(anatomy, (CT,))
    cases = []
    for seed in seeds:
        name = f"{anatomy}-phantom-{seed:04d}"
        cases.append(
            PhantomCohortCase(name, name, "", modalities, True, anatomy, seed, options.protocol, options.active)
        )
    return Cohort("", f"computer-made {anatomy} phantoms", tuple(cases), on_phantoms=True)


def _made(case: PhantomCohortCase, progress: Progress | None) -> PhantomCase:
    # Image and truth are asked for one after the other: the last phantom is kept, so that it is made once.
    if progress is not None and not _cached.cache_info().currsize:
        progress(0.0, f"Making {case.id}")
    return _cached(case.anatomy, case.seed, case.protocol, case.active)


@lru_cache(maxsize=1)
def _cached(anatomy: str, seed: int, name: str, active: str) -> PhantomCase:
    make, _ = maker(anatomy)
    return make(seed, with_activity(protocol_of(anatomy, name, seed), active), Progress())


KIND = Kind(
    "phantoms",
    "computer-made scans whose lesions are known exactly",
    f"the anatomy: {', '.join(anatomies())}",
    PhantomOptions,
    open_phantoms,
)
