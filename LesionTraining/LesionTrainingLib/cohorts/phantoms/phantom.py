"""What the phantoms of every anatomy share: the case they yield, their random streams, and the list of them.

An anatomy is a function from a seed and settings to a :class:`PhantomCase`; it paints a noise-free scene in HU and hands
it to :mod:`.acquisition`. A new anatomy is one module and one line in :data:`_ANATOMIES`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

_ANATOMIES = {"chest": (".chest", "make_chest")}
"""Anatomy -> its module here and the function that makes a case: (seed, settings, progress) -> PhantomCase."""


@dataclass(frozen=True)
class Mimic:
    """Something that a detector may take for a lesion, and that is none.

    Attributes:
        center_ras_mm: where it is.
        kind: ``vessel-crossing``, ``scar``, ``fissure-thickening``, ``apical-cap``, ``costochondral-bump``.
        diameter_mm: its greatest extent, roughly.
    """

    center_ras_mm: Point
    kind: str
    diameter_mm: float


@dataclass(frozen=True, eq=False)
class PhantomCase:
    """One computer-made scan and everything that is true of it.

    Attributes:
        image: CT in HU, int16, in axial order (i to the left, j to posterior, k to superior).
        lesions: the exact truth: centroid, equivalent-sphere diameter, box and mask of the painted shape; score 1.
        kinds: of each lesion, the same order: ``solid``, ``part-solid``, ``ground-glass``, ``juxtapleural``, ``vascular``.
        mimics: what is not a lesion.
        settings: the settings it was made with, of its anatomy's own class.
        seed: the seed it was made with.
    """

    image: Image
    lesions: tuple[Lesion, ...]
    kinds: tuple[str, ...]
    mimics: tuple[Mimic, ...]
    settings: Any
    seed: int


MakeCase = Callable[[int, Any, Progress], PhantomCase]


def anatomies() -> tuple[str, ...]:
    """Names of the anatomies that can be made."""
    return tuple(_ANATOMIES)


def maker(anatomy: str) -> tuple[MakeCase, Any]:
    """The function that makes a case of ``anatomy``, and its default settings.

    Raises:
        UsageError: there is no such anatomy.
    """
    if anatomy not in _ANATOMIES:
        raise UsageError(f"There is no phantom “{anatomy}”. Choose one of: {', '.join(_ANATOMIES)}.")
    name, function = _ANATOMIES[anatomy]
    module = import_module(name, __package__)
    return getattr(module, function), module.DEFAULT


def random_stream(seed: int, part: str) -> np.random.Generator:
    """A generator of its own for one part of a case, so that a change in one part leaves the others as they were.

    Raises:
        UsageError: the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"The seed must be zero or a positive whole number, not {seed}.")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(part.encode())])))
