"""``--dicom``: results as DICOM too, where the scan is DICOM."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image


def add_dicom_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dicom",
        action="store_true",
        help="also write a DICOM segmentation and report to DIR/dicom; for a scan in DICOM",
    )


def require_dicom(scans: Sequence[Path]) -> None:
    """Say before any work that a scan is no DICOM.

    Raises:
        UsageError: one is a file of another format.
    """
    for scan in scans:
        if scan.is_file():
            from LesionDetectionLib.io.dicom_headers import may_be_dicom

            if not may_be_dicom(scan):
                raise UsageError(
                    f"{scan} is no DICOM, and DICOM results have to refer to a DICOM series. Name the folder of the "
                    "series, or leave out --dicom."
                )


def source_files(scans: Sequence[Path], series: str | None, image: Image) -> tuple[Path, ...]:
    """The DICOM files that ``image`` was read from; ``scans`` and ``series`` are as :func:`read_image` had them.

    Raises:
        InputError, SeveralSeriesError: as reading does.
    """
    from LesionDetectionLib.core.progress import Progress
    from LesionDetectionLib.io.dicom_series import choose, find_stacks

    for scan in scans:
        stacks, skipped = find_stacks(scan, Progress())
        stack = choose(stacks, skipped, series, scan)
        if stack.info.uid == image.identifiers.get("SeriesInstanceUID"):
            return tuple(dict.fromkeys(plane.path for plane in stack.planes))
    return ()
