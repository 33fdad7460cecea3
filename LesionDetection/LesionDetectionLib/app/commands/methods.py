"""``lesion methods``: what there is to choose from."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict
from typing import Any

from LesionDetectionLib.app.commands.options import add_command, add_json_option
from LesionDetectionLib.app.given_settings import choice_values
from LesionDetectionLib.core.detector import MethodInfo, method, methods
from LesionDetectionLib.io.display import modality_name

_EXAMPLES = """examples:
  all                     lesion methods
  one, with its settings  lesion methods active-pet-ct
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, "methods", "list the methods, what they find and what they cannot do", "[ID ...]", examples=_EXAMPLES
    )
    parser.add_argument("method", nargs="*", metavar="ID", help="only these")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    found = {name: method(name) for name in options.method} or methods()
    if options.json:
        print(json.dumps([asdict(info) for info in found.values()], indent=1))
        return
    for info in found.values():
        model = "needs a model; a demonstration one is included" if info.demonstration_model else "needs a model"
        print(f"{info.id}  {info.title}\n  images: {_images(info)}; {model if info.needs_model else 'no model'}")
        for label, text in (("finds", info.finds), ("limits", info.limits), ("source", info.reference)):
            print(textwrap.fill(f"{label}: {text}", 100, initial_indent="  ", subsequent_indent="    "))
        _print_choices(info)
        print()


def _images(info: MethodInfo) -> str:
    required, optional = (" and ".join(map(modality_name, names)) for names in (info.required, info.optional))
    return f"{required}, and {optional} unless its settings do without" if optional else required


def _print_choices(info: MethodInfo) -> None:
    """What --set can change, with what it is by itself; a model may want other values."""
    if not info.choices:
        return
    settings = info.default_settings(None)
    print("  settings (--set NAME=VALUE):")
    for choice in info.choices:
        value = getattr(settings, choice.name)
        shown = ("yes" if value else "no") if isinstance(value, bool) else value
        text = f"{choice.name} = {shown} ({choice_values(choice, value)}): {choice.help}"
        print(textwrap.fill(text, 100, initial_indent="    ", subsequent_indent="      "))
