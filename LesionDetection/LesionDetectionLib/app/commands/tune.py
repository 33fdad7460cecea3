"""``lesion tune``: fit a method with several settings for a short while, and see which are the best."""

from __future__ import annotations

import argparse
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
from LesionDetectionLib.app.console import shown_progress, silent, tell

_EPILOG = """examples:
  what is fastest         lesion tune --method high-uptake-ct --cohort SPEC --cases 12 --samples 4000 --measure seconds
                            --vary fit.batch=16,32,64,128,256 --output batches
  and what learns         lesion tune --method high-uptake-ct --cohort SPEC --cases 12 --steps 300
                            --vary 'fit.learning_rate=1e-5..1e-1 log 9' --output rates
  several at once         lesion tune --method universal-ct --cohort SPEC --vary 'fit.learning_rate=1e-5..1e-2 log'
                            --vary fit.optimizer=adam,adamw --vary 'loss.box_weight=0.5..2' --trials 40 --output found
  what it found           lesion train --method universal-ct --cohort SPEC --config found/best.yaml --output my-model
  two GPUs                the same command with --resume --device cuda:1 beside the first
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "tune",
        "search settings of a method's training",
        "--method ID --cohort SPEC --vary NAME=VALUES --output DIR",
        description="Fit a method several times with other settings, each for a short while, and compare: trials.csv, best.yaml for "
        "“lesion train --config”, loss curves, and a page, index.html. A trial that does not converge, or does not fit into the "
        "memory, is told as such. After Ctrl-C, a crash or a kill the same command with --resume goes on, in the middle of a trial; "
        "several processes that see one DIR share its trials.",
        examples=_EPILOG,
    )
    parser.add_argument("--method", required=True, metavar="ID", help="see “lesion methods”")
    parser.add_argument(
        "--cohort", required=True, metavar="SPEC", help="what to learn from; see “lesion cohort --kinds”"
    )
    parser.add_argument("--validation", metavar="SPEC", help="a cohort of its own for validations")
    parser.add_argument(
        "--split", type=Path, metavar="FILE", help="who goes where, as “lesion cohort --split” writes it"
    )
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="a setting, as --show-settings prints it, with a dot for each level, and its values: 1,2,4,8; a range 0..0.5 to draw "
        "from; “1e-5..1e-1 log”, by its logarithm; “1e-5..1e-1 log 5”, so many of it, evenly spread; may be repeated",
    )
    parser.add_argument("--output", "-o", type=Path, required=True, metavar="DIR", help="results, and what trials keep")
    add_settings_options(parser, "the recipe's")
    parser.add_argument("--way", default="", metavar="W", help="grid (default for lists), random, or tpe (for ranges)")
    parser.add_argument("--trials", type=int, metavar="N", help="default: all points of a grid, else 20")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, default=0, metavar="N", help="of each fit (default: as set)")
    length.add_argument(
        "--samples",
        type=int,
        default=0,
        metavar="N",
        help="that each fit sees, whatever its batch, in place of --steps",
    )
    parser.add_argument(
        "--cases",
        type=int,
        default=0,
        metavar="N",
        help="patients of each part at most, drawn with the seed (default: all)",
    )
    parser.add_argument(
        "--measure",
        default="auto",
        metavar="M",
        help="loss (mean of the last tenth of the steps), validation (the best of the metric that the fit watches), or seconds (per "
        "1000 samples); default: validation where the fit watches one, else loss",
    )
    parser.add_argument(
        "--fit", default="", metavar="NAME", help="of several fits, that which is looked at (default: the last)"
    )
    parser.add_argument(
        "--again", type=int, default=0, metavar="N", help="fit the best with N other seeds, to see what a seed changes"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that prepare cases (default 1)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="prepared cases (default: in the output)")
    parser.add_argument(
        "--cache-gb", type=float, default=100.0, metavar="GB", help="largest size of the cache (default 100)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what DIR holds")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    settings = settings_with(training_part("learning.recipe").recipe(options.method).default_settings(), options.config)
    if options.show_settings:
        print(as_yaml(settings), end="")
        return
    search, parts = training_part("tuning.search"), training_part("learning.parts")
    request = training_part("tuning.request").TuningRequest(
        method=options.method,
        parts=parts.PartsRequest(options.cohort, options.validation, None, options.split, options.seed),
        output=options.output,
        vary=tuple(options.vary),
        settings=settings,
        way=options.way,
        trials=options.trials,
        steps=options.steps,
        samples=options.samples,
        cases=options.cases,
        measure=options.measure,
        fit=options.fit,
        again=options.again,
        device=options.device,
        workers=options.workers,
        cache_folder=options.cache,
        cache_gb=options.cache_gb,
        resume=options.resume,
        command=_command(options),
        tell=silent if options.quiet else tell,
    )
    with shown_progress(options.quiet) as progress:
        found = search.run_tuning(request, progress)
    if not options.quiet:
        telling = training_part("tuning.telling")
        print(telling.lead(found))
        for warning in telling.warnings(found):
            print(f"Note: {warning}")
        names = training_part("tuning.report").results_in(options.output)
        print(f"Results: {options.output} ({', '.join(names)} and pictures)")


def _command(options: argparse.Namespace) -> str:
    """The command that makes this search again, without the user's folders."""
    without_folders = training_part("learning.provenance").without_folders
    parts = [f"lesion tune --method {options.method}"]
    for name in ("cohort", "validation"):
        spec = getattr(options, name)
        parts += [f"--{name} {shlex.quote(without_folders(spec))}"] if spec else []
    for name in ("split", "config"):
        path = getattr(options, name)
        parts += [f"--{name} {shlex.quote(path.name)}"] if path else []
    parts += [f"--vary {shlex.quote(text)}" for text in options.vary]
    for name in ("way", "trials", "steps", "samples", "cases", "fit", "again"):
        value = getattr(options, name)
        parts += [f"--{name} {shlex.quote(str(value))}"] if value else []
    return " ".join(
        [*parts, f"--measure {options.measure} --seed {options.seed} --device {options.device} --output DIR"]
    )
