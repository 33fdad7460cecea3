"""Cases as a cohort gives them, made in milliseconds: a warm box with a hot bladder, and a tumour where its kind lies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.methods.pet_weak.architecture import LUNG, NONE, OESOPHAGUS, PetWeakArchitecture
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.pet_weak.settings import RecipeSettings, VariationSettings, paper
from LesionTrainingLib.learning.pet_weak.views import TrainingViews, prepare_views

MM = 8.0
MATRIX = np.array([[-MM, 0, 0, 100.0], [0, -MM, 0, 90.0], [0, 0, MM, -200.0], [0, 0, 0, 1]])
SHAPE = (56, 24, 28)
LABELS = (LUNG, OESOPHAGUS, NONE)
FIT = EngineSettings(steps=4, batch=3, learning_rate=3e-3, validate_every=2, monitor="", tensorboard=False)
VARIED = VariationSettings(mirror=0.5)


@dataclass(frozen=True)
class MadePet(Case):
    """One patient; ``drawn``: whether its tumour has an outline."""

    seed: int
    label: str
    drawn: bool = True

    def images(self, progress=None):
        random = np.random.default_rng(self.seed)
        suv = np.zeros(SHAPE, dtype=np.float32)
        suv[3:-3, 4:-4, 3:-3] = 1.0
        suv[6:9, 8:11, 12:16] = 15.0
        suv[self._box()] = 9.0
        suv += random.random(SHAPE, dtype=np.float32) * 0.1
        return {PET: Image(suv, MATRIX, PET, SUV_BW, self.id)}

    def truth(self):
        if self.label == NONE:
            return Truth(label=NONE)
        mask = np.zeros(SHAPE, dtype=bool)
        mask[self._box()] = True
        geometry = Image(mask.astype(np.uint8), MATRIX).geometry
        outline = Mask.from_full(mask)
        center, box = outline.centroid_ras_mm(geometry), outline.box_ras_mm(geometry)
        lesion = Lesion(center, 40.0, 1.0, mask=outline if self.drawn else None, box_ras_mm=box)
        return Truth((lesion,), label=self.label)

    def sources(self) -> tuple[Path, ...]:
        return ()

    def _box(self) -> tuple[slice, ...]:
        random = np.random.default_rng(self.seed + 1000)
        if self.label == NONE:
            return (slice(0, 0),) * 3
        k, j, i = random.integers(34, 40), random.integers(6, 9), random.choice([4, 19])
        if self.label == OESOPHAGUS:
            k, j, i = random.integers(26, 32), 14, 12
        return slice(k, k + 5), slice(j, j + 4), slice(i, i + 4)


class BrokenPet(MadePet):
    """One that cannot be read."""

    def images(self, progress=None):
        raise InputError("It is damaged.")


@dataclass(frozen=True)
class OtherTruth(MadePet):
    """One whose labels are as given."""

    given: Truth = field(default_factory=Truth)

    def truth(self):
        return self.given


def made_case(seed, label=None, kind=MadePet, **changes):
    label = label or LABELS[seed % 3]
    return kind(f"case-{seed}", f"patient-{seed}", "", (PET,), True, seed, label, **changes)


def tiny(kind="cam", **changes) -> RecipeSettings:
    """Settings of a network that is fitted in a second; pixels as large as the voxels."""
    settings = replace(
        paper(kind),
        pixel_mm=MM,
        canvas_px=(64, 32),
        architecture=PetWeakArchitecture(kind, (2, 3, 4, 4), classes=LABELS),
        epochs=0.0,
        validate_epochs=0.0,
        fit=FIT,
        labelling=FIT,
        variation=VARIED,
        pointing_mm=80.0,
    )
    return replace(settings, **changes)


def made_views(seed, label=None, **changes) -> TrainingViews:
    case = made_case(seed, label, **changes)
    return prepare_views(case.images()[PET], case.truth(), tiny().method(), case.id)
