"""``lesion methods``: what there is to choose from."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict
from typing import Any

from LesionDetectionLib.app.commands.options import add_json_option
from LesionDetectionLib.core.detector import methods


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("methods", help="list the methods, what they find and what they cannot do")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    found = methods()
    if options.json:
        print(json.dumps([asdict(info) for info in found.values()], indent=1))
        return
    for info in found.values():
        model = "needs a model; a demonstration one is included" if info.demonstration_model else "needs a model"
        print(
            f"{info.id}  {info.title}\n  images: {' and '.join(info.modalities)}; {model if info.needs_model else 'no model'}"
        )
        for label, text in (("finds", info.finds), ("limits", info.limits), ("source", info.reference)):
            print(textwrap.fill(f"{label}: {text}", 100, initial_indent="  ", subsequent_indent="    "))
        print()
