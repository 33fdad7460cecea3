"""The features, or the cubes, of a cohort's lesions: case by case in several processes, and kept so that a later run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.caching.cache import Cache
from ..cohorts.caching.entries import Content, Entry, Maker
from ..cohorts.caching.keys import key_of
from ..cohorts.case import Case
from ..cohorts.cohort import LeftOut
from .cubes import Cubes, cube_of
from .dependencies import require
from .features import features_of
from .masks import MaskedCase
from .settings import FeatureSettings, RpetSettings
from .table import FeatureTable, joined

_FEW_BYTES = 10**9
"""A cohort's features and cubes need far less."""


@dataclass(frozen=True)
class _CubeSettings:
    """What a cube depends on."""

    side: int
    spacing_mm: float
    most_suv: float
    masked: bool
    lesion: str


def features_digest(settings: FeatureSettings) -> str:
    """Of what features depend on besides the scan: the settings, and MIRP's version."""
    from importlib.metadata import version

    require("mirp")
    return key_of(settings, version("mirp"))


def extract_features_of(
    cases: Sequence[MaskedCase], settings: FeatureSettings, cache: Path, workers: int, progress: Progress
) -> tuple[FeatureTable, list[LeftOut]]:
    """One row a case, under its patient's name; cases that cannot be measured are left out and say why.

    Args:
        cases: each of another patient.
        cache: folder of what is done already.
        workers: processes.

    Raises:
        InputError: no case can be measured. OutputError: the disk is full. Cancelled: through ``progress``.
        DependencyError: MIRP is not installed.
    """
    digest = features_digest(settings)
    done, left_out = _made(
        cases, (settings, digest), Maker("radiomics-features", 1, _make_features), cache, workers, progress
    )
    rows = [
        (case.patient, dict(zip(entry.values["names"], map(float, entry.arrays["values"]), strict=True)))
        for case, entry in done
    ]
    return joined(rows, digest), left_out


def extract_cubes(
    cases: Sequence[MaskedCase], settings: RpetSettings, lesion: str, cache: Path, workers: int, progress: Progress
) -> tuple[Cubes, list[LeftOut]]:
    """The same with what 3D-RPET-Net sees."""
    asked = _CubeSettings(settings.side, settings.spacing_mm, settings.most_suv, settings.masked, lesion)
    done, left_out = _made(cases, asked, Maker("radiomics-cube", 1, _make_cube), cache, workers, progress)
    values = np.stack([np.asarray(entry.arrays["cube"]) for _, entry in done])
    return Cubes(tuple(case.patient for case, _ in done), values), left_out


def _made(
    cases: Sequence[MaskedCase], settings: Any, maker: Maker, cache: Path, workers: int, progress: Progress
) -> tuple[list[tuple[Case, Entry]], list[LeftOut]]:
    done, left_out = Cache(cache, _FEW_BYTES).prepare_all(cases, settings, maker, workers, progress)
    if not done:
        reason = f" The first, {left_out[0].case}: {left_out[0].reason}" if left_out else ""
        raise InputError(f"No lesion of {len(cases)} cases can be measured.{reason}")
    return done, left_out


def _make_features(case: Any, settings: tuple[FeatureSettings, str], progress: Progress) -> Content:
    image, mask = case.measured(settings[0].lesion, progress)
    found = features_of(image, mask, settings[0])
    return Content({"values": np.array(list(found.values()), dtype=np.float64)}, {"names": list(found)})


def _make_cube(case: Any, settings: _CubeSettings, progress: Progress) -> Content:
    image, mask = case.measured(settings.lesion, progress)
    given = RpetSettings(settings.side, settings.spacing_mm, settings.most_suv, settings.masked)
    return Content({"cube": cube_of(image, mask, given)})
