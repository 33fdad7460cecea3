"""PET phantoms as a cohort of ``pet-weak``: whole PETs with image-level labels, a point each, masks, and outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.atomic import atomic_folder, refuse_taken
from LesionDetectionLib.core.errors import OutputError, UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

from ..caching.workers import Died, work_in_processes
from .case_files import labels_of, truth_of, write_table
from .dicom_writing import MADE
from .pet import make_pet
from .pet_outcomes import RESPONSE, SURVIVAL, outcomes_of
from .pet_protocols import PROTOCOL_NAMES, protocol
from .phantom import random_stream

CASES, OUTCOMES, IMAGES, MASKS, NOTE = "cases.csv", "outcomes.csv", "images", "masks", "README.txt"
CASE_COLUMNS = ("id", "patient", "image", "modality", "mask", "label", "x", "y", "z")
OUTCOME_COLUMNS = ("patient", RESPONSE, SURVIVAL)
POINTING_ERROR_MM = 3.0
"""How far a person's point lies from the tumour's centre: one standard deviation along each axis [choice]."""
_TRIES = 20
_SEEDS = 1_000_000
"""Phantoms of the folder of seed n have seeds from this times (n + 1): none that a cohort of phantoms is likely to use."""


@dataclass(frozen=True)
class _Rows:
    """What the tables say of one patient."""

    case: tuple[str, ...]
    outcome: tuple[str, ...]


def write_pet_weak(
    folder: Path,
    count: int,
    protocol_name: str = "default",
    seed: int = 0,
    progress: Progress | None = None,
    workers: int = 1,
    overwrite: bool = False,
) -> list[Path]:
    """Write ``count`` patients; the same for the same seed. The folder opens as ``table:FOLDER``.

    ``cases.csv`` has a row a patient: id, patient, image, modality, mask, label, and x, y, z in RAS mm of a point that a person
    would have set in the primary tumour. ``outcomes.csv`` has the patients' invented outcomes (see :mod:`.pet_outcomes`):
    ``response`` of the oesophagus, ``survival_3y`` of the lung, 1 or 0. Masks number the tumours from 1, the primary.

    Args:
        workers: processes that make phantoms; the result is the same whatever their number.

    Returns:
        The files written, images and masks as their folders.

    Raises:
        UsageError: numbers or a protocol that make no sense.
        OutputError: the folder cannot be written, or holds such files and ``overwrite`` is not set.
        Cancelled: through ``progress``; nothing is left behind.
    """
    progress, folder = progress or Progress(), Path(folder)
    if count < 1 or seed < 0 or workers < 1:
        raise UsageError("Ask for at least one patient and one worker, and a seed of zero or more.")
    if protocol_name not in PROTOCOL_NAMES:
        raise UsageError(
            f"There is no phantom protocol “{protocol_name}” of pet. Choose one of: {', '.join(PROTOCOL_NAMES)}."
        )
    names = (CASES, OUTCOMES, IMAGES, MASKS, NOTE)
    refuse_taken(folder, names, overwrite)
    with atomic_folder(folder, overwrite) as temporary:
        for name in (IMAGES, MASKS):
            (temporary / name).mkdir()
        rows = _all_rows(_Work(temporary, protocol_name, seed), range(count), workers, progress)
        write_table(temporary / CASES, CASE_COLUMNS, (row.case for row in rows))
        write_table(temporary / OUTCOMES, OUTCOME_COLUMNS, (row.outcome for row in rows))
        (temporary / NOTE).write_text(_note(count, protocol_name, seed), encoding="utf-8")
        progress(1.0, "Done")
    return [folder / name for name in names]


def case_name(number: int) -> str:
    """Id of a patient; ``number`` from 0."""
    return f"pet-weak-{number + 1:04d}"


def phantom_seed(seed: int, number: int) -> int:
    """Seed of the phantom that is patient ``number``, from 0, of the folder of ``seed``."""
    return _SEEDS * (seed + 1) + number


def pointed_at(primary: Lesion, geometry: Geometry, seed: int) -> Point:
    """Where a person would have pointed: near the centre, and in the tumour, RAS mm.

    An error that would lead out of it is drawn anew; where the centre itself lies outside (a curved tumour), or the tumour is
    smaller than the errors, it is the tumour's voxel nearest to the centre.
    """
    assert primary.mask is not None
    rng = random_stream(seed, "pointing")
    center = np.array(primary.center_ras_mm)
    for _ in range(_TRIES):
        point = center + POINTING_ERROR_MM * rng.standard_normal(3)
        if primary.mask.holds(geometry.ijk_from_ras(point)):
            break
    else:
        kji = np.argwhere(primary.mask.voxels)
        points = geometry.ras_from_ijk(kji[:, ::-1] + np.array(primary.mask.start_ijk))
        point = points[int(((points - center) ** 2).sum(axis=1).argmin())]
    x, y, z = (float(n) for n in point)
    return x, y, z


def _all_rows(work: _Work, numbers: Sequence[int], workers: int, progress: Progress) -> list[_Rows]:
    """Write all patients, by several processes where asked; their rows in order.

    Raises:
        OutputError: a file could not be written, or a process was ended.
        OSError: as for the whole folder.
    """
    done = dict[int, _Rows]()

    def told() -> None:
        progress(len(done) / len(numbers), f"{len(done)} of {len(numbers)} patients")

    if workers == 1:
        for n in numbers:
            told()
            done[n] = _write_patient(work, n)
    else:
        with closing(work_in_processes(work, numbers, workers, told)) as results:
            for n, made in results:
                if isinstance(made, Died):
                    raise OutputError("A process that made phantoms was ended: take fewer --workers, or free memory.")
                if isinstance(made, Exception):
                    raise made
                done[n] = made
    return [done[n] for n in numbers]


@dataclass(frozen=True)
class _Work:
    """Makes and writes one patient in a process of its own; what goes wrong there is given back, not raised."""

    folder: Path
    protocol_name: str
    seed: int

    def __call__(self, number: int) -> _Rows | Exception:
        try:
            return _write_patient(self, number)
        except Exception as error:
            return error


def _write_patient(work: _Work, number: int) -> _Rows:
    from LesionDetectionLib.io.files import write_image

    own = phantom_seed(work.seed, number)
    name = case_name(number)
    case = make_pet(own, protocol(work.protocol_name, own))
    case = replace(case, image=replace(case.image, name=name))
    image, mask = f"{IMAGES}/{name}.nii.gz", f"{MASKS}/{name}.nii.gz"
    write_image(case.image, work.folder / image)
    write_image(labels_of(case), work.folder / mask)
    truth_of(case).save(work.folder / MASKS / f"{name}.json")
    point = [f"{n:.2f}" for n in pointed_at(case.lesions[0], case.image.geometry, own)] if case.lesions else [""] * 3
    outcomes = outcomes_of(case)
    told = [str(int(outcomes[key])) if key in outcomes else "" for key in (RESPONSE, SURVIVAL)]
    return _Rows((name, name, image, case.image.modality, mask, case.label, *point), (name, *told))


def _note(count: int, protocol_name: str, seed: int) -> str:
    return (
        f"{MADE}\n\n{count} computer-made patients for pet-weak: protocol {protocol_name}, seed {seed}.\n"
        f"{CASES}: PET in SUVbw, label map of the tumours, what the scan shows, and a point in the primary tumour (RAS mm).\n"
        f"{OUTCOMES}: invented outcomes that follow from volume, heterogeneity and uptake of the tumour and from chance;\n"
        "they have no clinical meaning.\n"
    )
