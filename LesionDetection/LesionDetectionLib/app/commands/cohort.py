"""``lesion cohort``: what is in a cohort, whether it can be read, and how it is divided.

The training half of the project is found by name, late: see :func:`.cohort_detection.training_part`.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.cohort_detection import training_part
from LesionDetectionLib.app.commands.options import add_json_option, add_quiet_option
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.atomic import atomic_folder, refuse_taken
from LesionDetectionLib.core.errors import InputError, UsageError

_PARTS = ("training", "validation", "test")
_FEW = 5
"""So many of what is left out are shown where not all are asked for."""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("cohort", help="list, check, measure and divide a cohort")
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
    failed: list[Any] = []
    with shown_progress(options.quiet) as progress:
        cohort = training_part("cohorts.spec").open_cohort(options.spec, progress.part(0.0, 0.1))
        shown = _overview(cohort, options.list)
        if options.check:
            checking = training_part("cohorts.checking")
            _, failed = training_part("cohorts.cohort").work_on(
                cohort.cases, checking.check_case, progress.part(0.1, 0.5)
            )
            shown["check"] = {"good": len(cohort.cases) - len(failed), "failed": _plain(failed)}
        if options.statistics:
            statistics = training_part("cohorts.statistics").describe(cohort, progress.part(0.5, 1.0))
            shown["statistics"] = statistics.to_json()
        progress(1.0, "Done")
    if options.split or options.folds:
        shown["split"] = _divide(cohort, options)
    if options.json:
        print(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        _print(shown, statistics.lines() if options.statistics else ())
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


def _overview(cohort: Any, every: bool) -> dict[str, Any]:
    """What listing tells, without reading voxels."""
    cases = cohort.cases
    shown: dict[str, Any] = {
        "spec": cohort.spec,
        "title": cohort.title,
        "on_phantoms": cohort.on_phantoms,
        "cases": len(cases),
        "patients": len(cohort.patients),
        "labelled": sum(case.labelled for case in cases),
        "modalities": dict(Counter(" + ".join(case.modalities) for case in cases)),
        "official_split": dict(Counter(case.split for case in cases if case.split)),
        "left_out": _plain(cohort.left_out),
        "notes": list(cohort.notes),
    }
    if every:
        shown["list"] = [
            {
                "case": case.id,
                "patient": case.patient,
                "split": case.split,
                "modalities": list(case.modalities),
                "labelled": case.labelled,
            }
            for case in cases
        ]
    return shown


def _divide(cohort: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Write the split or folds; what was written: file -> part -> number of cases."""
    splitting = training_part("cohorts.split")
    if options.folds:
        splits = splitting.k_folds(cohort, options.folds, options.seed, options.validation)
        with atomic_folder(options.output, options.overwrite) as folder:
            names = [f"fold-{number:02d}.json" for number in range(len(splits))]
            for name, split in zip(names, splits, strict=True):
                split.save(folder / name)
        for older in set(options.output.glob("fold-*.json")) - {options.output / name for name in names}:
            older.unlink()  # a fold of an earlier division would be read as one of this
        written = {str(options.output / name): split for name, split in zip(names, splits, strict=True)}
    else:
        if options.split == "official":
            split = splitting.official_split(cohort)
        else:
            split = splitting.split_by_patient(cohort, _shares(options.split), options.seed)
        split.save(options.output)
        written = {str(options.output): split}
    return {path: {name: len(ids) for name, ids in split.parts.items()} for path, split in written.items()}


def _shares(text: str) -> dict[str, float]:
    try:
        training, validation, test = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"“{text}” is no division: write the shares of {', '.join(_PARTS)}, such as 0.7,0.15,0.15, or “official”."
        ) from None
    return dict(zip(_PARTS, (training, validation, test), strict=True))


def _print(shown: dict[str, Any], statistics: Any) -> None:
    print(f"{shown['spec']}: {shown['title']}")
    print(
        f"{shown['cases']} cases of {shown['patients']} patients, {shown['labelled']} of them labelled; images: "
        + _counts(shown["modalities"])
    )
    if shown["official_split"]:
        print(f"official split: {_counts(shown['official_split'])}")
    for case in shown.get("list", ()):
        labels = "" if case["labelled"] else "  no labels"
        print(f"  {case['case']}  {case['patient']}  {case['split'] or '-'}  {'+'.join(case['modalities'])}{labels}")
    _print_left_out("left out when listed", shown["left_out"], "list" in shown)
    if "check" in shown:
        print(f"{shown['check']['good']} cases can be read and fit together")
        _print_left_out("cannot be used", shown["check"]["failed"], True)
    for line in statistics:
        print(line)
    for note in shown["notes"]:
        print(f"Note: {note}")
    for path, parts in shown.get("split", {}).items():
        print(f"{path}: {_counts(parts)}")


def _print_left_out(title: str, entries: list[dict[str, str]], every: bool) -> None:
    if entries:
        print(f"{title}: {len(entries)}")
    for entry in entries if every else entries[:_FEW]:
        print(f"  {entry['case']}: {entry['reason']}")
    if not every and len(entries) > _FEW:
        print(f"  and {len(entries) - _FEW} more: add --list")


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


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items())
