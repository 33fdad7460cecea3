"""Tables 1 and 2 of the paper, ours beside what was printed, from what a matcher made of each scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.froc import CPM_RATES, cpm, false_positives_per_scan, froc, sensitivity_at
from ...evaluation.froc_bootstrap import bootstrap_froc, interval, scan_weights
from ...evaluation.matching.outcome import MISSED, Outcome
from ...evaluation.output.tables import Cell, Table
from ...learning.nodule_ct.settings import PAPER_THRESHOLD
from .networks import REDUCTION, SCREENING
from .paper import OURS, PAPER_DATA, PAPER_FOLD, TABLE_1, TABLE_2

RATES = tuple(f"{name} FP/scan" for name in ("1/8", "1/4", "1/2", "1", "2", "4", "8"))
AT_RATE = 1.0
"""False positives per scan at which Table 2 compares the second stages."""
NO_BOUNDS = (None, None)


@dataclass(frozen=True)
class Measured:
    """One row's figures. Bounds are 95 % over scans drawn anew; None without a bootstrap.

    Attributes:
        sensitivity: share of the nodules found.
        bounds: of the sensitivity.
        false_positives: per scan.
    """

    sensitivity: float
    bounds: tuple[float | None, float | None]
    false_positives: float


@dataclass(frozen=True)
class CrossValidation:
    """Sensitivities at :data:`CPM_RATES` and their mean over all scans of all folds, with bounds as in :class:`Measured`."""

    sensitivities: tuple[float, ...]
    cpm: float
    bounds: tuple[tuple[float | None, float | None], ...]
    cpm_bounds: tuple[float | None, float | None]


def cross_validation(outcomes: Sequence[Outcome], samples: int, seed: int) -> CrossValidation:
    """LUNA16's figures of merit; one outcome a scan, those without marks too."""
    curve = froc(outcomes)
    at = tuple(sensitivity_at(curve, rate) for rate in CPM_RATES)
    if not samples:
        return CrossValidation(at, cpm(curve), (NO_BOUNDS,) * len(at), NO_BOUNDS)
    boot = bootstrap_froc(outcomes, CPM_RATES, len(CPM_RATES), samples=samples, seed=seed)
    bounds = tuple(zip(boot.sensitivity.lower.tolist(), boot.sensitivity.upper.tolist(), strict=True))
    mean = (float(boot.mean_sensitivity.lower), float(boot.mean_sensitivity.upper))
    return CrossValidation(at, cpm(curve), bounds, mean)


def screened(outcomes: Sequence[Outcome], samples: int, seed: int) -> Measured:
    """A first stage at its threshold: nodules with a candidate within their radius, and the other candidates."""
    found = np.array([(outcome.lesion_scores > MISSED).sum() for outcome in outcomes])
    every = np.array([len(outcome.lesion_scores) for outcome in outcomes])
    weights = scan_weights(outcomes, samples, seed) if samples else np.zeros((0, len(outcomes)), dtype=int)
    weights = weights[weights @ every > 0]
    shares = interval((weights @ found) / (weights @ every))
    bounds = (float(shares.lower), float(shares.upper)) if len(weights) else NO_BOUNDS
    share = float(found.sum() / every.sum()) if every.sum() else float("nan")
    return Measured(share, bounds, false_positives_per_scan(outcomes, MISSED))


def reduced(outcomes: Sequence[Outcome], samples: int, seed: int) -> Measured:
    """A second stage at one false positive per scan."""
    value = sensitivity_at(froc(outcomes), AT_RATE)
    if not samples:
        return Measured(value, NO_BOUNDS, AT_RATE)
    boot = bootstrap_froc(outcomes, [AT_RATE], 1, samples=samples, seed=seed)
    return Measured(value, (float(boot.sensitivity.lower[0]), float(boot.sensitivity.upper[0])), AT_RATE)


def table_1(ours: CrossValidation, name: str, data: str) -> Table:
    """Ours first, then the paper's own row and those of the other teams.

    Args:
        name: of our row.
        data: what it was measured on.
    """
    rows: list[tuple[Cell, ...]] = [(name, data, *ours.sensitivities, ours.cpm)]
    rows += [(team, PAPER_DATA, *values) for team, values in TABLE_1.items()]
    low, high = ours.cpm_bounds
    bounds = f" Our CPM: 95 % from {low:.3f} to {high:.3f} (scans drawn anew)." if low is not None else ""
    caption = f"Sensitivity at so many false positives per scan, and their mean (CPM). “{OURS}” and below: as printed.{bounds}"
    return Table(("detector", "measured on", *RATES, "CPM"), tuple(rows), caption)


def table_2(ours: Mapping[str, Measured], thresholds: Mapping[str, float], name: str, data: str) -> Table:
    """For each network ours, then the paper's.

    Args:
        ours: network -> figures.
        thresholds: first stage -> probability from which a place is a candidate.
    """
    rows: list[tuple[Cell, ...]] = []
    for stage, networks in (("candidate screening", SCREENING), ("false-positive reduction", REDUCTION)):
        for network in networks:
            one = ours[network]
            threshold = thresholds.get(network)
            rows.append((stage, network, name, data, one.sensitivity, *one.bounds, one.false_positives, threshold))
            sensitivity, false_positives = TABLE_2[network]
            printed = PAPER_THRESHOLD if network in SCREENING else None
            rows.append((stage, network, OURS, PAPER_FOLD, sensitivity, *NO_BOUNDS, false_positives, printed))
    caption = (
        "One fold: trained on the others. First stages at their threshold, all candidates counted; second stages at one "
        "false positive per scan, all on the candidates of FCN+OSF. Bounds: 95 %, scans drawn anew."
    )
    columns = ("stage", "network", "whose", "measured on", "sensitivity", "lower", "upper", "FP/scan", "threshold")
    return Table(columns, tuple(rows), caption)
