"""Body phantoms as a folder in the layout of DeepLesion: key slices with marked lesions, and others that nobody marked.

``DL_info.csv`` leaves lesions unmarked, as the genuine set does; ``DL_info_complete.csv`` has every section of every lesion in
the same key slices. Both have the genuine columns, with pixel coordinates that count from 1.
"""

from __future__ import annotations

import csv
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.atomic import atomic_folder, refuse_taken
from LesionDetectionLib.core.errors import OutputError, UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ..caching.workers import Died, work_in_processes
from ..deeplesion import IMAGES
from ..deeplesion_images import ZERO_HU
from .body import make_body
from .body_anatomy import draw_body_patient
from .body_deeplesion_rows import COLUMNS, TOP_MM, Series, case_values, number_of, section_of, section_values
from .body_protocols import PROTOCOL_NAMES, protocol
from .dicom_writing import MADE
from .phantom import PhantomCase, random_stream

LISTED, COMPLETE, NOTE = "DL_info.csv", "DL_info_complete.csv", "README.txt"
MISSING_SHARE = 0.3
_SERIES = (0.55, 0.3, 0.15)
"""Chances of one, two and three series a patient."""
_VALIDATION, _TEST = 0.15, 0.15
_SEEDS = 1_000_000
"""Phantoms of the folder of seed n have seeds from this times (n + 1): none that a cohort of phantoms is likely to use."""


@dataclass(frozen=True)
class _Row:
    """One lesion in one key slice; ``listed`` where ``DL_info.csv`` has it."""

    values: tuple[str, ...]
    listed: bool


def write_deeplesion(
    folder: Path,
    count: int,
    protocol_name: str = "slab",
    seed: int = 0,
    progress: Progress | None = None,
    missing_share: float = MISSING_SHARE,
    workers: int = 1,
    overwrite: bool = False,
) -> list[Path]:
    """Write ``count`` patients, each with one to three slabs of body phantoms; the same for the same seed.

    A key slice is where a lesion has its largest section, within the slab. The parts of the official split are drawn by
    patient: 15 % validation, 15 % test.

    Args:
        missing_share: of the lesions, how many ``DL_info.csv`` does not list; each image keeps at least one.
        workers: processes that make phantoms; the result is the same whatever their number.

    Returns:
        The files written, the images as their folder.

    Raises:
        UsageError: numbers or a protocol that make no sense.
        OutputError: the folder cannot be written, or holds such files and ``overwrite`` is not set.
        Cancelled: through ``progress``; nothing is left behind.
    """
    progress = progress or Progress()
    if count < 1 or seed < 0 or workers < 1 or not 0 <= missing_share < 1:
        raise UsageError(
            "Ask for at least one patient and one worker, a seed of zero or more, and a missing share from 0 to below 1."
        )
    if protocol_name not in PROTOCOL_NAMES:
        raise UsageError(
            f"There is no phantom protocol “{protocol_name}” of body. Choose one of: {', '.join(PROTOCOL_NAMES)}."
        )
    refuse_taken(folder, (IMAGES, LISTED, COMPLETE, NOTE), overwrite)
    series = planned(count, seed)
    with atomic_folder(folder, overwrite) as temporary:
        (temporary / IMAGES).mkdir()
        rows = _rows_of(_Work(temporary / IMAGES, protocol_name, missing_share), series, workers, progress)
        _write_list(temporary / COMPLETE, rows)
        _write_list(temporary / LISTED, [row for row in rows if row.listed])
        (temporary / NOTE).write_text(_note(count, protocol_name, seed, missing_share), encoding="utf-8")
    return [folder / name for name in (IMAGES, LISTED, COMPLETE, NOTE)]


def planned(count: int, seed: int) -> list[Series]:
    """The series of ``count`` patients, in their order."""
    rng = random_stream(seed, "deeplesion")
    order = rng.permutation(count)
    validation, test = (max(1, round(share * count)) if count > 2 else 0 for share in (_VALIDATION, _TEST))
    series = []
    for patient in range(count):
        split = 2 if order[patient] < validation else 3 if order[patient] < validation + test else 1
        for number in range(1 + int(rng.choice(len(_SERIES), p=_SERIES))):
            own = _SEEDS * (seed + 1) + len(_SERIES) * patient + number
            series.append(Series(patient + 1, number + 1, split, own))
    return series


