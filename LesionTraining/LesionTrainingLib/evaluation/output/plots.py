"""All plots of an evaluation. Each gives a :class:`Plot`: PNG bytes, its data as a table, and a sentence for readers
who cannot see it; :func:`write_plot` writes PNG and CSV of one stem."""

from __future__ import annotations

from .agreement_plots import bland_altman_plot, reliability_plot, size_plot
from .curve_plots import FROC_TICKS, Band, Curve, Mark, froc_plot, loss_plot, precision_recall_plot, roc_plot
from .figures import Plot, write_plot

__all__ = [
    "FROC_TICKS",
    "Band",
    "Curve",
    "Mark",
    "Plot",
    "bland_altman_plot",
    "froc_plot",
    "loss_plot",
    "precision_recall_plot",
    "reliability_plot",
    "roc_plot",
    "size_plot",
    "write_plot",
]
