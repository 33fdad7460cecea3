"""Pictures of a study: ROC, calibration, and what chance gives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..evaluation.metrics.bootstrap import draws
from ..evaluation.metrics.proportions import wilson_interval
from ..evaluation.metrics.roc import roc
from ..evaluation.output.curve_plots import Band, Curve, roc_plot
from ..evaluation.output.figures import COLORS, INK, PAPER, QUIET, RULE, Plot, add_legend, as_png, new_figure
from ..evaluation.output.tables import Table
from .calibration import Calibration
from .study import Permutations, Study

FloatArray = npt.NDArray[np.float64]
_PLACES = np.linspace(0, 1, 101)
_SAMPLES = 500
_BARS = np.linspace(0, 1, 41)


def study_roc(study: Study) -> Plot:
    """Of all patients, each told by what had not learned from it, with a band of 95 % of bootstrap samples."""
    whole = roc(study.probabilities, study.positive)
    name = f"all folds, area {study.pooled.text(2)}"
    curve = Curve(name, whole.false_positive_rate, whole.sensitivity, _band(study))
    return roc_plot([curve])


def _band(study: Study) -> Band:
    lines = list[FloatArray]()
    for drawn in draws(len(study.patients), _SAMPLES, study.settings.seed):
        for one in drawn:
            if study.positive[one].any() and not study.positive[one].all():
                sample = roc(study.probabilities[one], study.positive[one])
                order = np.lexsort((sample.sensitivity, sample.false_positive_rate))
                lines.append(np.interp(_PLACES, sample.false_positive_rate[order], sample.sensitivity[order]))
    low, high = np.quantile(lines, (0.025, 0.975), axis=0)
    return Band(_PLACES, low, high)


def calibration_plot(calibration: Calibration) -> Plot:
    """Share of patients with a positive outcome (y) over the probability they were told (x), in bins of equal numbers."""
    figure, axes = new_figure("", "Probability as told", "Share that came true", plain=True)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)), label="perfect")
    bins = calibration.bins
    filled = bins.counts > 0
    low, high = wilson_interval(bins.positives[filled], bins.counts[filled])
    x, y = bins.mean_score[filled], bins.observed[filled]
    axes.vlines(x, low, high, color=COLORS[0], linewidth=1.2, alpha=0.5)
    label = f"slope {calibration.slope:.2f}, intercept {calibration.intercept:.2f}".replace("-", "−")
    axes.plot(
        x, y, "o-", color=COLORS[0], markeredgecolor=PAPER, markersize=7, linewidth=1.6, label=label, clip_on=False
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=np.linspace(0, 1, 6))
    add_legend(axes, "upper left")
    rows = tuple(
        (float(mean), float(share), float(a), float(b), int(count))
        for mean, share, a, b, count in zip(x, y, low, high, bins.counts[filled], strict=True)
    )
    data = Table(("told", "came_true", "lower_95", "upper_95", "patients"), rows)
    return Plot(as_png(figure), data, f"Calibration: share that came true over the probability as told, {label}.")


def permutation_plot(permutations: Permutations) -> Plot:
    """How often the study gives which mean area where outcomes are dealt out by chance, and where it was without that."""
    figure, axes = new_figure("", "Mean area below the ROC of the folds", "Studies", plain=True)
    counts, _ = np.histogram(permutations.by_chance, _BARS)
    axes.bar(_BARS[:-1], counts, np.diff(_BARS), align="edge", color=RULE, edgecolor=PAPER, label="outcomes by chance")
    axes.axvline(permutations.observed, color=COLORS[1], linewidth=1.8, label="the study itself", clip_on=False)
    axes.text(0.03, 0.8, f"p = {permutations.p:.3g}", transform=axes.transAxes, color=INK, fontsize=10)
    axes.set(xlim=(0, 1), ylim=(0, 1.25 * max(1, int(counts.max()))))
    axes.locator_params(axis="y", integer=True)
    add_legend(axes, "upper left")
    rows = [("observed", permutations.observed), *(("by chance", float(value)) for value in permutations.by_chance)]
    text = (
        f"Mean areas of {len(permutations.by_chance)} studies with outcomes by chance, and {permutations.observed:.3f} of the study, "
        f"p = {permutations.p:.3g}."
    )
    return Plot(as_png(figure), Table(("kind", "mean_auc"), tuple(rows)), text)
