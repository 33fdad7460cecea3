"""Phantoms as files: as scans with truth beside them, as DICOM series, or in the layout of the LUNA16 challenge, of
DeepLesion or of the data of ``pet-weak``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.atomic import atomic_folder, refuse_taken
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import PET, Image
from LesionDetectionLib.core.progress import Progress

from .body_deeplesion import MISSING_SHARE, write_deeplesion
from .case_files import labels_of, truth_of, write_table
from .dicom_writing import lps, series_uid, write_series
from .pet_weak_writing import write_pet_weak
from .petct_settings import AS_DRAWN, with_activity
from .phantom import PhantomCase, maker, protocol_names, protocol_of

MOST_SUBSETS = 10
"""LUNA16's."""
_LEAST_LUNA16_MM = 3.0
"""LUNA16 counts nodules of 3 mm and more; smaller ones are listed as excluded."""

CaseWriter = Callable[[PhantomCase, Path], list[Path]]


def write_phantoms(
    anatomy: str,
    seed: int,
    count: int,
    format: str,
    output: Path,
    progress: Progress | None = None,
    overwrite: bool = False,
    settings: Any = None,
    *,
    protocol_name: str = "",
    active: str = AS_DRAWN,
    subsets: int = 1,
    missing_share: float = MISSING_SHARE,
    workers: int = 1,
) -> list[Path]:
    """Make ``count`` phantoms, of seeds ``seed`` and following, and write them to the folder ``output``.

    Args:
        format: ``nrrd`` (``<name>.nrrd``, label map ``<name>.truth.nrrd`` and ``<name>.truth.json``), ``dicom`` (a
            folder of CT slices a case, and ``<name>.truth.json``) or ``luna16`` (the challenge's folders and tables).
            ``deeplesion`` (slabs of bodies with that set's list; ``count`` is of patients, each with one to three series;
            see :func:`.body_deeplesion.write_deeplesion`, whose phantoms have seeds of their own).
            ``pet-weak`` (PETs with labels of the whole image, a point each, masks and outcomes; see
            :func:`.pet_weak_writing.write_pet_weak`, whose phantoms have seeds of their own too).
            A PET/CT is a folder a case: as ``nrrd`` with ``CT_image.nrrd``, ``PET_image.nrrd`` (SUVbw), the label map
            ``CT_mask.nrrd`` and ``CT_mask.json``, its truth; as ``dicom`` with the folders ``CT`` and ``PT``.
        settings: of the anatomy's class; None for its defaults.
        protocol_name: how they are scanned, in place of ``settings``: see :func:`.phantom.protocol_names`.
        active: of a PET/CT, whether it has active lesions: ``any`` (as the seed has it), ``yes`` or ``no``.
        subsets: of ``luna16``, over which the cases are dealt out in turn: 10 as the challenge has them.
        missing_share: of ``deeplesion``.
        workers: of ``deeplesion`` and ``pet-weak``.

    Returns:
        The files written, those of a DICOM series as their folder.

    Raises:
        UsageError: unknown anatomy, format or protocol, no case asked for, not 1 to 10 subsets, a layout that is not the
            anatomy's, or activity of a phantom that has none.
        OutputError: the folder cannot be written, or holds such results and ``overwrite`` is not set.
        Cancelled: see ``progress``; nothing is left behind.
    """
    progress = progress or Progress()
    make, defaults = maker(anatomy)
    if format not in FORMATS:
        raise UsageError(f"Phantoms are not written as “{format}”. Choose one of: {', '.join(FORMATS)}.")
    if count < 1 or seed < 0:
        raise UsageError("Ask for at least one phantom, with a seed of zero or more.")
    if not 1 <= subsets <= MOST_SUBSETS:
        raise UsageError(f"LUNA16 has 1 to {MOST_SUBSETS} subsets, not {subsets}.")
    if protocol_name and protocol_name not in protocol_names(anatomy):
        names = ", ".join(protocol_names(anatomy))
        raise UsageError(f"There is no phantom protocol “{protocol_name}”. Choose one of: {names}.")
    with_activity(settings or defaults, active)
    if format == "luna16" and anatomy != "chest":
        raise UsageError("LUNA16 lists nodules in chest CT: write other phantoms as nrrd or dicom.")
    if format == DEEPLESION:
        if anatomy != "body":
            raise UsageError("DeepLesion has lesions of the whole body: ask for phantoms of body in that layout.")
        return write_deeplesion(
            Path(output), count, protocol_name or "slab", seed, progress, missing_share, workers, overwrite
        )
    if format == PET_WEAK:
        if anatomy != "pet":
            raise UsageError("The data of pet-weak are PETs: ask for phantoms of pet in that layout.")
        return write_pet_weak(Path(output), count, protocol_name or "default", seed, progress, workers, overwrite)
    output = Path(output)
    refuse_taken(output, _first_names(anatomy, format, f"{anatomy}-phantom-{seed:04d}"), overwrite)
    written: list[Path] = []
    tables: list[PhantomCase] = []
    with atomic_folder(output, overwrite) as folder:
        for n in range(count):
            part = progress.part(n / count, (n + 1) / count)
            own = protocol_of(anatomy, protocol_name, seed + n) if protocol_name else settings or defaults
            case = make(seed + n, with_activity(own, active), part.part(0.0, 0.9))
            part(0.9, f"Writing {case.image.name}")
            written += _WRITERS[format](case, folder / f"subset{n % subsets}" if format == "luna16" else folder)
            if format == "luna16":
                tables.append(_without_voxels(case))
        if format == "luna16":
            written += _write_tables(tables, folder)
        progress(1.0, "Done")
    return [output / path.relative_to(folder) for path in written]


