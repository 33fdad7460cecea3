"""What the detector makes of whole scans with a network: the marks that operating points are set on, and the outlines."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.image import PET, Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.detector import create
from LesionDetectionLib.methods.pet_weak.settings import settings_for

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ...evaluation.matching.findings import Findings, ImageFindings
from ...evaluation.matching.luna16 import Luna16
from ...evaluation.matching.outcome import Outcome
from ...evaluation.metrics.dice import dice
from ...evaluation.reading.ahead import ReadCase, work_on_read
from ..recipe import Trained
from ..sampling.spread import evenly

_EVERY = "every lesion"


@dataclass(frozen=True, eq=False)
class JudgedCase:
    """One scan. m = marks, in falling score.

    Attributes:
        name: of the case.
        outcome: by the rules of LUNA16: a mark nearer to a lesion's centre than its radius finds it.
        outlines: [m] of the marks; None where one has none.
        scores: [m].
        drawn: of the true lesions; None where one is not drawn.
        geometry: of the grid that both lie on.
    """

    name: str
    outcome: Outcome
    outlines: tuple[Mask | None, ...]
    scores: npt.NDArray[np.float64]
    drawn: tuple[Mask | None, ...]
    geometry: Geometry

    def dice(self, threshold: float) -> float:
        """Of all drawn lesions together against all marks that score at least this; not a number where none is drawn."""
        if not self.drawn or None in self.drawn:
            return math.nan
        shown = [mask for mask, score in zip(self.outlines, self.scores, strict=True) if score >= threshold]
        return dice(self._union(shown), self._union(self.drawn))

    def _union(self, masks: Sequence[Mask | None]) -> npt.NDArray[np.bool_]:
        found = np.zeros(self.geometry.shape_kji, dtype=bool)
        for mask in masks:
            if mask is not None:
                found[mask.slices_kji] |= mask.voxels
        return found


def judge_cases(
    bundle: Bundle, cases: Sequence[Case], device: str, progress: Progress, workers: int = 1, most: int = 0
) -> tuple[list[JudgedCase], list[LeftOut]]:
    """Detect in whole scans, whatever the marks score.

    Args:
        workers: processes that read cases while this one detects.
        most: at most so many cases, evenly spread; 0 for all.

    Returns:
        What came of them, and the cases that could not be read or detected in.

    Raises:
        BundleError, DeviceError: the model or the device cannot be used.
        Cancelled: see ``progress``.
    """
    detector = create(bundle, device)
    settings = replace(settings_for(bundle), operating_point="0")

    def judge(read: ReadCase) -> JudgedCase:
        image = read.images[PET]
        found = detector.detect({PET: image}, settings, Progress())
        marks = Findings.of_lesions(found.lesions)
        findings = ImageFindings(image.name, read.truth.lesions, marks, read.truth.excluded, image.geometry)
        drawn = read.truth.lesions.masks
        return JudgedCase(image.name, Luna16().match(findings), marks.masks, marks.scores, drawn, image.geometry)

    done, left_out = work_on_read(evenly(list(cases), most) if most else list(cases), judge, workers, progress)
    return [replace(judged, name=case.id) for case, judged in done], left_out


def as_bundle(trained: Trained) -> Bundle:
    """A bundle to measure with, through the disk: what is measured is what will be read."""
    settings = {**trained.settings, "operating_points": {_EVERY: 0.0}, "default_operating_point": _EVERY}
    manifest = Manifest("pet-weak", "provisional", "0", trained.architecture, settings, {}, True)
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "model", manifest, trained.weights, "")
        return Bundle.open(Path(folder) / "model")
