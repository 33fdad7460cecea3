"""Loss and metrics of a training run while it goes on, read from the histories in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..learning.engine.history import HISTORY, VALIDATION, History

FloatArray = npt.NDArray[np.float64]
_WINDOW_SHARE = 40
"""The smooth line is a mean over this part of the steps so far."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One line. N = points.

    Attributes:
        name: of the stage (``screening``), with the metric behind it where it is one of a validation.
        steps: [N] optimiser steps, rising.
        values: [N] NaN where a value was not finite.
    """

    name: str
    steps: FloatArray
    values: FloatArray

    @property
    def smooth(self) -> FloatArray:
        """[N] the mean over the last few steps up to each."""
        if not len(self.values):
            return self.values
        window = max(1, len(self.values) // _WINDOW_SHARE)
        known = np.isfinite(self.values)
        sums = np.concatenate([[0.0], np.cumsum(np.where(known, self.values, 0.0))])
        counts = np.concatenate([[0.0], np.cumsum(known)])
        ends = np.arange(1, len(self.values) + 1)
        starts = np.maximum(ends - window, 0)
        with np.errstate(invalid="ignore"):
            smooth: FloatArray = (sums[ends] - sums[starts]) / (counts[ends] - counts[starts])
        return smooth

    def thinned(self, most: int) -> Curve:
        """With at most so many points, the last among them."""
        if len(self.steps) <= most:
            return self
        chosen = np.unique(np.linspace(0, len(self.steps) - 1, most).round().astype(np.intp))
        return Curve(self.name, self.steps[chosen], self.values[chosen])


class LiveCurves:
    """The histories below a folder; each stage of a recipe has one in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._histories: dict[str, History] = {}

    def update(self) -> bool:
        """Read what has come since the last call, which costs next to nothing when nothing has.

        Returns:
            Whether the curves are other ones now.
        """
        changed = False
        for path in self._new_files():
            self._histories[path.parent.relative_to(self._folder).as_posix()] = History(path.parent)
        for history in self._histories.values():
            before = len(history.records)
            replaced = history.update()
            changed |= replaced or len(history.records) != before
        return changed

    @property
    def losses(self) -> tuple[Curve, ...]:
        """One a stage that has begun, in the order in which they began."""
        curves = (_curve(name, history, "loss") for name, history in self._histories.items())
        return tuple(curve for curve in curves if len(curve.steps))

    @property
    def validations(self) -> tuple[Curve, ...]:
        """One for each metric of each stage."""
        curves = []
        for stage, history in self._histories.items():
            names = dict.fromkeys(name for record in history.of_kind(VALIDATION) for name in record.values)
            curves += [_curve(f"{stage}: {name}", history, name, VALIDATION) for name in names]
        return tuple(curves)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that the engine wrote down: memory that was full, a damaged checkpoint."""
        return tuple(note for history in self._histories.values() for note in history.notes())

    def _new_files(self) -> list[Path]:
        """Histories that are not known yet, the oldest first; those of a cache's or bundle's folder are none."""
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.glob(f"*/{HISTORY}") if path.parent.name not in self._histories]
        return sorted(found, key=lambda path: path.stat().st_mtime)


def _curve(name: str, history: History, value: str, kind: str = "step") -> Curve:
    found = [(record.step, record.values[value]) for record in history.of_kind(kind) if value in record.values]
    table = np.array(found, dtype=np.float64).reshape(-1, 2)
    return Curve(name, table[:, 0], table[:, 1])
