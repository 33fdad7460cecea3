"""``lesion cohort``: what is in a cohort, whether it can be read, and how it is divided.

The training half of the project is found by name, late: see :func:`.cohort_detection.training_part`.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.cohort_detection import training_part
from LesionDetectionLib.app.commands.options import add_command, add_json_option, add_quiet_option
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.atomic import atomic_folder, refuse_taken
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

_PARTS = ("training", "validation", "test")


_EXAMPLES = """examples:
  what kinds there are    lesion cohort --kinds
  what is in one          lesion cohort "folder:/data/MyScans" --list
  read all of it          lesion cohort "luna16:/data/LUNA16" --check
  divide by patient       lesion cohort "luna16:/data/LUNA16" --split 0.7,0.15,0.15 --output split.json
  cross-validation        lesion cohort "luna16:/data/LUNA16" --folds 5 --output folds
"""


def add_parser(commands: Any) -> None:
    parser = add_command(commands, "cohort", "list, check, measure and divide a cohort", "SPEC", examples=_EXAMPLES)
    parser.add_argument("spec", nargs="?", default="", metavar="SPEC", help="KIND:PATH?option=value, or a YAML file")
    parser.add_argument("--kinds", action="store_true", help="show the kinds of cohorts and their options")
    parser.add_argument("--list", action="store_true", help="show every case, and everything that is left out")
    parser.add_argument("--check", action="store_true", help="read every image and label; exit code 3 if any fails")
    parser.add_argument("--statistics", action="store_true", help="read every label: how many lesions, how large")
    parser.add_argument(
        "--split",
        default="",
        metavar="A,B,C",
        help="divide by patient into training, validation and test; or “official”",
    )
    parser.add_argument("--folds", type=int, default=0, metavar="K", help="divide by patient into K folds")
    parser.add_argument(
        "--validation", type=float, default=0.0, metavar="SHARE", help="of each fold's rest, set aside (with --folds)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the division (default: 0)")
    parser.add_argument(
        "--output", "-o", type=Path, metavar="PATH", help="where the split is written; a folder for folds"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is at PATH")
    add_json_option(parser)
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if options.kinds:
        _show_kinds(options.json)
        return
    _check_arguments(options)
    with shown_progress(options.quiet) as progress:
        cohort = training_part("cohorts.spec").open_cohort(options.spec, progress.part(0.0, 0.1))
        splits = _splits(cohort, options)  # refused, if it is, before every image is read
        halves = progress.part(0.1, 0.55), progress.part(0.55, 1.0)
        good, failed = _check(cohort, halves[0]) if options.check else ([], [])
        described = training_part("cohorts.statistics").describe(cohort, halves[1], truth=options.statistics)
        progress(1.0, "Done")
    shown = described.to_json()
    if options.list:
        shown["list"] = [_row(case) for case in cohort.cases]
    if options.check:
        told = [{"case": case.id, "reason": note} for case, notes in good for note in notes]
        shown["check"] = {"good": len(good), "failed": _plain(failed), "notes": told}
    if splits:
        shown["split"] = _write(splits, options)
    if options.json:
        print(json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print(described.lines(0) if options.list else described.lines(), shown)  # a list has all of them, at its end
    if failed:
        raise InputError(f"{len(failed)} of {len(cohort.cases)} cases cannot be used; they are listed above.")


def _check_arguments(options: argparse.Namespace) -> None:
    """Raises UsageError for what makes no sense, OutputError for a taken PATH, before anything is read."""
    if not options.spec:
        raise UsageError(
            "Name a cohort: KIND:PATH?option=value or a YAML file. “lesion cohort --kinds” shows the kinds."
        )
    if options.split and options.folds:
        raise UsageError("Choose one of --split and --folds.")
    if (options.split or options.folds) and options.output is None:
        raise UsageError("A division is written down: add --output PATH.")
    if options.output is not None:
        if not (options.split or options.folds):
            raise UsageError("--output is where a division is written: add --split or --folds.")
        refuse_taken(options.output.parent, (options.output.name,), options.overwrite)
    if options.validation and not options.folds:
        raise UsageError("--validation is for --folds; with --split the second share is that for validation.")


def _check(cohort: Any, progress: Progress) -> tuple[list[Any], list[Any]]:
    """(Case, notes on it) of those that can be used; and those that cannot, and why."""
    good, failed = training_part("cohorts.checking").check_cases(cohort.cases, progress)
    return list(good), list(failed)


def _row(case: Any) -> dict[str, Any]:
    return {
        "case": case.id,
        "patient": case.patient,
        "split": case.split,
        "modalities": list(case.modalities),
        "labelled": case.labelled,
    }


def _splits(cohort: Any, options: argparse.Namespace) -> dict[str, Any]:
    """The splits asked for by the names of their files; none of a single split, which goes to PATH itself."""
    splitting = training_part("cohorts.split")
    if options.folds:
        folds = splitting.k_folds(cohort, options.folds, options.seed, options.validation)
        return {f"fold-{number:02d}.json": split for number, split in enumerate(folds)}
    if options.split == "official":
        return {"": splitting.official_split(cohort)}
    if options.split:
        return {"": splitting.split_by_patient(cohort, _shares(options.split), options.seed)}
    return {}


def _write(splits: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Write the split or folds; what was written: file -> part -> number of cases."""
    if options.folds:
        with atomic_folder(options.output, options.overwrite) as folder:
            for name, split in splits.items():
                split.save(folder / name)
        for older in set(options.output.glob("fold-*.json")) - {options.output / name for name in splits}:
            older.unlink()  # a fold of an earlier division would be read as one of this
    else:
        splits[""].save(options.output)
    return {
        str(options.output / name): {part: len(ids) for part, ids in split.parts.items()}
        for name, split in splits.items()
    }


