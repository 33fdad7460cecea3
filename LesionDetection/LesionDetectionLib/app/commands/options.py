"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import DependencyError, UsageError


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Fills a description, which is one line, and leaves examples, which are several, as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text if "\n" in text else super(argparse.RawDescriptionHelpFormatter, self)._fill_text
        return fill(text, width, indent)


def add_command(
    commands: Any, name: str, summary: str, needs: str, *, description: str = "", examples: str = ""
) -> argparse.ArgumentParser:
    """A command whose usage is one line.

    Args:
        commands: what ``add_subparsers`` of the parser above gave.
        summary: for the list of commands.
        needs: what has to be given, as the usage shows it.
        description: what it does; the summary, where it says enough.
        examples: lines that stand at the end of its help.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        usage=f"%(prog)s {needs} [options]",
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples or None,
        formatter_class=HelpFormatter,
    )
    return parser


def add_scan_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """``several``: of several scans each may have its own."""
    more = "; again for each SCAN, where they differ" if several else ""
    parser.add_argument(
        "--series",
        metavar="S",
        action="append" if several else "store",
        help=f"which DICOM series, where a folder holds several: number, UID or description{more}",
    )


def add_set_option(parser: Any, more: str = "") -> None:
    """``more``: follows the help."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="given",
        help=f"a setting of the method, see “lesion methods”; may be repeated{more}",
    )


def add_output_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", "-o", type=Path, required=True, metavar="DIR", help="folder for the results")


def add_writing_options(parser: argparse.ArgumentParser) -> None:
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


def add_settings_options(parser: argparse.ArgumentParser, of: str) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"YAML with settings in place of {of}")
    parser.add_argument("--show-settings", action="store_true", help="print the settings as YAML and do nothing else")


def settings_with(defaults: Any, config: Path | None) -> Any:
    """``defaults``, a dataclass of plain values, with what a YAML file says; without one as they are.

    Raises:
        UsageError: the file says something that is not known.
    """
    from LesionDetectionLib.methods.plain_values import changed

    if config is None:
        return defaults
    try:
        return changed(defaults, training_part("cohorts.spec").read_yaml(config))
    except ValueError as error:
        hint = " (YAML takes 1e-3 for text: write 1.0e-3)" if re.search(r"cannot be '[-+]?\d+e", str(error)) else ""
        raise UsageError(f"In {config}: {error}{hint}. --show-settings prints what can be set.") from error


def as_yaml(settings: Any) -> str:
    """The settings as ``--show-settings`` prints them."""
    import dataclasses
    import json

    import yaml

    text: str = yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(settings))), sort_keys=False)
    return text


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
