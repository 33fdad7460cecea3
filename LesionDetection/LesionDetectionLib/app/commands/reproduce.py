"""``lesion reproduce``: the tables and figures of a method's paper, made anew, ours beside the paper's."""

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
from LesionDetectionLib.core.errors import UsageError

_EPILOG = """examples:
  LUNA16, as the paper    lesion reproduce nodule-ct --data LUNA16 --output DIR
  two GPUs at once        lesion reproduce nodule-ct --data LUNA16 --output DIR --folds 0-4 --device cuda:0
                          lesion reproduce nodule-ct --data LUNA16 --output DIR --folds 5-9 --device cuda:1 --resume
                          and, when both are done, the first line with --resume for tables over all folds
  no data at hand         lesion reproduce nodule-ct --phantom 30 --output DIR
  in minutes              lesion reproduce nodule-ct --phantom 20 --preset smoke --folds 0-1 --output DIR
  CT with label maps of   lesion reproduce high-uptake-ct --data FOLDER --output DIR
  active lesions          (those with an empty label map play the role of LOLA)
  DeepLesion              lesion reproduce universal-ct --data DEEPLESION --config vgg19.yaml --output DIR
                          (vgg19.yaml: recipe: {initial_weights: FILE of ImageNet weights, safetensors})
  its rows on two GPUs    the same with --folds 0,1 --device cuda:0 and --folds 2,3 --device cuda:1 --resume
  its liver lesions       lesion reproduce liver-ct --data DEEPLESION --config liver.yaml --output DIR
                          (liver.yaml: images_list: FILE of training images with liver lesions, and initial_weights: FILE under
                          vgg and faster_rcnn)
  PET with points, masks  lesion reproduce pet-weak --data FOLDER --output DIR
  and outcomes            (cases.csv and outcomes.csv; Table 1 is of the oesophagus, Table 2 of the lung)
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "reproduce",
        "make the tables and figures of a method's paper anew",
        "METHOD (--data FOLDER | --phantom N) --output DIR",
        description="Make the tables and figures of a method's paper anew, on the paper's data or on phantoms in their "
        "format: tables.json, CSV, curves and a page, index.html, ours beside what the paper printed. Every step keeps "
        "its result in DIR: after Ctrl-C, a crash or a kill the same command with --resume goes on.",
        examples=_EPILOG,
    )
    parser.add_argument(
        "method", metavar="METHOD", help="whose paper: nodule-ct, high-uptake-ct, universal-ct, liver-ct or pet-weak"
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="the paper's data; nodule-ct: LUNA16 with subset0 to subset9; high-uptake-ct: CT, and PET where there is, with "
        "label maps of active lesions, and lungcx.txt where a subset is to be shown; universal-ct and liver-ct: DeepLesion with "
        "DL_info.csv and Images_png; pet-weak: PETs in cases.csv with label, point and mask, and outcomes.csv with response and survival_3y",
    )
    data.add_argument(
        "--phantom",
        type=int,
        metavar="N",
        help="make N phantoms in the data's format first, in DIR/data; of universal-ct and liver-ct N patients with one to three series each",
    )
    parser.add_argument("--output", "-o", type=Path, required=True, metavar="DIR", help="results, and what steps keep")
    parser.add_argument(
        "--preset",
        metavar="P",
        help="paper (its sizes), small (a demonstration) or smoke (a trial in minutes); default: paper with --data, small "
        "with --phantom",
    )
    parser.add_argument(
        "--protocol",
        default="",
        metavar="P",
        help="how phantoms are scanned: tiny, fast or default; of nodule-ct also mixed, of high-uptake-ct chest; of universal-ct "
        "tiny, slab or default, of liver-ct liver or liver-tiny, of pet-weak also mixed (default: what fits the preset)",
    )
    parser.add_argument(
        "--folds",
        default="",
        metavar="N",
        help="of the cross-validation: 0-9 or 0,3 (default: all); universal-ct has one split, and rows of its table: 0 original, 1 + "
        "anchors, 2 + dense supervision, 3 + attention gate, and 4 with ResNet-50, 5 with complete labels where settings ask for them; "
        "liver-ct: 0 baseline, 1 with VGG-16, 2 Faster R-CNN, and 3-5 features of VGG-16 alone where settings ask for them",
    )
    parser.add_argument(
        "--tables",
        default="",
        metavar="N",
        help="of the paper: 1,2 (default: all); high-uptake-ct: 1 with all figures, 2 for the comparison with PET/CT; universal-ct: 1 "
        "with all figures, 2 for what missing labels do; liver-ct the same; pet-weak: 1 oesophagus, 2 lung",
    )
    parser.add_argument(
        "--fold",
        type=int,
        metavar="N",
        help="of what is shown of one fold: Table 2 of nodule-ct (default: the last), filters of high-uptake-ct (the first); pictures "
        "of universal-ct, by row (3); not of liver-ct and pet-weak",
    )
    add_settings_options(parser, "the preset's")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that prepare cases (default 1)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="prepared cases (default: in the output)")
    parser.add_argument(
        "--cache-gb", type=float, default=200.0, metavar="GB", help="largest size of the cache (default 200)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what DIR holds")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    preset = options.preset or ("paper" if options.data is not None else "small")
    defaults = training_part("reproduction.contract").reproduction(options.method).settings_of(preset)
    settings = settings_with(defaults, options.config)
    if options.show_settings:
        print(as_yaml(settings), end="")
        return
    if options.phantom is not None and options.phantom < 1:
        raise UsageError("--phantom needs a number of phantoms above 0.")
    running, numbers = training_part("reproduction.running"), training_part("cohorts.spec").numbers
    request = running.ReproductionRequest(
        method=options.method,
        output=options.output,
        data=options.data,
        phantoms=options.phantom or 0,
        protocol=options.protocol,
        preset=preset,
        settings=settings,
        folds=numbers(options.folds, "folds") if options.folds else (),
        fold=options.fold,
        tables=numbers(options.tables, "tables") if options.tables else (),
        device=options.device,
        workers=options.workers,
        seed=options.seed,
        cache_folder=options.cache,
        cache_gb=options.cache_gb,
        resume=options.resume,
        command=_command(options, preset),
        tell=silent if options.quiet else tell,
    )
    with shown_progress(options.quiet) as progress:
        report = running.run_reproduction(request, progress)
    if not options.quiet:
        for warning in report.warnings:
            print(f"Note: {warning}")
        print(report.lead)
        print(f"Results: {options.output} (index.html, tables.json, CSV and curves)")


def _command(options: argparse.Namespace, preset: str) -> str:
    """The command that makes these results again, without the user's folders."""
    data = f"--phantom {options.phantom}" if options.data is None else f"--data {shlex.quote(options.data.name)}"
    parts = [f"lesion reproduce {options.method} {data} --preset {preset}"]
    for name in ("protocol", "folds", "tables"):
        parts += [f"--{name} {shlex.quote(getattr(options, name))}"] if getattr(options, name) else []
    parts += [f"--fold {options.fold}"] if options.fold is not None else []
    parts += [f"--config {shlex.quote(options.config.name)}"] if options.config is not None else []
    return " ".join([*parts, f"--seed {options.seed} --device {options.device} --output DIR"])
