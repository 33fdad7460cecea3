"""What a threshold means: the FROC curve that a model carries, read in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from LesionDetectionLib.core.bundle import Bundle, Manifest
from LesionDetectionLib.core.image import FloatArray

MEASURED_ON = "test"
"""The part of a bundle's metrics that the curve is taken from: scans that served neither training nor thresholds."""


@dataclass(frozen=True, eq=False)
class OperatingCurve:
    """False marks per scan and sensitivity against the threshold, on the scans that the model was measured on. P = points.

    Between points all is linear. What comes of a threshold on another scan, of another hospital, may be far from it.

    Attributes:
        thresholds: [P] strictly falling scores.
        false_positives_per_scan: [P] never falling.
        sensitivity: [P] never falling, share of all lesions.
        scans: how many it was measured on; 0 where that is not known.
    """

    thresholds: FloatArray
    false_positives_per_scan: FloatArray
    sensitivity: FloatArray
    scans: int = 0

    @property
    def threshold_limits(self) -> tuple[float, float]:
        """(lowest, highest) threshold of the curve. No mark scored more than the highest when it was measured."""
        return float(self.thresholds[-1]), float(self.thresholds[0])

    @property
    def limits(self) -> tuple[float, float]:
        """(fewest, most) false marks per scan of the curve."""
        return float(self.false_positives_per_scan[0]), float(self.false_positives_per_scan[-1])

    def threshold_at(self, false_positives_per_scan: float) -> float:
        """The lowest threshold with this many false marks per scan; that of the curve's nearer end beyond its limits."""
        # Of points at one rate numpy reads the last, which has the lowest threshold.
        return float(np.interp(false_positives_per_scan, self.false_positives_per_scan, self.thresholds))

    def fp_at(self, threshold: float) -> float:
        """False marks per scan of score ``threshold`` or more."""
        return self._read(threshold, self.false_positives_per_scan)

    def sensitivity_at(self, false_positives_per_scan: float) -> float:
        """Share of the lesions found with this many false marks per scan."""
        return float(np.interp(false_positives_per_scan, self.false_positives_per_scan, self.sensitivity))

    def sensitivity_of(self, threshold: float) -> float:
        """Share of the lesions found with marks of score ``threshold`` or more."""
        return self._read(threshold, self.sensitivity)

    def _read(self, threshold: float, values: FloatArray) -> float:
        if threshold > self.thresholds[0]:
            return 0.0
        return float(np.interp(-threshold, -self.thresholds, values))


def curve_of(model: Bundle | Manifest) -> OperatingCurve | None:
    """The curve of a model; None where it was not measured, had no lesions to find, or what it holds is no curve."""
    manifest = model.manifest if isinstance(model, Bundle) else model
    measured: Any = manifest.metrics.get(MEASURED_ON) if isinstance(manifest.metrics, Mapping) else None
    if not isinstance(measured, Mapping):
        return None
    try:
        table = np.array(measured.get("froc", ()), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if table.ndim != 2 or table.shape[1] != 3 or len(table) < 1 or not np.isfinite(table).all():
        return None
    thresholds, rates, sensitivity = table.T
    falling = bool((np.diff(thresholds) < 0).all())
    rising = bool((np.diff(rates) >= 0).all() and (np.diff(sensitivity) >= 0).all())
    if not falling or not rising or rates[0] < 0 or sensitivity[0] < 0 or sensitivity[-1] > 1:
        return None
    scans = measured.get("scans")
    table.flags.writeable = False
    return OperatingCurve(thresholds, rates, sensitivity, scans if isinstance(scans, int) else 0)
