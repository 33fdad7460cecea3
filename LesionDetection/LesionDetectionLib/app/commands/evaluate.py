"""``lesion evaluate``: score marks against the truth by the rules of a protocol, or by all of them side by side."""

from __future__ import annotations

import argparse
import atexit
import gc
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import (
    add_command,
    add_output_option,
    add_set_option,
    add_writing_options,
    training_part,
)
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.given_settings import parse_settings

PROTOCOLS = ("luna16", "deeplesion", "coco3d", "picai", "autopet", "all")
_EPILOG = """examples:
  LUNA16's lists      lesion evaluate --protocol luna16 --annotations annotations.csv --excluded annotations_excluded.csv
                        --seriesuids seriesuids.csv --detections marks.csv --output DIR
                      marks.csv: seriesuid,coordX,coordY,coordZ,probability (and diameter_mm, where it is known)
  DeepLesion          lesion evaluate --protocol deeplesion --truth DL_info.csv --split test --detections marks.csv
                        --output DIR
                      marks.csv: File_name,x1,y1,x2,y2,score (first and last pixel)
  folders             lesion evaluate --protocol picai --truth LABELS --detections FOUND --output DIR
                      FOUND: <image>/detections.json, as “lesion detect COHORT” writes it, or <image>.json
                      LABELS: the same, or label maps <image>.nii.gz (.nrrd, .mha)
  a cohort's labels   lesion evaluate --protocol all --cohort SPEC --detections FOUND --output DIR
  from scratch        lesion evaluate --model BUNDLE --cohort SPEC --output DIR
  two sets of marks   lesion evaluate ... --detections MINE --compare OTHER --output DIR
                      lesion evaluate --model BUNDLE --compare-model OTHER --cohort SPEC --output DIR
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "evaluate",
        "score marks by the rules of LUNA16, DeepLesion, COCO, PI-CAI or autoPET",
        "--cohort SPEC (--model BUNDLE | --detections PATH) --output DIR",
        description="Score marks against the truth. Writes summary.json, tables of lesions, marks and cases, curves (PNG and "
        "CSV), and a report with pictures of the worst: index.html and report.pdf.",
        examples=_EPILOG,
    )
    add_output_option(parser)
    parser.add_argument(
        "--protocol", default="luna16", choices=PROTOCOLS, help="whose rules, or all side by side (default: luna16)"
    )
    truth = parser.add_argument_group("the truth")
    truth.add_argument("--annotations", type=Path, metavar="CSV", help="LUNA16: nodules")
    truth.add_argument("--excluded", type=Path, metavar="CSV", help="LUNA16: findings that count neither way")
    truth.add_argument("--seriesuids", type=Path, metavar="CSV", help="LUNA16: all series to score")
    truth.add_argument(
        "--truth", type=Path, metavar="PATH", help="DL_info.csv, or a folder of label maps or detections"
    )
    truth.add_argument("--cohort", default="", metavar="SPEC", help="a cohort with labels, see “lesion cohort”")
    truth.add_argument(
        "--split", default="", choices=("training", "validation", "test"), help="of DL_info.csv (default: all)"
    )
    marks = parser.add_argument_group("the marks")
    marks.add_argument("--detections", type=Path, metavar="PATH", help="a table of marks, or a folder of detections")
    marks.add_argument("--model", type=Path, metavar="BUNDLE", help="detect with this model in each case of the cohort")
    marks.add_argument(
        "--method", default="", metavar="ID", help="detect with this method, for methods that need no model"
    )
    marks.add_argument(
        "--compare", type=Path, metavar="PATH", help="a second set of marks, in the form of --detections"
    )
    marks.add_argument(
        "--compare-model", type=Path, metavar="BUNDLE", help="a second model, to detect with in the same cohort"
    )
    add_set_option(marks, "; of every method that detects")
    marks.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    marks.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that read cases while one detects (default 1)"
    )
    marks.add_argument(
        "--operating-point",
        default="",
        metavar="P",
        help="that the report is about, and what autopet is shown, which knows no scores: a name that the model gives or a "
        "least score (default: the model's, else at 1 false mark an image)",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=12,
        metavar="N",
        help="of the largest missed lesions, and of the false marks of the highest score, where a cohort is named whose "
        "images can be read; 0 for none (default: 12)",
    )
    parser.add_argument(
        "--bootstraps",
        type=int,
        default=1000,
        metavar="N",
        help="samples for the confidence; 0 for none (default: 1000)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap (default: 0)")
    add_writing_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    # When it ends, Python searches all that is left for cycles, a sixth of the time of a run, though the system takes it
    # all back at once. Nothing is left open here that would need it.
    atexit.register(gc.freeze)
    evaluation = training_part("evaluation.evaluate")
    request = evaluation.Request(
        protocol=options.protocol,
        output=options.output,
        annotations=options.annotations,
        excluded=options.excluded,
        series=options.seriesuids,
        truth=options.truth,
        cohort=options.cohort,
        detections=options.detections,
        model=options.model,
        method=options.method,
        compare=options.compare,
        compare_model=options.compare_model,
        split=options.split,
        operating_point=options.operating_point,
        pictures=options.pictures,
        given=parse_settings(options.given),
        device=options.device,
        workers=options.workers,
        samples=options.bootstraps,
        seed=options.seed,
        overwrite=options.overwrite,
    )
    with shown_progress(options.quiet) as progress:
        evaluated = evaluation.evaluate(request, progress)
    if not options.quiet:
        _print(evaluated, options.output)


def _print(evaluated: Any, output: Path) -> None:
    for one in evaluated.scored:
        print(f"{one.policy.name}: {one.lead}")
    for note in evaluated.scoring.notes:
        print(f"Note: {note}")
    print(f"Results: {output} (index.html, report.pdf, summary.json, tables and curves)")
