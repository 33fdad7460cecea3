"""The slices of both parts of a run, or a sentence on why there are none."""

from __future__ import annotations

from LesionDetectionLib.core.progress import Progress

from ..recipe import Run
from .slices import TrainingSlices, Wanted, prepared_slices


def prepared_parts(run: Run, wanted: Wanted, progress: Progress) -> tuple[list[TrainingSlices], list[TrainingSlices]]:
    """The slices of training and validation cases that can be used.

    Raises:
        InputError: no case of a part can be used.
        OutputError: the disk is full.
        Cancelled: see ``progress``.
    """
    training = prepared_slices(run.training, run, wanted, progress.part(0, 0.8))
    validation = prepared_slices(run.validation, run, wanted, progress.part(0.8, 1))
    run.require_cases(training, validation)
    return training, validation
