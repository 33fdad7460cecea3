"""``lesion measure``: outline and measure the lesion at one point."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.app.commands.dicom_option import add_dicom_option, require_dicom, source_files
from LesionDetectionLib.app.commands.options import add_modality_option, add_output_options, add_scan_options
from LesionDetectionLib.app.commands.table import print_lesions
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.export import RESULT_NAMES, write_results
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import CLICKED
from LesionDetectionLib.core.image import understood_as
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.files import read_image


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("measure", help="measure the lesion at a point")
    parser.add_argument("scan", type=Path, metavar="SCAN", help="NRRD, NIfTI or MetaImage file, or a folder of DICOM")
    parser.add_argument(
        "--at", required=True, metavar="R,A,S", help="a point in the lesion: RAS millimetres, as Slicer shows them"
    )
    add_scan_options(parser)
    add_modality_option(parser)
    add_dicom_option(parser)
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from LesionDetectionLib.imaging.click import measure_at

    seed = _position(options.at)
    if options.dicom:
        require_dicom([options.scan])
    check_output_folder(options.output, RESULT_NAMES, options.overwrite)
    with shown_progress(options.quiet) as progress:
        progress(0, f"Reading {options.scan.name}")
        image = understood_as(read_image(options.scan, series=options.series), options.modality)
        lesion = measure_at(image, seed, progress=progress.part(0.4, 0.5))
        detections = Detections(
            (lesion,),
            image.geometry,
            method="click",
            image_name=image.name,
            modality=image.modality,
            unit=image.unit,
            provenance={"software": f"SlicerLesionDetection {__version__}", "seed_ras_mm": list(seed)},
            warnings=image.notes,
        )
        write_results(
            options.output,
            image,
            detections,
            sources=source_files(options.scan, options.series, image) if options.dicom else (),
            origin=CLICKED,
            overwrite=options.overwrite,
            progress=progress.part(0.5, 1),
        )
    if not options.quiet:
        print_lesions(detections, options.output)


def _position(text: str) -> Point:
    try:
        r, a, s = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--at takes three numbers with commas, R,A,S in millimetres; “{text}” is not that."
        ) from error
    return r, a, s
