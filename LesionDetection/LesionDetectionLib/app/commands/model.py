"""``lesion model inspect|verify``: look into a model bundle without running anything of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import add_json_option
from LesionDetectionLib.core.bundle import Bundle


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("model", help="inspect or verify a model bundle")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    inspect = actions.add_parser("inspect", help="print what the bundle says of itself")
    add_json_option(inspect)
    verify = actions.add_parser("verify", help="check that the bundle is whole and unchanged")
    for action, function in ((inspect, run_inspect), (verify, run_verify)):
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