def _rows_of(work: _Work, series: list[Series], workers: int, progress: Progress) -> list[_Row]:
    """Write all series, by several processes where asked; their rows in the series' order.

    Raises:
        OutputError: a slice could not be written, or a process was ended.
        OSError: as for the whole folder.
    """
    done = dict[int, list[_Row]]()

    def told() -> None:
        progress(len(done) / len(series), f"{len(done)} of {len(series)} series")

    if workers == 1:
        for n, one in enumerate(series):
            told()
            done[n] = _write_series(work, one)
    else:
        with closing(work_in_processes(work, series, workers, told)) as results:
            for n, made in results:
                if isinstance(made, Died):
                    raise OutputError("A process that made phantoms was ended: take fewer --workers, or free memory.")
                if isinstance(made, Exception):
                    raise made
                done[n] = made
    return [row for n in range(len(series)) for row in done[n]]


@dataclass(frozen=True)
class _Work:
    """Makes and writes one series in a process of its own; what goes wrong there is given back, not raised."""

    images: Path
    protocol_name: str
    missing_share: float

    def __call__(self, series: Series) -> list[_Row] | Exception:
        try:
            return _write_series(self, series)
        except Exception as error:
            return error


def _write_series(work: _Work, series: Series) -> list[_Row]:
    """Make one phantom, write its slices, and tell its rows."""
    settings = protocol(work.protocol_name, series.seed)
    case = make_body(series.seed, settings)
    image = case.image
    patient = draw_body_patient(series.seed, settings)
    top = float(image.geometry.ras_from_ijk((0, 0, image.shape_kji[0] - 1))[2])
    first = max(1, round((TOP_MM * patient.size - top) / settings.spacing_mm))
    folder = work.images / series.name
    folder.mkdir()
    for k in range(image.shape_kji[0]):
        _write_png(folder / f"{number_of(image, first, k):03d}.png", image, k)
    listed = _listed(case, work.missing_share)
    rows = []
    for k in sorted(
        {_key(lesion) for lesion, marked in zip(case.lesions, listed, strict=True) if marked}, reverse=True
    ):
        for lesion, region, marked in zip(case.lesions, case.kinds, listed, strict=True):
            section = section_of(lesion, k)
            if section is not None:
                values = section_values(series, image, section, k, first, patient.size)
                told = case_values(series, region, patient.female)
                here = marked and _key(lesion) == k
                rows.append(_Row(tuple({**values, **told}[name] for name in COLUMNS), here))
    return rows


def _write_png(path: Path, image: Image, k: int) -> None:
    import cv2

    stored = (image.voxels[k].astype(np.int32) + ZERO_HU).astype(np.uint16)
    good, content = cv2.imencode(".png", stored)
    if not good:
        raise OutputError(f"{path} could not be written as PNG.")
    path.write_bytes(content.tobytes())


def _key(lesion: Lesion) -> int:
    """The slice of the largest section."""
    assert lesion.mask is not None
    return lesion.mask.start_ijk[2] + int(lesion.mask.voxels.sum(axis=(1, 2)).argmax())


def _listed(case: PhantomCase, missing_share: float) -> list[bool]:
    """Which lesions ``DL_info.csv`` has: of those whose largest section is within the slab, at least one."""
    last = case.image.shape_kji[0] - 1
    within = [0 < _key(lesion) < last and section_of(lesion, _key(lesion)) is not None for lesion in case.lesions]
    drawn = random_stream(case.seed, "missing").random(len(within))
    listed = [inside and bool(chance >= missing_share) for inside, chance in zip(within, drawn, strict=True)]
    if not any(listed) and any(within):
        listed[within.index(True)] = True
    return listed


def _write_list(path: Path, rows: list[_Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row.values for row in rows)


def _note(count: int, protocol_name: str, seed: int, missing_share: float) -> str:
    return (
        f"{MADE}\n\n{count} computer-made patients in the layout of DeepLesion: protocol {protocol_name}, seed {seed}.\n"
        f"{LISTED} leaves about {missing_share:.0%} of the lesions unmarked, and marks each in its own key slice only.\n"
        f"{COMPLETE} has all sections of lesions in the same key slices.\n"
        "Columns are those of DeepLesion (Yan et al., J Med Imaging 5 (2018) 036501); nothing here is from it.\n"
    )
