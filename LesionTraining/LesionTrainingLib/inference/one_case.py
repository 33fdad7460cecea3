"""Detect in one case and write its folder."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from LesionDetectionLib.app.export import DETECTIONS, RESULT_NAMES, TABLE, write_results
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.bundle import read_manifest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import Detector
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.lesion_table import write_csv

from ..cohorts.case import Case
from .images_for import images_for
from .job import Job, Outcome
from .record import Record, dependencies


def detect_case(job: Job, case: Case, detector: Detector, progress: Progress | None = None) -> Outcome:
    """Find the lesions of one case and write ``OUTPUT/<case id>/``: ``detections.json``, ``lesions.csv``, ``run.json``.

    With ``job.full`` all that ``lesion detect`` writes for a single scan is there too. Earlier results of the case are
    replaced. The folder appears whole; until ``run.json`` says that it is finished, a later run does the case anew.

    Args:
        detector: of the job's method and model.

    Raises:
        InputError: the images cannot be read or used, or one that the method needs is missing.
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``.
        LesionDetectionError: whatever else the method says.
    """
    started, progress = time.perf_counter(), progress or Progress()
    depends_on = dependencies(job, case)  # before reading: a file that changes meanwhile is noticed by the next run
    images = images_for(job.info, case.images(progress.part(0.0, 0.2)))
    detections = detector.detect(images, job.settings, progress.part(0.2, 0.9))
    folder = job.output / case.id
    begun = Record(depends_on, job.full, False, Outcome(case.id))
    if folder.is_dir():
        begun.save(folder)
    with atomic_folder(folder, overwrite=True) as temporary:
        try:
            _write(temporary, images[job.info.modalities[0]], detections, job, progress.part(0.9, 1.0))
            begun.save(temporary)
        except OutputError as error:  # the hidden, temporary sibling means nothing to the user
            raise OutputError(str(error).replace(str(temporary), str(folder))) from error
        written = {entry.name for entry in temporary.iterdir()}
    _remove_older(folder, written)
    scores = [lesion.score for lesion in detections.lesions]
    seconds = round(time.perf_counter() - started, 3)
    outcome = Outcome(case.id, len(scores), max(scores) if scores else None, seconds)
    Record(depends_on, job.full, True, outcome).save(folder)
    return outcome


def _write(folder: Path, image: Image, detections: Detections, job: Job, progress: Progress) -> None:
    if job.full:
        model = read_manifest(job.model) if job.model is not None else None
        write_results(folder, image, detections, model=model, progress=progress)
        return
    progress(0.0, "Writing")
    detections.save(folder / DETECTIONS)
    write_csv(detections, folder / TABLE)


def _remove_older(folder: Path, written: set[str]) -> None:
    """What an earlier run left and this one does not have would be read as a part of this one."""
    for name in set(RESULT_NAMES) - written:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
