"""``--name-patient``: a report that says whose scan it is of, where the person wants that."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.core.errors import UsageError


def add_patient_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name-patient",
        action="store_true",
        help="put name, ID and birth date of the DICOM headers at the head of the report, which names nobody otherwise; for a "
        "scan in DICOM",
    )


def patient_line(files: Sequence[Path]) -> str:
    """Who it is, for the head of a report.

    Args:
        files: of the series.

    Raises:
        InputError: the headers name nobody, or several.
    """
    from LesionDetectionLib.io.dicom_patient import read_patient

    return read_patient(files).line


def require_headers(scans: Sequence[Path]) -> None:
    """Say before any work that no scan has a header with a patient in it.

    Raises:
        UsageError: all are files of other formats.
    """
    from LesionDetectionLib.io.dicom_headers import may_be_dicom

    if not any(not scan.is_file() or may_be_dicom(scan) for scan in scans):
        raise UsageError(
            f"{scans[0]} is no DICOM: its file does not say whose scan it is. Name the folder of the DICOM series, or leave out "
            "--name-patient."
        )
