"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import DependencyError


def add_scan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--series", metavar="S", help="which DICOM series, where a folder holds several: number, UID or description"
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", "-o", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--overwrite", action="store_true", help="replace results of the same names in DIR")
    add_quiet_option(parser)


def add_quiet_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, no table")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def add_modality_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--modality",
        choices=["CT", "PT"],
        default="",
        help="what the scan is, where its file does not say: CT (in HU) or PT (PET in SUV)",
    )


def training_part(name: str) -> Any:
    """A module of the training half of the project (``cohorts.spec``), found by name, late: detection works without it.

    Raises:
        DependencyError: it is not installed, or a library that it needs is not.
    """
    try:
        return importlib.import_module(f"LesionTrainingLib.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("LesionTrainingLib"):
            raise DependencyError(
                f"This needs the LesionTraining module, which is not installed ({error.name})."
            ) from error
        raise DependencyError(f"This needs the library {error.name}: pip install {error.name}.") from error