def _shares(text: str) -> dict[str, float]:
    try:
        training, validation, test = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"“{text}” is no division: write the shares of {', '.join(_PARTS)}, such as 0.7,0.15,0.15, or “official”."
        ) from None
    return dict(zip(_PARTS, (training, validation, test), strict=True))


def _print(lines: tuple[str, ...], shown: dict[str, Any]) -> None:
    for line in lines:
        print(line)
    for case in shown.get("list", ()):
        labels = "" if case["labelled"] else "  no labels"
        print(f"  {case['case']}  {case['patient']}  {case['split'] or '-'}  {'+'.join(case['modalities'])}{labels}")
    if "list" in shown:
        _print_left_out("Left out", shown["left_out"])
    if "check" in shown:
        print(f"{shown['check']['good']} of {shown['cases']} cases can be read and fit together")
        _print_left_out("Cannot be used", shown["check"]["failed"])
        _print_left_out("Notes", shown["check"]["notes"])
    for path, parts in shown.get("split", {}).items():
        print(f"{path}: {', '.join(f'{name} {count}' for name, count in parts.items())}")


def _print_left_out(title: str, entries: list[dict[str, str]]) -> None:
    if entries:
        print(f"{title}: {len(entries)}")
    for entry in entries:
        print(f"  {entry['case']}: {entry['reason']}")


def _show_kinds(as_json: bool) -> None:
    options_of = training_part("cohorts.option_help").options_of
    kinds = training_part("cohorts.spec").kinds()
    if as_json:
        found = {
            name: {
                "title": kind.title,
                "path": kind.path_is,
                "options": {
                    option.name: {"default": option.default, "is": option.meaning} for option in options_of(kind)
                },
            }
            for name, kind in kinds.items()
        }
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for name, kind in kinds.items():
        print(f"{name}:PATH  {kind.title}")
        for label, text in (("PATH", kind.path_is), *((_with_default(o), o.meaning) for o in options_of(kind))):
            print(textwrap.fill(f"{label}: {text}", 100, initial_indent="  ", subsequent_indent="    "))
        print()


def _with_default(option: Any) -> str:
    return f"{option.name} ({option.default})" if option.default else str(option.name)


def _plain(entries: Any) -> list[dict[str, str]]:
    return [{"case": entry.case, "reason": entry.reason} for entry in entries]
