"""``--dicom``: results as DICOM too, where the scan is DICOM."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.io.display import modality_name


def add_dicom_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dicom",
        action="store_true",
        help="also write a DICOM segmentation and report to DIR/dicom; for a scan in DICOM",
    )


def require_dicom(scans: Sequence[Path]) -> None:
    """Say before any work that none of the scans is DICOM.

    Raises:
        UsageError: all are files of other formats.
    """
    if not any(map(_may_be_dicom, scans)):
        raise _no_dicom(scans[0])


def source_files(scan: Path, series: str | None, image: Image, needed_by: str = "--dicom") -> tuple[Path, ...]:
    """The DICOM files that ``image`` was read from; ``scan`` and ``series`` are as :func:`read_image` had them.

    Args:
        needed_by: the option that needs them.

    Raises:
        UsageError: it was not read from DICOM.
        InputError, SeveralSeriesError: as reading does.
    """
    from LesionDetectionLib.core.progress import Progress
    from LesionDetectionLib.io.dicom_series import choose, find_stacks

    if not _may_be_dicom(scan):
        raise _no_dicom(scan, modality_name(image.modality), needed_by)
    stacks, skipped = find_stacks(scan, Progress())
    stack = choose(stacks, skipped, series, scan)
    return tuple(dict.fromkeys(plane.path for plane in stack.planes))


def _may_be_dicom(scan: Path) -> bool:
    if not scan.is_file():
        return True
    from LesionDetectionLib.io.dicom_headers import may_be_dicom

    return may_be_dicom(scan)


def _no_dicom(scan: Path, what: str = "", option: str = "--dicom") -> UsageError:
    where = f" Findings lie on the {what}, whatever the other images are." if what else ""
    why = "DICOM results have to refer to a DICOM series" if option == "--dicom" else "only DICOM says whose scan it is"
    return UsageError(f"{scan} is no DICOM, and {why}.{where} Name the folder of the series, or leave out {option}.")