def _first_names(anatomy: str, format: str, name: str) -> tuple[str, ...]:
    if format == "nrrd" and anatomy == "pet-ct":
        return (name,)
    return {
        "nrrd": (f"{name}.nrrd", f"{name}.truth.nrrd", f"{name}.truth.json"),
        "dicom": (name, f"{name}.truth.json"),
        "luna16": ("annotations.csv", "annotations_excluded.csv", "seriesuids.csv", "candidates.csv", "subset0"),
    }[format]


def _write_nrrd(case: PhantomCase, folder: Path) -> list[Path]:
    from LesionDetectionLib.io.files import write_image

    name = case.image.name
    if PET in case.others:
        # The names by which a folder is read as a cohort: labels all zero are a scan known to have no lesion.
        own = folder / name
        own.mkdir()
        paths = [own / "CT_image.nrrd", own / "PET_image.nrrd", own / "CT_mask.nrrd", own / "CT_mask.json"]
        write_image(case.image, paths[0])
        write_image(case.others[PET], paths[1])
        write_image(labels_of(case), paths[2])
        truth_of(case).save(paths[3])
        return paths
    paths = [folder / f"{name}.nrrd", folder / f"{name}.truth.nrrd", folder / f"{name}.truth.json"]
    write_image(case.image, paths[0])
    write_image(labels_of(case), paths[1])
    truth_of(case).save(paths[2])
    return paths


def _write_dicom(case: PhantomCase, folder: Path) -> list[Path]:
    name = case.image.name
    several = PET in case.others
    written = [folder / name / modality if several else folder / name for modality in case.images]
    for modality, series in zip(case.images, written, strict=True):
        write_series(case, modality, series)
    truth = folder / f"{name}.truth.json"
    truth_of(case).save(truth)
    return [*written, truth]


def _write_luna16(case: PhantomCase, folder: Path) -> list[Path]:
    """The scan in the folder of its subset."""
    import SimpleITK as sitk
    from LesionDetectionLib.io.files import to_itk

    folder.mkdir(exist_ok=True)
    path = folder / f"{series_uid(case)}.mhd"
    sitk.WriteImage(to_itk(case.image), str(path), useCompression=False)  # the challenge has plain .raw files
    return [path, path.with_suffix(".raw")]


def _without_voxels(case: PhantomCase) -> PhantomCase:
    """The case without its scan, which is written: a cohort's truth fits in memory, its voxels do not."""
    tiny = Image(np.zeros((1, 1, 1), np.int16), case.image.ijk_to_ras, name=case.image.name)
    return PhantomCase(tiny, case.lesions, case.kinds, case.mimics, case.settings, case.seed)


def _write_tables(cases: list[PhantomCase], folder: Path) -> list[Path]:
    """The challenge's tables; coordinates in LPS mm."""
    position = ["seriesuid", "coordX", "coordY", "coordZ"]
    found: list[list[Any]] = []
    excluded: list[list[Any]] = []
    candidates: list[list[Any]] = []
    for case in cases:
        uid = series_uid(case)
        for lesion in case.lesions:
            row = [uid, *map(_number, lps(lesion.center_ras_mm))]
            (found if lesion.diameter_mm >= _LEAST_LUNA16_MM else excluded).append([*row, _number(lesion.diameter_mm)])
            candidates.append([*row, 1])
        candidates += [[uid, *map(_number, lps(mimic.center_ras_mm)), 0] for mimic in case.mimics]
    return [
        write_table(folder / "annotations.csv", [*position, "diameter_mm"], found),
        write_table(folder / "annotations_excluded.csv", [*position, "diameter_mm"], excluded),
        write_table(folder / "candidates.csv", [*position, "class"], candidates),
        write_table(folder / "seriesuids.csv", [], [[series_uid(case)] for case in cases]),
    ]


def _number(value: float) -> str:
    return f"{value:.6f}"


_WRITERS: dict[str, CaseWriter] = {"nrrd": _write_nrrd, "dicom": _write_dicom, "luna16": _write_luna16}
DEEPLESION, PET_WEAK = "deeplesion", "pet-weak"
FORMATS = (*_WRITERS, DEEPLESION, PET_WEAK)
