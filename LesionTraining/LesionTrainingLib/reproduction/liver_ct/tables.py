"""Figure 3 of the paper, the figures of Faster R-CNN, sensitivities by size, and what missing labels do; ours beside what was
printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...cohorts.case import TEST, TRAINING
from ...evaluation.output.tables import Cell, Table
from ..key_slices.measured import BANDS, Band, Bounds, of_band, with_bounds
from .measured import TOLD_RATES, OneBox, Point, Regions
from .paper import DATA, FALSE_SHARE, FIGURE_3, QUOTED, RATE, SENSITIVITY, WHOSE
from .rows import LiverRow

NOT_ALL = (
    "DeepLesion marks only some of the lesions of an image, and so do phantoms in its layout: some of the marks that count as false "
    "are lesions. Rates of false positives are upper bounds."
)
PART_NAMES = {TRAINING: "train", TEST: "test"}


@dataclass(frozen=True)
class Boxes:
    """One line of Figure 3. Attributes: row; part of the data; data, how many images and lesions that is; one, the figures."""

    row: LiverRow
    part: str
    data: str
    one: OneBox


def figure_3(lines: Sequence[Boxes], name: str) -> Table:
    """For people: each of our lines above the paper's.

    Args:
        name: of our lines.
    """
    shown: list[tuple[Cell, ...]] = []
    for line in lines:
        title, one = f"{line.row.title}, {PART_NAMES[line.part]}", line.one
        shown.append(
            (
                title,
                name,
                line.data,
                _error(one.mse, one.mse_bounds),
                with_bounds(one.point.sensitivity, one.point.bounds),
                f"{one.hits} of {one.point.images}",
                f"{one.several} of {one.point.images}",
            )
        )
        printed = FIGURE_3.get((line.row.name, line.part))
        if printed is not None:
            shown.append(
                (title, WHOSE, DATA[line.part], f"{printed.mse:.2g}", f"{100 * printed.sensitivity:.3g}", "–", "–")
            )
    caption = (
        "MSE: of the box’s four edges, in shares of the slice’s side, to those of the image’s largest lesion. Sensitivity in per cent: "
        "lesions whose box overlaps the one box of the image with an IoU above 0.1. In brackets 95 %, patients drawn anew. Where each "
        "image has one lesion the share of images with a hit is the same; with several it is another, and one box cannot find all."
    )
    columns = (
        "network",
        "whose",
        "measured on",
        "MSE",
        "sensitivity",
        "images with a hit",
        "images with several lesions",
    )
    return Table(columns, tuple(shown), caption)


def faster_rcnn_table(found: Sequence[Regions], name: str, data: str) -> Table:
    """Faster R-CNN at the two overlaps, above what the paper printed."""
    shown: list[tuple[Cell, ...]] = []
    for one in found:
        point = one.point
        shown.append(
            (
                f"> {one.iou:g}",
                name,
                data,
                f"≥ {point.threshold:g}",
                with_bounds(point.sensitivity, point.bounds),
                _rate(point),
                _share(point.false, point.predictions),
                with_bounds(*one.at_rate),
            )
        )
    printed = f"{100 * SENSITIVITY:g}"
    shown.append(
        ("not told", WHOSE, DATA[TEST], "not told", printed, f"about {RATE:g}", f"{100 * FALSE_SHARE:g} %", printed)
    )
    caption = (
        "Sensitivity in per cent and false positives per image of the marks of at least the score that is named, and the share of these "
        f"marks that is false; last the sensitivity at {RATE:g} false positives per image, read off the FROC curve. In brackets 95 %, "
        f"patients drawn anew. {NOT_ALL} For comparison, {QUOTED}."
    )
    columns = (
        "hit at an IoU",
        "whose",
        "measured on",
        "score",
        "sensitivity",
        "FP per image",
        "false of the marks",
        f"sensitivity at {RATE:g} FP",
    )
    return Table(columns, tuple(shown), caption)


def froc_table(found: Sequence[Regions], name: str, data: str) -> Table:
    """The FROC curve in numbers."""
    shown: list[tuple[Cell, ...]] = []
    for one in found:
        cells = [with_bounds(*pair) for pair in zip(one.sensitivities, one.bounds, strict=True)]
        shown.append((f"> {one.iou:g}", name, data, *cells))
    columns = ("hit at an IoU", "whose", "measured on", *(f"{rate:g} FP" for rate in TOLD_RATES))
    caption = "Sensitivity of Faster R-CNN in per cent at so many false positives per image; in brackets 95 %."
    return Table(columns, tuple(shown), caption)


def sizes_table(rows: Sequence[tuple[str, Sequence[Band]]], name: str, data: str) -> Table:
    """Test lesions found by their longer diameter.

    Args:
        rows: network and rule in words, with its bands.
    """
    shown = tuple((title, name, data, *(of_band(band) for band in bands)) for title, bands in rows)
    caption = (
        f"Sensitivity in per cent by the longer diameter, and how many lesions that is; in brackets 95 % (Wilson). Faster R-CNN at {RATE:g} "
        "false positives per image, the others with their one box. The paper tells nothing by size."
    )
    return Table(("network", "whose", "measured on", *BANDS), shown, caption)


@dataclass(frozen=True)
class MissingLabels:
    """One row by both lists, at an IoU above 0.1.

    Attributes:
        row: the network.
        listed, complete: its marks by the list with lesions missing, and by the one with all, at one threshold.
        really: of the marks that are false by the list those that hit a lesion that it lacks.
    """

    row: LiverRow
    listed: Point
    complete: Point
    really: int


def missing_table(rows: Sequence[MissingLabels], name: str) -> Table:
    """The same marks by either list.

    Args:
        name: of the data.
    """
    shown: list[tuple[Cell, ...]] = []
    for one in rows:
        for scored, point in (("the list", one.listed), ("all lesions", one.complete)):
            really = f"{one.really} of {one.listed.false}" if point is one.listed else "–"
            sensitivity = with_bounds(point.sensitivity, point.bounds)
            shown.append((one.row.title, scored, name, point.lesions, sensitivity, _rate(point), really))
    caption = (
        f"The same marks of test images by the list, from which lesions are missing as they are in DeepLesion, and by all lesions; a hit is "
        f"an IoU above 0.1. Faster R-CNN at the threshold with {RATE:g} false positives per image by the list. False that are lesions: "
        "marks that are false by the list, and hit a lesion that it lacks. All networks learned from the list."
    )
    columns = (
        "network",
        "scored by",
        "measured on",
        "lesions",
        "sensitivity",
        "FP per image",
        "false that are lesions",
    )
    return Table(columns, tuple(shown), caption)


def _error(value: float, bounds: Bounds | None) -> str:
    """``0.065 (0.058–0.072)``; a dash where no image has a box."""
    if value != value:
        return "–"
    return f"{value:.2g}" + ("" if bounds is None else f" ({bounds[0]:.2g}–{bounds[1]:.2g})")


def _rate(point: Point) -> str:
    """``1.12 (0.98–1.27)``."""
    bounds = point.rate_bounds
    return f"{point.rate:.2f}" + ("" if bounds is None else f" ({bounds[0]:.2f}–{bounds[1]:.2f})")


def _share(part: int, every: int) -> str:
    """``67 %, 204 of 304``; words where there is none."""
    return f"{100 * part / every:.0f} %, {part} of {every}" if every else "no marks"
