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
from LesionDetectionLib.app.commands.options import (
    add_command,
    add_output_option,
    add_scan_options,
    add_set_option,
    add_writing_options,
)
from LesionDetectionLib.app.commands.patient_option import add_patient_option, patient_line, require_headers
from LesionDetectionLib.app.commands.scans import needs, of_one_folder, read_images, series_of_each
from LesionDetectionLib.app.commands.table import print_lesions
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.export import RESULT_NAMES, write_results
from LesionDetectionLib.app.given_settings import parse_settings, with_given
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo, method
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.resources import demonstration_model

_EXAMPLES = """examples:
  a chest CT         lesion detect chest.nrrd --method nodule-ct --output results
  a PET and its CT   lesion detect STUDY_FOLDER --method active-pet-ct --output results
  the whole PET      lesion detect PET_FOLDER --method active-pet-ct --set lungs_only=no --output results
  your own model     lesion detect CT_FOLDER --method universal-ct --model my-model --output results
  a cohort           lesion detect "folder:/data/MyScans" --method nodule-ct --model my-model --output found
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "detect",
        "find lesions in a scan, or in every case of a cohort",
        "SCAN [SCAN ...] --method ID --output DIR",
        description="Find lesions in a scan, or in every case of a cohort, and write them as report, table, segmentation and "
        "scene.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "scan",
        nargs="+",
        metavar="SCAN",
        help="NRRD, NIfTI or MetaImage file, or a folder of DICOM; one for each image the method needs, in any order where "
        "the files say what they are, or one folder with one series of each. Or one cohort: KIND:PATH?option=value or a YAML "
        "file (see “lesion cohort --kinds”)",
    )
    parser.add_argument("--method", required=True, metavar="ID", help="see “lesion methods”")
    add_output_option(parser)
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="trained model; without it, the demonstration model"
    )
    parser.add_argument(
        "--operating-point",
        default="",
        metavar="P",
        help="a name that the model gives (sensitive, balanced, specific) or a least score",
    )
    add_set_option(parser)
    add_scan_options(parser, several=True)
    add_dicom_option(parser)
    add_patient_option(parser)
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    add_writing_options(parser)
    add_cohort_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    info = method(options.method)
    if is_cohort(options.scan):
        if options.name_patient:
            raise UsageError("--name-patient is for the report of one scan, not for a cohort.")
        detect_in_cohort(info, options)
        return
    refuse_cohort_options(options)
    if not len(info.required) <= len(options.scan) <= len(info.modalities):
        raise UsageError(f"{needs(info)} {_counted(len(options.scan))} given.")
    scans = [Path(scan) for scan in options.scan]
    series = series_of_each(options.series, scans)
    if options.dicom:
        require_dicom(scans)
    if options.name_patient:
        require_headers(scans)
    check_output_folder(options.output, RESULT_NAMES, options.overwrite)
    bundle = _open_bundle(info, options.model)
    detector = info.create(bundle, options.device)
    settings = with_given(info, info.default_settings(bundle), parse_settings(options.given))
    settings = dataclasses.replace(settings, operating_point=options.operating_point)
    with shown_progress(options.quiet) as progress:
        scans, series = of_one_folder(info, scans, series, progress.part(0, 0.03))
        read = read_images(info, scans, series, progress.part(0.03, 0.15))
        main = read[info.modalities[0]]
        # Before the work: it would be for nothing.
        place = scans[main.number], series[main.number], main.image
        sources = source_files(*place) if options.dicom else ()
        patient = patient_line(source_files(*place, needed_by="--name-patient")) if options.name_patient else ""
        images = {modality: one.image for modality, one in read.items()}
        detections: Detections = detector.detect(images, settings, progress.part(0.15, 0.8))
        write_results(
            options.output,
            main.image,
            detections,
            sources=sources,
            model=None if bundle is None else (bundle.manifest, bundle.digest),
            patient=patient,
            overwrite=options.overwrite,
            progress=progress.part(0.8, 1),
        )
    if not options.quiet:
        print_lesions(detections, options.output)


def _open_bundle(info: MethodInfo, path: Path | None) -> Bundle | None:
    if path is not None:
        return Bundle.open(path)
    return Bundle.open(demonstration_model(info.demonstration_model)) if info.needs_model else None


def _counted(count: int) -> str:
    return f"{count} {'image is' if count == 1 else 'images are'}"
