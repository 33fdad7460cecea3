"""``lesion detect``: find the lesions of a scan and write everything about them; or of every case of a cohort."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.cohort_detection import (
    add_cohort_options,
    detect_in_cohort,
    is_cohort,
    refuse_cohort_options,
)
from LesionDetectionLib.app.commands.dicom_option import add_dicom_option, require_dicom, source_files
from LesionDetectionLib.app.commands.options import add_output_options, add_scan_options
from LesionDetectionLib.app.commands.table import print_lesions
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.export import RESULT_NAMES, write_results
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo, method
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.core.resources import demonstration_model
from LesionDetectionLib.io.files import read_image


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("detect", help="find lesions in a scan, or in every case of a cohort")
    parser.add_argument(
        "scan",
        nargs="+",
        metavar="SCAN",
        help="NRRD, NIfTI or MetaImage file, or a folder of DICOM; one for each image the method needs. Or one cohort: "
        "KIND:PATH?option=value or a YAML file (see “lesion cohort --kinds”)",
    )
    parser.add_argument("--method", required=True, metavar="ID", help="see “lesion methods”")
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="trained model; without it, the demonstration model"
    )
    parser.add_argument(
        "--operating-point",
        default="",
        metavar="P",
        help="a name that the model gives (sensitive, balanced, specific) or a least score",
    )
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    add_scan_options(parser)
    add_dicom_option(parser)
    add_output_options(parser)
    add_cohort_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    info = method(options.method)
    if is_cohort(options.scan):
        detect_in_cohort(info, options)
        return
    refuse_cohort_options(options)
    if len(options.scan) != len(info.modalities):
        raise UsageError(
            f"The method {info.id} needs {len(info.modalities)} image(s): {' and '.join(info.modalities)}."
        )
    scans = [Path(scan) for scan in options.scan]
    if options.dicom:
        require_dicom(scans)
    check_output_folder(options.output, RESULT_NAMES, options.overwrite)
    bundle = _open_bundle(info, options.model)
    detector = info.create(bundle, options.device)
    settings = dataclasses.replace(info.default_settings(bundle), operating_point=options.operating_point)
    with shown_progress(options.quiet) as progress:
        images = _read_images(info, scans, options.series, progress.part(0, 0.15))
        detections: Detections = detector.detect(images, settings, progress.part(0.15, 0.8))
        main_image = images[info.modalities[0]]
        write_results(
            options.output,
            main_image,
            detections,
            sources=source_files(scans, options.series, main_image) if options.dicom else (),
            overwrite=options.overwrite,
            progress=progress.part(0.8, 1),
        )
    if not options.quiet:
        print_lesions(detections, options.output)


def _open_bundle(info: MethodInfo, path: Path | None) -> Bundle | None:
    if path is not None:
        return Bundle.open(path)
    return Bundle.open(demonstration_model(info.demonstration_model)) if info.needs_model else None


def _read_images(info: MethodInfo, paths: list[Path], series: str | None, progress: Progress) -> dict[str, Image]:
    """The images by modality. One that does not say what it is takes the place that is left.

    Raises:
        UsageError: two images of one modality.
    """
    images: dict[str, Image] = {}
    unknown: list[Image] = []
    for index, path in enumerate(paths):
        progress(index / len(paths), f"Reading {path.name}")
        image = understood_as(read_image(path, series=series))
        if image.modality in images:
            raise UsageError(
                f"Two of the scans are of modality {image.modality}; {info.id} needs {' and '.join(info.modalities)}."
            )
        if image.modality in info.modalities:
            images[image.modality] = image
        else:
            unknown.append(image)
    # What is of a wrong modality is refused by the method itself, in its own words.
    images.update(zip([name for name in info.modalities if name not in images], unknown, strict=False))
    return images
