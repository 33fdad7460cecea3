"""``lesion anchors``: anchors that fit one's own boxes, for training a detector of lesions in slices."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import add_command, add_json_option, add_quiet_option, training_part
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.atomic import refuse_taken
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.universal_ct.anchor_file import NAME

_SPLITS = ("train", "val", "test", "all")
_NAME_WIDTH = 28
_EPILOG = """boxes come from
  DeepLesion's list   lesion anchors DL_info.csv
  any table (CSV)     columns width,height, or the corners x0,y0,x1,y1 (also x1,y1,x2,y2; left,top,right,bottom;
                      xmin,ymin,xmax,ymax); where known image_width, image_height, diameter_mm or spacing_mm, split
  any cohort          lesion anchors "folder:PATH"; see “lesion cohort --kinds”. The box of the largest section of each lesion
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "anchors",
        "anchors that fit your boxes, for training universal-ct",
        "BOXES",
        description="Search for the scales and ratios of anchors that overlap boxes of lesions most (differential evolution), "
        "beside RetinaNet's and published ones. Writes anchors.json, which training reads, and a picture.",
        examples=_EPILOG,
    )
    parser.add_argument("boxes", metavar="BOXES", help="a table (CSV) or a cohort (KIND:PATH?option=value)")
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        default=Path(NAME),
        metavar="PATH",
        help=f"file or folder to write to (default: {NAME})",
    )
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="PNG",
        help="where the picture goes, its curves as CSV beside it (default: beside PATH)",
    )
    parser.add_argument("--no-picture", action="store_true", help="write anchors.json only")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    add_json_option(parser)
    add_quiet_option(parser)
    _add_reading(parser.add_argument_group("the boxes"))
    _add_search(parser.add_argument_group("the search"))
    parser.set_defaults(run=run)


def _add_reading(group: Any) -> None:
    group.add_argument(
        "--split",
        default="",
        choices=_SPLITS,
        help="of the official split (default: val, as in the paper, where it is told)",
    )
    group.add_argument(
        "--size-px", type=int, default=512, metavar="N", help="longer side of the network's input (default: 512)"
    )
    group.add_argument(
        "--image-px", type=int, default=0, metavar="N", help="longer side of the images, where the table does not say"
    )
    group.add_argument(
        "--margin-px",
        type=float,
        metavar="N",
        help="added to each side of a box, in pixels of its image (default: 5 around masks, as DeepLesion has it; else 0)",
    )
    group.add_argument(
        "--inclusive", action="store_true", help="a table's corners are first and last pixels, and no edges"
    )


def _add_search(group: Any) -> None:
    group.add_argument(
        "--sizes", default="32,64,128,256,512", metavar="A,B,..", help="of the anchors (default: %(default)s)"
    )
    group.add_argument("--scales", type=int, default=3, metavar="N", help="how many to search for (default: 3)")
    group.add_argument(
        "--ratio-pairs",
        type=int,
        default=2,
        metavar="N",
        help="how many, beside 1:1, each with its reciprocal (default: 2)",
    )
    group.add_argument("--scale-bounds", default="0.4:1.6", metavar="LOW:HIGH", help="(default: %(default)s)")
    group.add_argument(
        "--ratio-bounds", default="", metavar="LOW:HIGH,..", help="one for each pair (default: 1:2,2:4 for two pairs)"
    )
    group.add_argument("--population", type=int, default=15, metavar="N", help="candidates a variable (default: 15)")
    group.add_argument(
        "--tolerance", type=float, default=0.003, metavar="T", help="spread at which a run ends (default: 0.003)"
    )
    group.add_argument(
        "--restarts", type=int, default=5, metavar="N", help="runs with other random numbers (default: 5)"
    )
    group.add_argument(
        "--no-refine",
        action="store_true",
        help="no climbing after each run (with --restarts 1 --tolerance 0.01: SciPy's plain search)",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of the random numbers (default: 0)")


def run(options: argparse.Namespace) -> None:
    output: Path = options.output
    if output.suffix.lower() != ".json":
        output = output / NAME
    picture = None if options.no_picture else (options.picture or output.with_suffix(".png"))
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"The picture is a PNG: {picture.name}.png, and not {picture.name}.")
    refuse_taken(output.parent, (output.name,), options.overwrite)
    if picture is not None:
        refuse_taken(picture.parent, (picture.name, picture.with_suffix(".csv").name), options.overwrite)
    part = training_part("anchors.fitting")
    request = part.AnchorRequest(options.boxes, _reading(options), _search(options), output, picture)
    with shown_progress(options.quiet) as progress:
        fitted = part.fit_anchors(request, progress)
    if options.json:
        anchors = fitted.found.anchors
        shown = {"sizes": anchors.sizes, "scales": anchors.scales, "ratios": anchors.ratios, **fitted.to_json()}
        print(json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False))
    elif not options.quiet:
        print_fit(fitted)
        print(f"Written: {output}" + (f", {picture.name}" if picture else ""))


