"""``lesion phantom``: make scans with known truth."""

from __future__ import annotations

import argparse
from typing import Any

from LesionDetectionLib.app.commands.options import add_command, add_output_option, add_writing_options, training_part
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.errors import UsageError

_EXAMPLES = """examples:
  a chest CT                lesion phantom chest --output phantoms
  three, as DICOM           lesion phantom chest --seed 1 --count 3 --format dicom --output phantoms
  a PET and its CT          lesion phantom pet-ct --protocol fast --active yes --format dicom --output phantoms
  livers, as DeepLesion's   lesion phantom body --protocol liver --format deeplesion --count 20 --output phantoms
  PETs to learn from        lesion phantom pet --protocol mixed --format pet-weak --count 20 --output phantoms
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "phantom",
        "make computer-made scans whose lesions are known exactly",
        "{chest,pet-ct,body,pet} --output DIR",
        examples=_EXAMPLES,
    )
    parser.add_argument("anatomy", choices=["chest", "pet-ct", "body", "pet"], help="what to make")
    add_output_option(parser)
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="the first case's seed; the others count up from it (default: 0)",
    )
    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many cases (default: 1)")
    parser.add_argument(
        "--protocol",
        default="",
        metavar="NAME",
        help="how they are scanned: default or tiny; of chest and pet-ct also fast, of body slab, liver, abdomen, of chest and pet "
        "mixed",
    )
    parser.add_argument(
        "--active",
        choices=["any", "yes", "no"],
        default="any",
        help="of a PET/CT, whether it has active lesions: as the seed has it, at least one, or none",
    )
    parser.add_argument(
        "--format",
        choices=["nrrd", "dicom", "luna16", "deeplesion", "pet-weak"],
        default="nrrd",
        help="luna16 is for chests; deeplesion for bodies, --count being of patients with one to three slabs each; pet-weak for "
        "PETs, with labels of the whole scan, points and outcomes",
    )
    parser.add_argument(
        "--missing",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="of the lesions in the layout of DeepLesion, how many its list leaves out (default 0.3)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that make them, as deeplesion or pet-weak (default 1)",
    )
    add_writing_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if options.count < 1 or options.seed < 0:
        raise UsageError("--count must be 1 or more, and --seed 0 or more.")
    check_output_folder(options.output, (), options.overwrite)
    writing = training_part("cohorts.phantoms.writing")
    with shown_progress(options.quiet) as progress:
        paths = writing.write_phantoms(
            options.anatomy,
            options.seed,
            options.count,
            options.format,
            options.output,
            progress,
            options.overwrite,
            protocol_name=options.protocol,
            active=options.active,
            missing_share=options.missing,
            workers=options.workers,
        )
    if not options.quiet:
        for path in paths:
            print(path)
