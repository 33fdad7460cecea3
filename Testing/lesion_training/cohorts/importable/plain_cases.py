"""Cases without files, for tests of what only needs their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort


@dataclass(frozen=True)
class PlainCase(Case):
    """Its truth and image are given; ``damaged`` makes reading either fail."""

    known: Truth = field(default_factory=Truth)
    spacing_mm: float = 1.0
    damaged: str = ""

    def images(self, progress=None):
        if self.damaged:
            raise InputError(self.damaged)
        return {CT: Image(np.zeros((3, 4, 5)), np.diag([self.spacing_mm] * 3 + [1.0]), CT, HU)}

    def truth(self):
        if self.damaged:
            raise InputError(self.damaged)
        return self.known

    def sources(self) -> tuple[Path, ...]:
        return ()


def a_case(name, patient="", split="", labelled=True, **more):
    return PlainCase(name, patient or name, split, (CT,), labelled, **more)


def a_cohort(*cases, **more):
    return Cohort(more.pop("spec", "folder:/data"), "cases of a test", tuple(cases), **more)
