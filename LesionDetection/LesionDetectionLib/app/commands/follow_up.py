"""``lesion follow-up``: compare the results of two scans of one patient."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from LesionDetectionLib.app.commands.options import (
    add_command,
    add_json_option,
    add_modality_option,
    add_output_option,
    add_writing_options,
)
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.image import understood_as
from LesionDetectionLib.core.pairing import GATE_MM
from LesionDetectionLib.core.progress import Progress

_EXAMPLES = """examples:
  aligned by the scans     lesion follow-up march june --baseline-scan march.nrrd --follow-up-scan june.nrrd --output compared
  corrected by hand        lesion follow-up ... --link L1=L4 --gone L3 --new L5 --output compared-2
  one frame of reference   lesion follow-up march june --align none --output compared
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "follow-up",
        "compare the results of two scans of one patient",
        "BASELINE FOLLOW_UP --baseline-scan SCAN --follow-up-scan SCAN --output DIR",
        description="Pair the lesions of two results folders, as “lesion detect” and “lesion measure” write them, and assess the "
        "response of the target lesions by RECIST 1.1. For research; it replaces no reading of the scans.",
        examples=_EXAMPLES,
    )
    parser.add_argument("baseline", type=Path, metavar="BASELINE", help="results folder of the earlier scan")
    parser.add_argument("follow_up", type=Path, metavar="FOLLOW_UP", help="results folder of the later scan")
    parser.add_argument("--baseline-scan", type=Path, metavar="SCAN", help="the earlier scan, to align by")
    parser.add_argument("--follow-up-scan", type=Path, metavar="SCAN", help="the later scan, to align by")
    add_output_option(parser)
    parser.add_argument(
        "--align",
        default="rigid",
        metavar="A",
        help="rigid (from both scans), none (places are taken as they are), or a file of four rows of four numbers: RAS mm of "
        "the baseline to RAS mm of the follow-up, as a comparison writes it in alignment.txt (default: rigid)",
    )
    parser.add_argument(
        "--gate", type=float, default=GATE_MM, metavar="MM", help=f"pair within this distance (default {GATE_MM:g})"
    )
    parser.add_argument("--link", action="append", default=[], metavar="L1=L4", help="baseline L1 is follow-up L4")
    parser.add_argument("--unlink", action="append", default=[], metavar="L1", help="baseline L1 has no partner")
    parser.add_argument("--gone", default="", metavar="L2,L3", help="baseline lesions that have disappeared")
    parser.add_argument("--new", default="", metavar="L5,L6", help="follow-up lesions that are accepted as new")
    parser.add_argument("--targets", metavar="L1,L2", help="target lesions of the baseline, in place of the largest")
    parser.add_argument(
        "--organ",
        action="append",
        default=[],
        metavar="L1=liver",
        help="organ of a baseline lesion; without “L1=” of all",
    )
    parser.add_argument(
        "--earlier-sums", default="", metavar="MM,MM", help="sums of the targets' diameters at times between the two"
    )
    add_modality_option(parser)
    add_writing_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from LesionDetectionLib.app.follow_up import FOLLOW_UP_NAMES, as_json, compare, write_follow_up

    check_output_folder(options.output, FOLLOW_UP_NAMES, options.overwrite)
    baseline, follow_up = _findings(options.baseline), _findings(options.follow_up)
    follow_up = follow_up.changing(_names(options.new), lambda item: replace(item, status=Status.ACCEPTED))
    organs = _organs(options.organ, baseline)
    earlier = _numbers(options.earlier_sums)
    links = [_link(text) for text in options.link]
    with shown_progress(options.quiet or options.json) as progress:
        alignment = _alignment(options, baseline, follow_up, progress)
        targets = None if options.targets is None else _names(options.targets)
        comparison = compare(
            baseline,
            follow_up,
            alignment,
            organs=organs,
            targets=targets,
            earlier_sums_mm=earlier,
            gate_mm=options.gate,
        )
        for finding_id in options.unlink:
            comparison = comparison.unlinking(finding_id)
        for first, second in links:
            comparison = comparison.linking(first, second)
        comparison = comparison.confirming_gone(_names(options.gone))
        write_follow_up(options.output, comparison, alignment, options.overwrite)
        progress(1.0, "Comparison written")
    if options.json:
        import json

        print(json.dumps(as_json(comparison, alignment), indent=1, allow_nan=False))
    elif not options.quiet:
        _print(comparison, options.output)


