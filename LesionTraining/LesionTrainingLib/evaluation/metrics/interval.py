"""A figure and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval that holds the true value with this confidence.

    Attributes:
        estimate: from all cases.
        low: lower end.
        high: upper end.
        confidence: 0.95 for "95 %".
    """

    estimate: float
    low: float
    high: float
    confidence: float = 0.95

    def text(self, digits: int = 3) -> str:
        """``0.767 (0.741 to 0.790)``."""
        return f"{self.estimate:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})".replace("-", "−")
