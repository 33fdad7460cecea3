"""The comparison of section 4.2: in how many patients active-pet-ct, which sees CT and PET, finds the active lesion, and in how
many the network, which sees one slice of the CT. The paper's counterpart of active-pet-ct is LUNGCX: 41 of 44 patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import Detector, method
from LesionDetectionLib.core.image import PET, Geometry, understood_as
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ...cohorts.caching.locks import FileLock
from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut, work_on
from ...cohorts.label_maps import mask_on_grid
from ...evaluation.blob_detection import FULL, NONE, RESPONSE, SIZE, VARIANTS, variant_thresholds, verification
from ...evaluation.matching.overlap import shared_voxels
from ...evaluation.metrics.proportions import wilson_interval
from ...evaluation.output.tables import Cell, Table
from ..contract import Job
from ..kept import keep_json, kept_json
from .data import label
from .measured import FoldSlices
from .paper import ACTIVE_PET_CT, SUBSET, WHOSE
from .paper import DATA as PAPER_DATA

METHOD = "active-pet-ct"
_LOCK = "lock"
_NAMES = {
    NONE: "the network, R > 0",
    RESPONSE: "the network, T_R",
    SIZE: "the network, T_S",
    FULL: "the network, T_R and T_S",
}


@dataclass(frozen=True)
class PetCtCase:
    """What active-pet-ct finds in a case.

    Attributes:
        case, patient: ids.
        lesions: active lesions that the label map has.
        hit: of them, those that a finding overlaps by a voxel.
        first_hits: whether the first finding, the most avid, overlaps one.
        findings: that it reports.
        false_findings: that overlap none.
    """

    case: str
    patient: str
    lesions: int
    hit: int
    first_hits: bool
    findings: int
    false_findings: int


def look_in_pet_ct(
    job: Job, cases: Sequence[Case], progress: Progress
) -> tuple[tuple[PetCtCase, ...], tuple[LeftOut, ...]]:
    """Let active-pet-ct look at each case, where that is not done yet; what it found is kept in the job's folder.

    Args:
        cases: with active lesions and a PET image.

    Returns:
        what it found, and the cases that it could not look at.

    Raises:
        OutputError: it cannot be kept.
        DeviceError: the device cannot be used.
        Cancelled: see ``progress``.
    """
    folder = job.folder / METHOD
    waiting = [case for case in cases if _kept(folder, case) is None]
    left_out = list[LeftOut]()
    if waiting:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK).held(lambda: progress(0.0, "Waiting for another process"), remove=True):
            info = method(METHOD)
            detector, settings = info.create(None, str(job.device)), info.default_settings(None)

            def look(case: Case) -> None:
                if _kept(folder, case) is None:
                    keep_json(folder / f"{case.id}.json", vars(_look(case, detector, settings)))

            _, left_out = work_on(waiting, look, progress)
    found = (_kept(folder, case) for case in cases)
    return tuple(one for one in found if one is not None), tuple(left_out)


def with_pet(cases: Sequence[Case], active: Collection[str], subset: Collection[str]) -> tuple[Case, ...]:
    """Those that are compared on: with active lesions and a PET image, and of the subset where there is one."""
    wanted = set(subset) or set(active)
    return tuple(case for case in cases if case.id in active and case.id in wanted and PET in case.modalities)


def judge(case: str, patient: str, truth: Sequence[Lesion], grid: Geometry, found: Detections) -> PetCtCase:
    """Compare the findings that the run's thresholds let pass with the lesions of the label map.

    Args:
        truth: with masks on ``grid``, that of the CT.
        found: with masks on a grid of their own, the PET's; each is brought to ``grid``, by the nearest voxel.
    """
    passing = [one.mask for one in found.lesions if one.mask is not None and found.passing(one)]
    same = found.geometry.same_grid(grid)
    marks = [mask if same else mask_on_grid(mask, found.geometry, grid) for mask in passing]
    lesions = [one.mask for one in truth if one.mask is not None]
    overlaps = [[mark is not None and shared_voxels(mark, lesion) > 0 for lesion in lesions] for mark in marks]
    return PetCtCase(
        case,
        patient,
        len(truth),
        sum(any(column) for column in zip(*overlaps, strict=True)),
        bool(overlaps) and any(overlaps[0]),
        len(overlaps),
        sum(not any(row) for row in overlaps),
    )


def comparison_table(found: Sequence[PetCtCase], folds: Sequence[FoldSlices], name: str) -> Table:
    """In how many patients a lesion is found: active-pet-ct, the network in the slices of the same patients, and the paper.

    Args:
        found: the cases that are compared on.
        folds: those that were worked on; empty for no rows of the network.
        name: of the data.
    """
    rows: list[tuple[Cell, ...]] = []
    patients = {one.patient for one in found}
    if found:
        data = label(name, len(found), sum(one.lesions for one in found))
        false = sum(one.false_findings for one in found) / len(found)
        any_hit = {one.patient for one in found if one.hit}
        first_hit = {one.patient for one in found if one.first_hits}
        rows.append((f"{METHOD}, any finding", data, "scan", *_shares(len(any_hit), len(patients)), false))
        rows.append((f"{METHOD}, the most avid finding", data, "scan", *_shares(len(first_hit), len(patients)), None))
    rows += _network_rows({one.case: one.patient for one in found}, folds, name)
    rows.append((f"LUNGCX, {WHOSE}", PAPER_DATA[SUBSET], "scan", *_shares(*ACTIVE_PET_CT), None))
    caption = (
        "Patients in whom an active lesion is overlapped by a finding, by a voxel; 95 % by Wilson’s interval. False: findings, "
        "or blobs, that overlap none, per scan or slice. active-pet-ct sees CT and PET, the network one slice of the CT, the one "
        "with the largest section of an active lesion, with the thresholds of the fold that the patient is tested in."
    )
    columns = ("method", "measured on", "sees", "patients", "found in", "share", "lower", "upper", "false")
    return Table(columns, tuple(rows), caption)


def _network_rows(patient_of: Mapping[str, str], folds: Sequence[FoldSlices], name: str) -> list[tuple[Cell, ...]]:
    """What each fold's network finds in the test slices of these cases; nothing where none was tested."""
    tested = [(fold, one) for fold in folds for one in fold.test if one.case in patient_of]
    if not tested:
        return []
    data = label(name, len(tested), sum(len(one.lesion_mm) for _, one in tested))
    rows: list[tuple[Cell, ...]] = []
    for variant in VARIANTS:
        hit, false = set[str](), 0
        for fold, one in tested:
            counts = verification([one], *variant_thresholds(variant, fold.least_response, fold.least_area))
            hit |= {patient_of[one.case]} if counts.hit.any() else set()
            false += counts.false_blobs
        every = len({patient_of[one.case] for _, one in tested})
        rows.append((_NAMES[variant], data, "one slice", *_shares(len(hit), every), false / len(tested)))
    return rows


def _look(case: Case, detector: Detector, settings: Any) -> PetCtCase:
    """Raises InputError for images or labels that cannot be used."""
    truth = case.truth()
    images = {modality: understood_as(image, modality) for modality, image in case.images().items()}
    found = detector.detect(images, settings, Progress())
    return judge(case.id, case.patient, truth.lesions, images[case.modalities[0]].geometry, found)


def _kept(folder: Path, case: Case) -> PetCtCase | None:
    values = kept_json(folder / f"{case.id}.json")
    try:
        return None if values is None else PetCtCase(**values)
    except TypeError:
        return None


def _shares(found: int, every: int) -> tuple[Cell, ...]:
    lower, upper = wilson_interval(found, every)
    return every, found, found / every if every else None, float(lower), float(upper)
