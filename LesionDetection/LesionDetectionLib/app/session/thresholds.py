"""Which scores to ask a model for, which to show, and what is known of the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.resources import demonstration_model
from LesionDetectionLib.methods.operating_points import operating_points

from ..operating import OperatingCurve, curve_of

MOST_FALSE_PER_SCAN = 8.0
"""The far end of the slider: the last point of the score that LUNA16 uses."""


@dataclass(frozen=True)
class Thresholds:
    """Attributes:
    digest: of the model; empty without one.
    default: the score from which the model's maker shows a lesion; None where there is no model.
    lowest: the operating point to detect with, as a request wants it: all that the slider can ever show.
    curve: false marks per scan by score; None where the model does not know.
    """

    digest: str
    default: float | None
    lowest: str
    curve: OperatingCurve | None

    @classmethod
    def of(cls, method_id: str, model: Path | None) -> Thresholds:
        """Those of a model; of the demonstration model where None is given and the method needs one.

        Raises:
            UsageError: no such method. BundleError: the model cannot be used.
        """
        info = method(method_id)
        if not info.needs_model:
            return cls("", None, "", None)
        bundle = Bundle.open(model if model is not None else demonstration_model(info.demonstration_model))
        bundle.require_method(method_id)
        points = operating_points(bundle)
        curve = curve_of(bundle.manifest)
        lowest = min(point.threshold for point in points)
        if curve is not None:
            lowest = min(lowest, curve.threshold_at(MOST_FALSE_PER_SCAN))
        return cls(bundle.digest, points[0].threshold, repr(float(lowest)), curve)

    def shown(self, asked: float) -> float:
        """The score to begin with; ``asked`` where the model has no opinion."""
        return asked if self.default is None else self.default
