"""``lesion train``: train a method on a cohort; ends in a verified model bundle."""

from __future__ import annotations

import argparse
import math
import shlex
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import (
    add_command,
    add_quiet_option,
    add_settings_options,
    as_yaml,
    settings_with,
    training_part,
)
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.errors import UsageError

_EXAMPLES = """examples:
  to see that it runs   lesion train --method nodule-ct --preset trial --cohort "phantoms:chest?seeds=0-9&protocol=tiny" --output tried
  on your scans         lesion train --method nodule-ct --cohort "folder:/data/MyScans" --output my-model
  after a stop          lesion train ... --resume
  other settings        lesion train ... --preset small --show-settings > mine.yaml; lesion train ... --config mine.yaml
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "train",
        "train a method on a cohort",
        "--method ID --cohort SPEC --output BUNDLE",
        description="Train a method on a cohort and write a model bundle. Ctrl-C keeps what was learned: the same command "
        "with --resume goes on. Several GPUs or machines: torchrun --nproc-per-node N -m "
        "LesionDetectionLib.app.command_line train ...",
        examples=_EXAMPLES,
    )
    parser.add_argument("--method", required=True, metavar="ID", help="see “lesion methods”")
    parser.add_argument(
        "--cohort", required=True, metavar="SPEC", help="what to learn from; see “lesion cohort --kinds”"
    )
    parser.add_argument(
        "--output", "-o", type=Path, required=True, metavar="BUNDLE", help="folder, or file ending in .zip"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    parser.add_argument("--validation", metavar="SPEC", help="a cohort of its own to set thresholds on")
    parser.add_argument("--test", metavar="SPEC", help="a cohort of its own that is only measured on")
    parser.add_argument(
        "--split", type=Path, metavar="FILE", help="who goes where, as “lesion cohort --split” writes it"
    )
    parser.add_argument(
        "--preset",
        default="",
        metavar="P",
        help="standard (default), trial (minutes; learns next to nothing), paper, or another of the method's, as in Lesion "
        "Training",
    )
    add_settings_options(parser, "the preset's")
    parser.add_argument("--name", default="", help="of the model (default: that of the output)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that prepare cases (default 1)")
    parser.add_argument(
        "--run", dest="run_folder", type=Path, metavar="DIR", help="checkpoints, history, logs (default: BUNDLE.run)"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="prepared cases (default: in the run's folder)")
    parser.add_argument(
        "--cache-gb", type=float, default=100.0, metavar="GB", help="largest size of the cache (default 100)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped or killed")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    recipe_of = training_part("learning.recipe").recipe
    from LesionDetectionLib.methods.plain_values import changed

    defaults = recipe_of(options.method).default_settings()
    chosen = training_part("session.presets").preset(options.method, options.preset)
    settings = settings_with(changed(defaults, chosen.settings), options.config)
    if options.show_settings:
        print(as_yaml(settings), end="")
        return
    if options.seed < 0 or options.workers < 1 or not 0 < options.cache_gb < math.inf:
        raise UsageError("--seed must be 0 or more, --workers 1 or more, and --cache-gb above 0.")
    training, parts = training_part("learning.training"), training_part("learning.parts")
    request = training.TrainingRequest(
        method=options.method,
        parts=parts.PartsRequest(options.cohort, options.validation, options.test, options.split, options.seed),
        output=options.output,
        settings=settings,
        name=options.name,
        run_folder=options.run_folder,
        cache_folder=options.cache,
        cache_gb=options.cache_gb,
        device=options.device,
        workers=options.workers,
        resume=options.resume,
        overwrite=options.overwrite,
        command=_command(options),
    )
    with shown_progress(options.quiet or not training.is_main_process()) as progress:
        bundle = training.train_bundle(request, progress)
    if bundle is not None and not options.quiet:
        print(bundle.card().rstrip())
        print(f"\nThe model is in {options.output}; what it was made with in {request.folder}.")


def _command(options: argparse.Namespace) -> str:
    """The command that makes this model again, without the user's folders."""
    without_folders = training_part("learning.provenance").without_folders
    parts = [f"lesion train --method {options.method}"]
    for name in ("cohort", "validation", "test"):
        spec = getattr(options, name)
        parts += [f"--{name} {shlex.quote(without_folders(spec))}"] if spec else []
    parts += [f"--preset {options.preset}"] if options.preset else []
    for name in ("split", "config"):
        path = getattr(options, name)
        parts += [f"--{name} {shlex.quote(path.name)}"] if path else []
    return " ".join([*parts, f"--seed {options.seed} --device {options.device} --output BUNDLE"])