def print_fit(fitted: Any) -> None:
    """The anchors, and a table of how they and others fit."""
    found = fitted.found
    ratios = ", ".join(_ratio(ratio) for ratio in found.anchors.ratios)
    runs = found.runs
    same = sum(max(runs) - run < 5e-5 for run in runs)
    print(f"{len(fitted.boxes.sides)} boxes of {fitted.boxes.title}, {found.shapes} shapes")
    print(f"sizes   {', '.join(f'{size:g}' for size in found.anchors.sizes)}")
    print(f"scales  {', '.join(f'{scale:.3f}' for scale in found.anchors.scales)}")
    print(f"ratios  {ratios} (height:width)")
    print(
        f"search  {found.evaluations} candidates, {len(runs)} runs: mean IoU {min(runs):.4f} to {max(runs):.4f}, {same} at the best"
    )
    print()
    print_table(fitted.fits)
    print()
    for note in fitted.notes:
        print(f"Note: {note}")


def print_table(fits: Any) -> None:
    """How anchors fit, a line each."""
    bands = [name for name, *_ in fits[0].bands]
    widths = (8, 8, 9, 10, 9, *([10] * len(bands)))

    def line(name: str, *cells: str) -> None:
        print(f"{name:<{_NAME_WIDTH}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))

    print(
        f"{'':<{_NAME_WIDTH}}{'same centre':>25}{'on the grid':>19}" + ("   same centre, mean by size" if bands else "")
    )
    line("best IoU", "mean", "median", "missed", "mean", "missed", *bands)
    for fit in fits:
        means = (f"{mean:.3f}" for _, _, mean, _ in fit.bands)
        missed, placed_missed = f"{fit.unreached:.2%}", f"{fit.placed_unreached:.2%}"
        line(
            fit.contender.name,
            f"{fit.mean:.3f}",
            f"{fit.median:.3f}",
            missed,
            f"{fit.placed_mean:.3f}",
            placed_missed,
            *means,
        )
    print(
        "missed: the share of boxes that no anchor reaches at IoU 0.5. Same centre is what the search maximises, and optimistic; on the"
    )
    print(
        "grid is where anchors lie (every 4 pixels for the smallest size, RetinaNet's default every 8; twice that for each next size)."
    )


def _ratio(ratio: float) -> str:
    """``1.78:1``, ``1:1``, ``1:1.78``: height to width."""
    if abs(ratio - 1) < 1e-9:
        return "1:1"
    return f"{ratio:.2f}:1" if ratio > 1 else f"1:{1 / ratio:.2f}"


def _reading(options: argparse.Namespace) -> Any:
    return training_part("anchors.boxes").Reading(
        options.split, options.size_px, options.image_px, options.margin_px, options.inclusive
    )


def _search(options: argparse.Namespace) -> Any:
    scale_bounds = _bounds(options.scale_bounds, "--scale-bounds")
    if len(scale_bounds) != 1:
        raise UsageError("--scale-bounds is one LOW:HIGH, such as 0.4:1.6.")
    return training_part("anchors.search").SearchSettings(
        sizes=_numbers(options.sizes, "--sizes"),
        scales=options.scales,
        ratio_pairs=options.ratio_pairs,
        scale_bounds=scale_bounds[0],
        ratio_bounds=_bounds(options.ratio_bounds, "--ratio-bounds") if options.ratio_bounds else (),
        population=options.population,
        tolerance=options.tolerance,
        restarts=options.restarts,
        refine=not options.no_refine,
        seed=options.seed,
    )


def _numbers(text: str, name: str, separator: str = ",") -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(separator))
    except ValueError:
        raise UsageError(f"“{text}” for {name} is no list of numbers with commas between.") from None


def _bounds(text: str, name: str) -> tuple[tuple[float, float], ...]:
    found = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        try:
            found.append((float(low), float(high)))
        except ValueError:
            raise UsageError(f"“{part}” for {name} is no LOW:HIGH, such as 0.4:1.6.") from None
    return tuple(found)
