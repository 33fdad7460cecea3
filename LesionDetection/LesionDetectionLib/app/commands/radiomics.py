"""``lesion radiomics``: tell what becomes of patients from the features of their lesions, and how well that goes."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import (
    add_command,
    add_modality_option,
    add_output_option,
    add_settings_options,
    add_writing_options,
    as_yaml,
    settings_with,
    training_part,
)
from LesionDetectionLib.app.console import shown_progress

_EPILOG = """examples:
  drawn masks          lesion radiomics table:cases.csv --masks labels --outcome outcomes.csv:response --output DIR
  detected ones        lesion detect table:cases.csv --method pet-weak --model MODEL --output FOUND
                       lesion radiomics table:cases.csv --masks FOUND --outcome outcomes.csv:survival_3y --output DIR
  to see that it runs  lesion radiomics ... --preset quick --output DIR
  a network instead    lesion radiomics ... --masks labels --classifier rpet-net --permutations 0 --output DIR
  what can be set      lesion radiomics ... --show-settings > mine.yaml; lesion radiomics ... --config mine.yaml
  outcomes.csv         patient,response,survival_3y (1/0, yes/no, true/false, ...; empty where it is not known)
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "radiomics",
        "tell outcomes of patients from features of their lesions",
        "COHORT --masks M --outcome TABLE[:COLUMN] --output DIR",
        description="Measure the lesion of each patient (IBSI features, through MIRP), join them with a table of outcomes, and tell each "
        "patient by a classifier that learned from others alone: nested cross-validation, permutation test, calibration. Writes a "
        "page, index.html, tables, pictures and radiomics.json. After Ctrl-C the same command goes on.",
        examples=_EPILOG,
    )
    parser.add_argument(
        "cohort", metavar="COHORT", help="KIND:PATH?option=value or a YAML file (see “lesion cohort --kinds”)"
    )
    parser.add_argument(
        "--masks",
        required=True,
        metavar="M",
        help="labels, or a folder with detections (as “lesion detect COHORT” writes it) or label maps, by case",
    )
    parser.add_argument("--outcome", required=True, metavar="TABLE[:COLUMN]", help="CSV with a column patient")
    add_output_option(parser)
    parser.add_argument("--positive", default="", metavar="VALUE", help="which of the two outcomes is the positive one")
    add_modality_option(parser)
    parser.add_argument("--preset", default="", metavar="P", help="quick: few features, few permutations")
    add_settings_options(parser, "the preset's")
    parser.add_argument(
        "--classifier", metavar="C", help="logistic (default), forest, or rpet-net, which looks at images"
    )
    parser.add_argument(
        "--permutations",
        type=int,
        metavar="N",
        help="of the outcomes, for the p value (default 200; 0, for none, with rpet-net)",
    )
    parser.add_argument("--repeats", type=int, metavar="N", help="of the cross-validation, dealt out anew (default 1)")
    parser.add_argument("--seed", type=int, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="what was measured (default: in the output)")
    add_writing_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    settings = settings_with(training_part("radiomics.settings").preset(options.preset), options.config)
    given = {name: getattr(options, name) for name in ("classifier", "permutations", "repeats", "seed")}
    given = {name: value for name, value in given.items() if value is not None}
    if options.classifier == "rpet-net" and options.config is None:
        given.setdefault("permutations", 0)  # each would fit it anew in every fold
    settings = replace(settings, study=replace(settings.study, **given))
    if options.show_settings:
        print(as_yaml(settings), end="")
        return
    request = training_part("radiomics.request").RadiomicsRequest(
        cohort=options.cohort,
        masks=options.masks,
        outcome=options.outcome,
        output=options.output,
        settings=settings,
        modality=options.modality,
        positive=options.positive,
        cache=options.cache,
        workers=options.workers,
        overwrite=options.overwrite,
    )
    with shown_progress(options.quiet) as progress:
        found = training_part("radiomics.run").run_radiomics(request, progress)
    if not options.quiet:
        words = training_part("radiomics.words")
        print(words.lead(found.study))
        print(words.mean_line(found.study))
        for warning in words.warnings(found):
            print(f"Note: {warning}")
        print(f"Results: {options.output} (index.html, radiomics.json, tables and pictures)")
