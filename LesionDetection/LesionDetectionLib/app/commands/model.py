"""``lesion model inspect|verify|measure``: what a model bundle says of itself, whether it is whole, how good it is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import add_command, add_json_option, add_quiet_option, training_part
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError

_EXAMPLES = """examples:
  what it is        lesion model inspect my-model
  is it whole       lesion model verify my-model.zip
  how good is it    lesion model measure my-model --cohort "folder:/data/OtherScans" --output my-model-2
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, "model", "inspect, verify or measure a model bundle", "ACTION BUNDLE", examples=_EXAMPLES
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", prog=parser.prog)
    inspect = add_command(actions, "inspect", "print what the bundle says of itself", "BUNDLE")
    add_json_option(inspect)
    verify = add_command(actions, "verify", "check that the bundle is whole and unchanged", "BUNDLE")
    measure = add_command(
        actions,
        "measure",
        "measure it on a cohort and write it with the figures in its card",
        "BUNDLE --cohort SPEC --output BUNDLE",
        description="Detect in every labelled case of a cohort, by the rules of LUNA16, and write the bundle with the figures "
        "in manifest and card; weights and thresholds stay. Take cases that served neither training nor thresholds.",
    )
    measure.add_argument("--cohort", required=True, metavar="SPEC", help="cases with labels, see “lesion cohort”")
    measure.add_argument(
        "--output", "-o", type=Path, required=True, metavar="BUNDLE", help="folder, or file ending in .zip"
    )
    measure.add_argument("--overwrite", action="store_true", help="replace a bundle that is there; it may be the same")
    measure.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    measure.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that read cases while one detects (default 1)"
    )
    add_quiet_option(measure)
    for action, function in ((inspect, run_inspect), (verify, run_verify), (measure, run_measure)):
        action.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder or .zip")
        action.set_defaults(run=function)


def run_inspect(options: argparse.Namespace) -> None:
    bundle = Bundle.open(options.bundle)
    if options.json:
        print(json.dumps({**vars(bundle.manifest), "sha256": bundle.digest}, indent=1))
        return
    print(bundle.card().rstrip())
    print(f"\nSHA-256 of the manifest: {bundle.digest}")
    for name, array in sorted(bundle.weights().items()):
        print(f"  {name}  {array.dtype}  {' x '.join(map(str, array.shape)) or 'scalar'}")


def run_verify(options: argparse.Namespace) -> None:
    bundle = Bundle.open(options.bundle)
    numbers = sum(array.size for array in bundle.weights().values())
    print(
        f"{options.bundle} is whole and unchanged: model “{bundle.manifest.name}” {bundle.manifest.version} for "
        f"{bundle.manifest.method}, {len(bundle.files)} files, {numbers:,} numbers."
    )
    for warning in bundle.warnings():
        print(warning)


def run_measure(options: argparse.Namespace) -> None:
    if options.workers < 1:
        raise UsageError("--workers must be 1 or more.")
    measure = training_part("learning.measuring").measure_bundle
    with shown_progress(options.quiet) as progress:
        _, judged, left_out = measure(
            options.bundle,
            options.cohort,
            options.output,
            options.device,
            options.workers,
            options.overwrite,
            progress,
        )
    if not options.quiet:
        print(judged.table)
        for left in left_out:
            print(f"Left out: {left.case}: {left.reason}")
        print(f"The model with these figures is in {options.output}.")
