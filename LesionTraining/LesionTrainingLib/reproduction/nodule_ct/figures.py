"""Figure 2 (left) of the paper, and the curve behind Table 1, with 95 % confidence shaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...evaluation.froc import CPM_RATES, cpm, froc
from ...evaluation.froc_bootstrap import bootstrap_froc
from ...evaluation.matching.outcome import Outcome
from ...evaluation.output.plots import Band, Curve, Mark, Plot, froc_plot
from ...evaluation.scoring.free_response import corners
from .networks import REDUCTION, RESNET_HL
from .paper import OURS, TABLE_1, TABLE_2

_BAND_PLACES = 97
"""Along the drawn part of the curve."""


def figure_2(outcomes: Mapping[str, Sequence[Outcome]], data: str, samples: int, seed: int) -> Plot:
    """The three second stages, the best one first and so in front.

    Args:
        outcomes: network -> one a scan.
        data: what they were measured on.
    """
    curves = []
    for name in reversed(REDUCTION):
        sensitivity, rate = TABLE_2[name]
        printed = Mark(f"{OURS}, LUNA16", rate, sensitivity, hollow=True)
        curves.append(replace(_curve(name, outcomes[name], samples, seed), marks=(printed,)))
    caption = (
        f"As Fig. 2 (left) of the paper, on {data}. Shaded: 95 %, scans drawn anew. Rings: the network of this colour in "
        "Table 2 of the paper."
    )
    return replace(froc_plot(curves, title=_title(data)), caption=caption)


def figure_of_folds(outcomes: Sequence[Outcome], data: str, samples: int, seed: int) -> Plot:
    """Ours over all folds, and the seven points that the paper prints."""
    *printed, mean = TABLE_1[OURS]
    paper = Curve(f"{OURS}, LUNA16, CPM {mean:.3f}", np.array(CPM_RATES), np.array(printed))
    plot = froc_plot([_curve(f"{RESNET_HL} here", outcomes, samples, seed), paper], title=_title(data))
    note = f"Ours on {data}; the paper’s line joins the seven points of its Table 1."
    return replace(plot, caption=f"{note} Shaded: 95 %, scans drawn anew.")


def _title(data: str) -> str:
    """What a picture was measured on, so that it says so wherever it is shown."""
    return f"Ours on {data.partition(':')[0]}"  # without the counts, for which there is no room


def _curve(name: str, outcomes: Sequence[Outcome], samples: int, seed: int) -> Curve:
    curve = froc(outcomes)
    turns, band = corners(curve), None
    if samples:
        at = np.geomspace(CPM_RATES[0], CPM_RATES[-1], _BAND_PLACES)
        boot = bootstrap_froc(outcomes, at.tolist(), len(at), samples=samples, seed=seed)
        if boot.samples:
            band = Band(at, boot.sensitivity.lower, boot.sensitivity.upper)
    text = f"{name}, CPM {cpm(curve):.3f}"
    return Curve(text, curve.false_positives_per_scan[turns], curve.sensitivity[turns], band)
