"""The FROC curve, which the paper leaves as future work, and Figure 6: the four losses of Faster R-CNN over rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.methods.liver_ct.faster_rcnn import LOSSES

from ...evaluation.froc import froc
from ...evaluation.froc_bootstrap import bootstrap_froc
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import Outcome
from ...evaluation.output.figures import COLORS, INK, PAPER, QUIET, Plot, as_png, new_grid
from ...evaluation.output.plots import Band, Curve, Mark, froc_plot
from ...evaluation.output.tables import Cell, Table
from ...evaluation.scoring.free_response import corners
from ...learning.engine.history import STEP, VALIDATION, History
from .measured import RATES, OneBox, Regions
from .paper import RATE, SENSITIVITY
from .rows import LiverRow
from .tables import NOT_ALL

FloatArray = npt.NDArray[np.float64]
_BAND_PLACES = 61
"""Along the drawn part of the curve."""
_RING = "the paper’s Faster R-CNN, DeepLesion"
_PANELS = dict(
    zip(
        LOSSES,
        (
            "Region proposals: classifier",
            "Region proposals: regressor",
            "Detector: classifier",
            "Detector: regressor",
        ),
        strict=True,
    )
)


@dataclass(frozen=True, eq=False)
class RegionCurve:
    """Faster R-CNN at one overlap. Attributes: outcomes of test images; found, what was read of them."""

    outcomes: Sequence[Outcome]
    found: Regions


def froc_figure(
    curves: Sequence[RegionCurve], boxes: Sequence[tuple[LiverRow, OneBox]], data: str, samples: int, seed: int
) -> Plot:
    """Faster R-CNN as curves, the others, which have one box an image and no score, as points; a ring where the paper's is.

    Args:
        boxes: figures on test images.
        data: what all was measured on.
        samples: of the bootstrap of the first curve's shaded band; 0 for none.
    """
    drawn = []
    for index, one in enumerate(curves):
        curve = froc(one.outcomes)
        turns = corners(curve)
        value, _ = one.found.at_rate
        text = f"Faster R-CNN, IoU > {one.found.iou:g}: {100 * value:.1f} % at {RATE:g}"
        ring = () if index else (Mark(_RING, RATE, SENSITIVITY, hollow=True),)
        band = None if index else _band(one.outcomes, samples, seed)
        drawn.append(Curve(text, curve.false_positives_per_scan[turns], curve.sensitivity[turns], band, ring))
    for index, (row, box) in enumerate(boxes):
        # A detector that is right in nearly all images would lie left of the axis.
        point = Mark(row.title, max(box.point.rate, RATES[0]), box.point.sensitivity, above=index % 2 == 0)
        drawn.append(Curve(f"{row.title}, one box", np.zeros(0), np.zeros(0), None, (point,)))
    plot = froc_plot(drawn, per=DeepLesion.image_is, ticks=RATES, title=f"Ours on {data.partition(':')[0]}")
    caption = (
        f"On {data}. Curves: Faster R-CNN; points: networks with one box an image and no score, which have no curve, at an IoU above "
        f"0.1. Ring: what the paper printed, at an overlap that it does not tell. Shaded: 95 % of the first curve, patients drawn anew. "
        f"{NOT_ALL}"
    )
    return replace(plot, caption=caption, alternative=f"{plot.alternative} {_told(boxes)}".strip())


def _told(boxes: Sequence[tuple[LiverRow, OneBox]]) -> str:
    texts = [f"{row.title} {one.point.sensitivity:.3f} at {one.point.rate:.2f}" for row, one in boxes]
    return f"Points: {'; '.join(texts)}." if texts else ""


def _band(outcomes: Sequence[Outcome], samples: int, seed: int) -> Band | None:
    if not samples:
        return None
    at = np.geomspace(RATES[0], RATES[-1], _BAND_PLACES)
    boot = bootstrap_froc(outcomes, at.tolist(), len(at), upright=DeepLesion.upright, samples=samples, seed=seed)
    return Band(at, boot.sensitivity.lower, boot.sensitivity.upper) if boot.samples else None


def losses_figure(history: History, record: dict[str, Any], data: str) -> Plot | None:
    """Training beside validation, each loss in a panel of its own; None where no validation is told.

    Args:
        record: of the fit, with the images that it learned from, its batch, and the step whose weights are kept.
    """
    told = history.of_kind(VALIDATION)
    if not told:
        return None
    per_round = record["training_images"] / record["batch"]
    steps = np.array([one.step for one in told])
    figure, panels = new_grid(2, 2, f"Training on {data}")
    cells: list[tuple[Cell, ...]] = []
    for axes, (name, title) in zip(panels, _PANELS.items(), strict=True):
        values = np.array([one.values.get(name, np.nan) for one in told])
        means = training_means(history, name, steps)
        axes.set_title(title, loc="left", color=INK, fontsize=9)
        axes.plot(steps / per_round, means, color=QUIET, linewidth=1.2, linestyle=(0, (4, 2)), label="training")
        axes.plot(
            steps / per_round, values, "o-", color=COLORS[0], markeredgecolor=PAPER, markersize=4, label="validation"
        )
        axes.axvline(record["weights_of_step"] / per_round, color=COLORS[1], linewidth=0.8, label="weights kept")
        axes.set_xlim(left=0)
        highest = max((value for value in (*values, *means) if np.isfinite(value)), default=0.0)
        axes.set_ylim(0, 1.08 * highest if highest > 0 else 1.0)
        rows = zip(steps.tolist(), (steps / per_round).tolist(), means.tolist(), values.tolist(), strict=True)
        cells += [(name, *row) for row in rows]
    panels[0].legend(fontsize=8, labelcolor=INK, frameon=False)
    for axes in panels[2:]:
        axes.set_xlabel("Rounds through the training images", color=INK, fontsize=9)
    table = Table(("loss", "step", "round", "training", "validation"), tuple(cells))
    last = ", ".join(f"{title.lower()} {told[-1].values.get(name, np.nan):.3g}" for name, title in _PANELS.items())
    caption = (
        f"As Fig. 6 of the paper, on {data}. Training: the mean of the steps since the validation before; validation: each image alone, "
        "with the proposals of its moment. Line: the weights that are kept."
    )
    return Plot(
        as_png(figure), table, f"Four losses of Faster R-CNN over rounds; the last validation: {last}.", caption
    )


def training_means(history: History, name: str, steps: npt.NDArray[np.int64]) -> FloatArray:
    """[n] for each validation the mean of a loss over the training steps since the one before."""
    key = f"loss/{name}"
    pairs = [(one.step, one.values[key]) for one in history.of_kind(STEP) if key in one.values]
    at = np.searchsorted(steps, [step for step, _ in pairs])
    values = np.array([value for _, value in pairs])
    return np.array([values[at == n].mean() if (at == n).any() else np.nan for n in range(len(steps))])
