"""What the phantoms of every anatomy share: the case they yield, their random streams, and the list of them.

An anatomy is a function from a seed and settings to a :class:`PhantomCase`; it paints a noise-free scene in HU and hands
it to :mod:`.acquisition`. A new anatomy is a module, another for its protocols, and one line in :data:`_ANATOMIES`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

_ANATOMIES = {
    "chest": (".chest", "make_chest", ".chest_protocols"),
    "pet-ct": (".petct", "make_petct", ".petct_protocols"),
    "body": (".body", "make_body", ".body_protocols"),
    "pet": (".pet", "make_pet", ".pet_protocols"),
}
"""Anatomy -> its module here, the function that makes a case, (seed, settings, progress) -> PhantomCase, and the module with
its ``PROTOCOL_NAMES`` and ``protocol(name, seed)``, the settings of the phantom of a seed."""


@dataclass(frozen=True)
class Mimic:
    """Something that a detector may take for a lesion, and that is none.

    Attributes:
        center_ras_mm: where it is.
        kind: ``vessel-crossing``, ``scar``, ``fissure-thickening``, ``apical-cap``, ``costochondral-bump``;
            ``inactive-lesion`` where only active ones are to be found; of a body ``small-node``,
            ``calcified-speck``, ``focal-fat``; of a study of the liver also ``perfusion`` and ``kidney-cyst``.
        diameter_mm: its greatest extent, roughly.
    """

    center_ras_mm: Point
    kind: str
    diameter_mm: float


@dataclass(frozen=True, eq=False)
class PhantomCase:
    """One computer-made scan and everything that is true of it.

    Attributes:
        image: CT in HU, int16, in axial order (i to the left, j to posterior, k to superior); of a PET alone, float32 SUVbw.
        lesions: the exact truth: centroid, equivalent-sphere diameter, box and mask of the painted shape; score 1.
        kinds: of each lesion, the same order: ``solid``, ``part-solid``, ``ground-glass``, ``juxtapleural``, ``vascular``;
            ``active`` in a PET/CT; the region in a body, by DeepLesion's words: ``lung``, ``soft tissue``; in a PET ``lung``,
            ``oesophagus``, ``metastasis``.
        mimics: what is not a lesion.
        settings: the settings it was made with, of its anatomy's own class.
        seed: the seed it was made with.
        others: further images of the same patient by modality, on grids of their own.
        inactive: of a PET/CT the lesions without uptake, as exact as the active ones; each is a mimic too.
        landmarks: organ -> its place in RAS mm; those within the field of view, where the anatomy tells them.
        label: what the whole image shows, in a word: ``lung``, ``oesophagus`` or ``none`` in a PET; empty elsewhere.
    """

    image: Image
    lesions: tuple[Lesion, ...]
    kinds: tuple[str, ...]
    mimics: tuple[Mimic, ...]
    settings: Any
    seed: int
    others: Mapping[str, Image] = field(default_factory=dict)
    inactive: tuple[Lesion, ...] = ()
    landmarks: Mapping[str, Point] = field(default_factory=dict)
    label: str = ""

    @property
    def images(self) -> dict[str, Image]:
        """All images by modality, the main one first."""
        return {self.image.modality: self.image, **self.others}


MakeCase = Callable[[int, Any, Progress], PhantomCase]


def anatomies() -> tuple[str, ...]:
    """Names of the anatomies that can be made."""
    return tuple(_ANATOMIES)


def maker(anatomy: str) -> tuple[MakeCase, Any]:
    """The function that makes a case of ``anatomy``, and its default settings.

    Raises:
        UsageError: there is no such anatomy.
    """
    name, function, _ = _named(anatomy)
    module = import_module(name, __package__)
    return getattr(module, function), module.DEFAULT


def protocol_names(anatomy: str) -> tuple[str, ...]:
    """How phantoms of ``anatomy`` can be scanned. Raises UsageError where there is no such anatomy."""
    names: tuple[str, ...] = import_module(_named(anatomy)[2], __package__).PROTOCOL_NAMES
    return names


def protocol_of(anatomy: str, name: str, seed: int) -> Any:
    """The settings of the phantom of ``seed`` under a protocol of ``anatomy``.

    Raises:
        UsageError: there is no such anatomy, or it has no such protocol.
    """
    names = protocol_names(anatomy)
    if name not in names:
        raise UsageError(f"There is no phantom protocol “{name}” of {anatomy}. Choose one of: {', '.join(names)}.")
    return import_module(_named(anatomy)[2], __package__).protocol(name, seed)


def _named(anatomy: str) -> tuple[str, str, str]:
    if anatomy not in _ANATOMIES:
        raise UsageError(f"There is no phantom “{anatomy}”. Choose one of: {', '.join(_ANATOMIES)}.")
    return _ANATOMIES[anatomy]


def random_stream(seed: int, part: str) -> np.random.Generator:
    """A generator of its own for one part of a case, so that a change in one part leaves the others as they were.

    Raises:
        UsageError: the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"The seed must be zero or a positive whole number, not {seed}.")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(part.encode())])))