def _findings(folder: Path) -> Findings:
    from LesionDetectionLib.app.export import DETECTIONS

    path = folder / DETECTIONS
    if not path.is_file():
        raise InputError(
            f"{folder} holds no results: it has no {DETECTIONS}. Name a folder that “lesion detect” wrote."
        )
    return Findings.of(Detections.load(path))


def _alignment(options: argparse.Namespace, baseline: Findings, follow_up: Findings, progress: Progress) -> Any:
    from LesionDetectionLib.imaging.alignment import Alignment, align
    from LesionDetectionLib.io.files import read_image

    if options.align == "none":
        return Alignment.none()
    if options.align != "rigid":
        return Alignment.given(_matrix(Path(options.align)))
    if options.baseline_scan is None or options.follow_up_scan is None:
        raise UsageError(
            "To align the two, their scans are needed: name them with --baseline-scan and --follow-up-scan; or take --align none."
        )
    images = []
    for n, (path, findings) in enumerate(((options.baseline_scan, baseline), (options.follow_up_scan, follow_up))):
        progress(0.2 * n, f"Reading {path.name}")
        image = understood_as(read_image(path), options.modality or findings.run.modality)
        if not image.geometry.same_grid(findings.run.geometry):
            raise InputError(f"{path} is not the scan of the results that it is named for: its voxel grid is another.")
        images.append(image)
    return align(images[0], images[1], progress.part(0.4, 0.95))


def _matrix(path: Path) -> Any:
    try:
        return np.loadtxt(path, ndmin=2)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--align takes rigid, none, or a file of four rows of four numbers; “{path}” is none of these ({error})."
        ) from error


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in _names(text)]
    except ValueError as error:
        raise UsageError(f"--earlier-sums takes numbers with commas, in millimetres; “{text}” is not that.") from error


def _link(text: str) -> tuple[str, str]:
    first, mark, second = (part.strip() for part in text.partition("="))
    if not mark or not first or not second:
        raise UsageError(
            f"--link takes a lesion of the baseline and one of the follow-up, as in L1=L4; “{text}” is not that."
        )
    return first, second


def _organs(texts: Sequence[str], baseline: Findings) -> dict[str, str]:
    """One for all first, then those of single lesions."""
    organs: dict[str, str] = {}
    for text in sorted(texts, key=lambda text: "=" in text):
        name, mark, organ = text.partition("=")
        organs |= {name.strip(): organ} if mark else {item.id: text for item in baseline.items}
    return organs


def _print(comparison: FollowUp, output: Path) -> None:
    response = comparison.response
    print(f"{'baseline':>8} {'now':>6}  {'':6} {'before':>8} {'now':>8} {'change':>18}  {'apart':>7}  ")
    for row in comparison.rows:
        change = "" if row.change_mm is None else f"{row.change_mm:+.1f} mm, {row.change_percent or 0:+.0f} %"
        apart = "" if row.distance_mm is None else f"{row.distance_mm:.1f} mm"
        print(
            f"{row.baseline_id or '-':>8} {row.follow_up_id or '-':>6}  {'target' if row.target else '':6} {_mm(row.baseline_mm):>8} "
            f"{_mm(row.follow_up_mm):>8} {change:>18}  {apart:>7}  {row.kind}"
        )
    now = "not known" if response.now_mm is None else f"{response.now_mm:.1f} mm"
    print(f"Sum of the target lesions: {response.baseline_mm:.1f} mm at baseline, {now} now.")
    print(f"{response.category}: {response.reason}")
    for note in comparison.notes:
        print(f"Note: {note}")
    print(f"Results: {output}")


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} mm"
