"""How far a FROC curve can be believed: the scans drawn anew many times, as LUNA16's script does it, a thousand in a blink.

Where scans share a patient, patients are drawn, each with all scans: two scans of one patient tell less than two of two, and
drawn singly they would make every interval too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .froc import Pooled, ScanMatch, pool, read_curve
from .matching.findings import FloatArray, IntArray

SAMPLES, CONFIDENCE = 1000, 0.95
"""LUNA16's."""
_MORE = 1.25
"""A sample is read to so many times the false positives of the highest rate, and to the end where its scans have fewer."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Over the samples: the mean, and the bounds that hold the middle ``CONFIDENCE`` of them; numbers or arrays."""

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class FrocBootstrap:
    """Attributes:
    rates: [R] false positives per scan.
    sensitivity: of each rate, [R].
    mean_sensitivity: of the mean over the first ``averaged`` rates (LUNA16's CPM).
    samples: those used; a sample in which no scan has a lesion has no sensitivity.
    patients: that were drawn, if fewer than scans; else 0.
    """

    rates: FloatArray
    sensitivity: Interval
    mean_sensitivity: Interval
    samples: int
    patients: int = 0

    def of(self, image_is: str) -> str:
        """What was drawn, in words: ``scans`` or ``40 patients``."""
        return f"{self.patients} patients" if self.patients else f"{image_is}s"


def bootstrap_froc(
    matches: Sequence[ScanMatch],
    rates: Sequence[float],
    averaged: int,
    *,
    upright: str = "highest",
    samples: int = SAMPLES,
    seed: int = 0,
) -> FrocBootstrap:
    """Draw as many scans (patients, where some have several) as there are, with replacement, and read the curve at ``rates``;
    again and again.

    A scan that is drawn twice counts twice: its marks need no copying, only a weight, and the order of the marks by score
    stays the same in every sample, so that a sample costs two running sums.

    Args:
        matches: one a scan.
        rates: false positives per scan.
        averaged: so many of them, the first, make up the mean.
        upright: see :func:`.froc.sensitivity_at`.
        seed: of the drawing.
    """
    read = sample_sensitivities(matches, rates, upright=upright, samples=samples, seed=seed)
    used = read[~np.isnan(read).any(axis=1)]
    mean = interval(used[:, :averaged].mean(axis=1))
    return FrocBootstrap(np.asarray(rates), interval(used), mean, len(used), patients_drawn(matches))


def sample_sensitivities(
    matches: Sequence[ScanMatch],
    rates: Sequence[float],
    *,
    upright: str = "highest",
    samples: int = SAMPLES,
    seed: int = 0,
) -> FloatArray:
    """[S, R] the sensitivity at each rate in each sample; NaN where no scan that was drawn has a lesion.

    Equally many scans and the same seed give the same scans drawn: the samples of two detectors on the same scans are pairs.
    See :func:`bootstrap_froc`.
    """
    pooled = pool(matches)
    per_scan = np.asarray(rates, dtype=np.float64)
    first = _down_to(pooled, _MORE * len(matches) * float(per_scan.max(initial=0.0)))
    read = np.full((samples, len(rates)), np.nan)
    for sample, weights in enumerate(scan_weights(matches, samples, seed)):
        every = int(weights @ pooled.lesions)
        if every:
            at = per_scan * weights.sum()
            false, found = _running(first, weights)
            if false[-1] < at.max(initial=0.0) and first is not pooled:
                false, found = _running(pooled, weights)
            read[sample] = read_curve(at, false, found, upright) / every
    return read


def _down_to(pooled: Pooled, false_positives: float) -> Pooled:
    """The marks of the highest scores, down to so many false positives in all: what lies below is beyond every rate that is
    read, and is most of what detectors mark."""
    counts = np.cumsum(~pooled.is_lesion)
    if not counts.size or counts[-1] <= false_positives:
        return pooled
    last = pooled.scores[int(np.searchsorted(counts, false_positives))]
    kept = int(np.searchsorted(-pooled.scores, -last, side="right"))
    return Pooled(pooled.scores[:kept], pooled.is_lesion[:kept], pooled.images[:kept], pooled.lesions)


def interval(values: FloatArray) -> Interval:
    """Mean and bounds over the first axis, [S, ...]; the bounds are entries S * .025 and S * .975, rounded down, of the
    sorted values, as in LUNA16's script. NaN where S is 0."""
    if not len(values):
        nothing = np.full(values.shape[1:], np.nan)
        return Interval(nothing, nothing, nothing)
    rising = np.sort(values, axis=0)
    tail = (1 - CONFIDENCE) / 2
    return Interval(values.mean(axis=0), rising[int(tail * len(rising))], rising[int((1 - tail) * len(rising))])


def patient_index(matches: Sequence[ScanMatch]) -> IntArray:
    """[I] the patient of each scan, counted in the order in which they first come; a scan of an unknown one is one of its own."""
    known: dict[object, int] = {}
    names = [match.patient or number for number, match in enumerate(matches)]
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.intp)


def patients_drawn(matches: Sequence[ScanMatch]) -> int:
    """How many patients the scans are of, where some have several; else 0."""
    patients = len(set(patient_index(matches).tolist()))
    return patients if patients < len(matches) else 0


def scan_weights(matches: Sequence[ScanMatch], samples: int, seed: int) -> npt.NDArray[np.int64]:
    """[S, I] how often each scan counts in each sample: as often as its patient was drawn."""
    patient = patient_index(matches)
    return drawn(int(patient.max(initial=-1)) + 1, samples, seed)[:, patient]


def drawn(scans: int, samples: int, seed: int) -> npt.NDArray[np.int64]:
    """[S, scans] how often each scan was drawn in each sample."""
    indices = np.random.default_rng(seed).integers(scans, size=(samples, scans))
    offsets = np.arange(samples)[:, None] * scans
    return np.bincount((indices + offsets).ravel(), minlength=samples * scans).reshape(samples, scans)


def _running(pooled: Pooled, weights: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """[P + 1] false positives and found lesions down to each distinct score, from none on."""
    ends = pooled.last_of_score
    of_entry = weights[pooled.images]
    every = np.cumsum(of_entry)[ends]
    found = np.cumsum(of_entry * pooled.is_lesion)[ends]
    false, lesions = np.zeros(len(ends) + 1), np.zeros(len(ends) + 1)
    false[1:], lesions[1:] = every - found, found
    return false, lesions
