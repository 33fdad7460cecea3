"""How far a model's FROC curve and its CPM can be believed, as plain values for the model's record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .froc import CPM_RATES, ScanMatch
from .froc_bootstrap import CONFIDENCE, bootstrap_froc, patient_index

_PER_OCTAVE = 4
"""Rates at which the band is told; LUNA16's are among them, so that the band can be read there."""


def froc_confidence(matches: Sequence[ScanMatch], seed: int = 0) -> dict[str, Any]:
    """The bounds that hold the middle 95 % of what comes of scans, or patients, drawn anew (:mod:`.froc_bootstrap`).

    Returns:
        ``level``, ``samples`` (that could be used), ``patients`` (where they were drawn, as some have several scans), ``cpm``
        as [lower, upper], and ``froc``, rows of [false positives per scan, lower, upper] with the first rate rising from 1/8 to
        8. Empty for fewer than two scans or patients, which leave nothing to draw, and without lesions.
    """
    octaves = round(float(np.log2(CPM_RATES[-1] / CPM_RATES[0])))
    rates = CPM_RATES[0] * 2.0 ** (np.arange(octaves * _PER_OCTAVE + 1) / _PER_OCTAVE)
    if len(set(patient_index(matches).tolist())) < 2:
        return {}
    found = bootstrap_froc(matches, (*CPM_RATES, *rates.tolist()), len(CPM_RATES), seed=seed)
    if not found.samples:
        return {}
    band = found.sensitivity
    rows = zip(rates, band.lower[len(CPM_RATES) :], band.upper[len(CPM_RATES) :], strict=True)
    return {
        "level": CONFIDENCE,
        "samples": found.samples,
        **({"patients": found.patients} if found.patients else {}),
        "cpm": [round(float(found.mean_sensitivity.lower), 4), round(float(found.mean_sensitivity.upper), 4)],
        "froc": [[round(float(value), 4) for value in row] for row in rows],
    }
