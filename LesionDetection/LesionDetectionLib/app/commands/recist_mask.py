"""``lesion recist-mask``: the mask of a lesion from two diameters, drawn on a scan or listed by DeepLesion."""

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
from LesionDetectionLib.app.commands.recist_list import MASKS, add_list_options, masks_of_list, print_rows
from LesionDetectionLib.app.commands.table import print_lesions
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.export import RESULT_NAMES, write_results
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import CLICKED
from LesionDetectionLib.core.image import understood_as
from LesionDetectionLib.core.lesion import Recist
from LesionDetectionLib.imaging.recist_names import BEST, WAY_TEXTS, WAYS
from LesionDetectionLib.io.files import read_image
from LesionDetectionLib.io.markup_lines import read_line

_EPILOG = """diameters come from
  numbers              lesion recist-mask SCAN --long R,A,S,R,A,S --short R,A,S,R,A,S -o DIR
  lines of 3D Slicer   lesion recist-mask SCAN --lines long.mrk.json short.mrk.json -o DIR
  DeepLesion's list    lesion recist-mask DL_info.csv --images FOLDER -o DIR [--row N | --file NAME]

ways
""" + "\n".join(f"  {way:20} {text}" for way, text in WAY_TEXTS.items())


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "recist-mask",
        "the mask of a lesion from two diameters",
        "SCAN --long R,A,S,R,A,S --short R,A,S,R,A,S --output DIR",
        description="Make the mask of a lesion from its two diameters: with GrabCut where the lesion stands out from its "
        "surroundings, else as an ellipse, and say which and why. On a scan it is carried to the neighbouring slices.",
        examples=_EPILOG,
    )
    parser.add_argument(
        "scan",
        type=Path,
        metavar="SCAN",
        help="NRRD, NIfTI or MetaImage file, folder of DICOM, or DeepLesion's list (CSV)",
    )
    add_output_option(parser)
    parser.add_argument("--way", choices=WAYS, default=BEST, metavar="WAY", help=f"how (default: {BEST}); see below")
    drawn = parser.add_argument_group("diameters on a scan")
    for name in ("long", "short"):
        drawn.add_argument(
            f"--{name}", default="", metavar="R,A,S,R,A,S", help=f"both ends of the {name} diameter: RAS millimetres"
        )
    drawn.add_argument(
        "--lines",
        nargs=2,
        type=Path,
        metavar="FILE",
        help="two line markups, saved by 3D Slicer; the longer one is the long one",
    )
    drawn.add_argument("--one-slice", action="store_true", help="the slice of the diameters only")
    add_scan_options(parser)
    add_modality_option(parser)
    add_dicom_option(parser)
    add_list_options(parser.add_argument_group("DeepLesion's list"))
    add_writing_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    of_list = options.scan.suffix.lower() == ".csv"
    _check_arguments(options, of_list)
    if of_list:
        check_output_folder(options.output, MASKS, options.overwrite)
        with shown_progress(options.quiet) as progress:
            rows, missing = masks_of_list(options, progress)
        if not options.quiet:
            print_rows(rows, missing, options.output)
        return
    detections = _on_scan(options)
    if not options.quiet:
        print_lesions(detections, options.output)
        print(detections.lesions[0].note)


def _on_scan(options: argparse.Namespace) -> Detections:
    from LesionDetectionLib.imaging.recist_mask import METHOD, recist_lesion

    recist = _diameters(options)
    if options.dicom:
        require_dicom([options.scan])
    check_output_folder(options.output, RESULT_NAMES, options.overwrite)
    with shown_progress(options.quiet) as progress:
        progress(0, f"Reading {options.scan.name}")
        image = understood_as(read_image(options.scan, series=options.series), options.modality)
        lesion = recist_lesion(image, recist, options.way, not options.one_slice, progress.part(0.4, 0.5))
        detections = Detections(
            (lesion,),
            image.geometry,
            method=METHOD,
            image_name=image.name,
            modality=image.modality,
            unit=image.unit,
            provenance={
                "software": f"SlicerLesionDetection {__version__}",
                "way": options.way,
                "carried": not options.one_slice,
            },
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
    return detections


def _check_arguments(options: argparse.Namespace, of_list: bool) -> None:
    """Raises UsageError for arguments of the other kind, and for those that are missing."""
    drawn = {
        "--long": options.long,
        "--short": options.short,
        "--lines": options.lines,
        "--one-slice": options.one_slice,
    }
    listed = {"--images": options.images, "--row": options.row, "--file": options.file}
    wrong = [name for name, value in (drawn if of_list else listed).items() if value]
    if wrong:
        what = "a scan" if of_list else "DeepLesion's list (a file that ends in .csv)"
        raise UsageError(f"{wrong[0]} is for {what}; {options.scan.name} is not that.")
    if of_list:
        if not options.images:
            raise UsageError("--images is missing: the folder with DeepLesion's images, one folder a series.")
        if options.dicom or options.series:
            raise UsageError("--dicom and --series are for a scan; a list (CSV) has neither.")
        return
    if bool(options.lines) == bool(options.long or options.short) or bool(options.long) != bool(options.short):
        raise UsageError("Give the two diameters: --long and --short, or --lines with two files.")


def _diameters(options: argparse.Namespace) -> Recist:
    from LesionDetectionLib.imaging.recist_lines import recist_from_lines

    if options.lines:
        return recist_from_lines(*(read_line(path) for path in options.lines))
    return recist_from_lines(_ends(options.long, "--long"), _ends(options.short, "--short"))


def _ends(text: str, name: str) -> list[list[float]]:
    try:
        r, a, s, u, v, w = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{name} takes six numbers with commas, R,A,S,R,A,S in millimetres, for the two ends; “{text}” is not that."
        ) from error
    return [[r, a, s], [u, v, w]]
