"""``lesion measure``: outline and measure the lesion at one point."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.app.commands.dicom_option import add_dicom_option, require_dicom, source_files
from LesionDetectionLib.app.commands.options import (
    add_command,
    add_modality_option,
    add_output_option,
    add_scan_options,
    add_writing_options,
)
from LesionDetectionLib.app.commands.patient_option import add_patient_option, patient_line, require_headers
from LesionDetectionLib.app.commands.table import print_lesions
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.export import RESULT_NAMES, write_results
from LesionDetectionLib.app.focus_request import CORONAL, SAGITTAL, resolved
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import CLICKED
from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import read_image

_SHARE = 0.4
"""Of an uptake's maximum, at which it is outlined where nothing else is said."""


_EXAMPLES = """examples:
  the lesion at a point     lesion measure scan.nrrd --at 57.4,-131.2,-520.4 --output results
  a focus on a projection   lesion measure PET_FOLDER --at 57.4,0,-520.4 --through coronal --uptake --output results
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "measure",
        "measure the lesion at a point",
        "SCAN --at R,A,S --output DIR",
        description="Outline the lesion at a point of a CT or PET and measure it: RECIST diameters, volume, values. No model.",
        examples=_EXAMPLES,
    )
    parser.add_argument("scan", type=Path, metavar="SCAN", help="NRRD, NIfTI or MetaImage file, or a folder of DICOM")
    parser.add_argument(
        "--at", required=True, metavar="R,A,S", help="a point in the lesion: RAS millimetres, as Slicer shows them"
    )
    add_output_option(parser)
    parser.add_argument(
        "--through",
        choices=[CORONAL, SAGITTAL],
        default="",
        help="of a PET: the point is one on this projection; the highest uptake in that direction is measured, and what --at "
        "says of it (A of a coronal one, R of a sagittal one) does not matter",
    )
    parser.add_argument(
        "--uptake",
        type=float,
        nargs="?",
        const=_SHARE,
        metavar="SHARE",
        help=f"of a PET: outline what hangs together and has at least this share of the highest value there ({_SHARE:g} where "
        "no number is given), in place of the border that the image shows",
    )
    add_scan_options(parser)
    add_modality_option(parser)
    add_dicom_option(parser)
    add_patient_option(parser)
    add_writing_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    seed = _position(options.at)
    if options.dicom:
        require_dicom([options.scan])
    if options.name_patient:
        require_headers([options.scan])
    check_output_folder(options.output, RESULT_NAMES, options.overwrite)
    with shown_progress(options.quiet) as progress:
        progress(0, f"Reading {options.scan.name}")
        image = understood_as(read_image(options.scan, series=options.series), options.modality)
        place = options.scan, options.series, image
        patient = patient_line(source_files(*place, needed_by="--name-patient")) if options.name_patient else ""
        of_pet = options.through or options.uptake is not None
        seed = resolved(image, seed, options.through) if of_pet else seed
        lesion = _measured(image, seed, options.uptake, progress.part(0.4, 0.5))
        detections = Detections(
            (lesion,),
            image.geometry,
            method="click",
            image_name=image.name,
            modality=image.modality,
            unit=image.unit,
            provenance={
                "software": f"SlicerLesionDetection {__version__}",
                "seed_ras_mm": list(seed),
                **({} if options.uptake is None else {"uptake_share": options.uptake}),
            },
            warnings=image.notes,
        )
        write_results(
            options.output,
            image,
            detections,
            sources=source_files(*place) if options.dicom else (),
            origin=CLICKED,
            patient=patient,
            overwrite=options.overwrite,
            progress=progress.part(0.5, 1),
        )
    if not options.quiet:
        print_lesions(detections, options.output)


def _measured(image: Image, seed_ras_mm: Point, share: float | None, progress: Progress) -> Lesion:
    """By its border, or as the uptake above a share of its maximum. Raises as the functions that do it."""
    from LesionDetectionLib.imaging.click import measure_at
    from LesionDetectionLib.imaging.pet_focus import FocusSettings, focus_at

    if share is None:
        return measure_at(image, seed_ras_mm, progress=progress)
    return focus_at(image, seed_ras_mm, FocusSettings(share=share))


def _position(text: str) -> Point:
    try:
        r, a, s = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--at takes three numbers with commas, R,A,S in millimetres; “{text}” is not that."
        ) from error
    return r, a, s
