"""A case: one patient at one time, and what is known of the lesions; read from disk when it is asked for, not before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

TRAINING, VALIDATION, TEST = "training", "validation", "test"
"""The parts that a cohort may be split into; empty where a cohort has no official split."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of one case.

    Attributes:
        lesions: what a detector should find, score 1; masks lie on the grid of the case's main image.
        excluded: what is neither lesion nor false mark when it is marked (LUNA16's excluded findings).
        negatives_ras_mm: [n, 3] places that are known to be no lesion (a phantom's mimics, LUNA16's false candidates).
        notes: sentences on how the labels were read.
        kinds: what kind each lesion is, in words (``solid``, ``ground-glass``), in their order; empty where that is not
            known of all.
        label: what the whole scan shows, in a word (``lung``, ``oesophagus``, ``none``): an image-level label; empty where nobody
            said.
    """

    lesions: tuple[Lesion, ...] = ()
    excluded: tuple[Lesion, ...] = ()
    negatives_ras_mm: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    notes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Case(ABC):
    """One patient at one time. Subclasses are frozen dataclasses of plain values and paths: cheap to hold by the
    thousand, and fit to be sent to another process.

    Attributes:
        id: unique in its cohort, fit for a file name, and no patient's name.
        patient: the same for all cases of one patient, so that splits keep them together; no name.
        split: the part that the data's makers put it in, or empty.
        modalities: of its images, the main one first.
        labelled: whether :meth:`truth` knows anything; without labels a case can only be detected in.
    """

    id: str
    patient: str
    split: str
    modalities: tuple[str, ...]
    labelled: bool

    @abstractmethod
    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        """The images by modality, the main one first.

        Raises:
            InputError: missing, damaged or unfit; the text says which file and why.
            Cancelled: through ``progress``.
        """

    @abstractmethod
    def truth(self) -> Truth:
        """The labels; without any lesion where :attr:`labelled` is false.

        Raises:
            InputError: labels that are missing, damaged or do not fit the image.
        """

    @abstractmethod
    def sources(self) -> tuple[Path, ...]:
        """The files and folders that images and labels are read from; a change in them is another content."""

    def values(self) -> Mapping[str, Any]:
        """What else its content depends on: every field but paths, which :meth:`sources` covers."""
        return {entry.name: value for entry in fields(self) if not _is_path(value := getattr(self, entry.name))}


def _is_path(value: object) -> bool:
    return isinstance(value, Path) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(v, Path) for v in value)
    )
