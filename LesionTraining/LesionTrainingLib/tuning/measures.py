"""By what trials are compared: one number of the history of one fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import UsageError

from ..learning.engine.history import HISTORY, STEP, VALIDATION, History
from .paths import fits_of

AUTO, LOSS, METRIC, SECONDS = "auto", "loss", "validation", "seconds"
MEASURES = (AUTO, LOSS, METRIC, SECONDS)
LAST_SHARE = 0.1
"""The loss is the mean of the last tenth of the steps [choice]: that of one step is mostly the luck of its batch."""
FIRST_SHARE = 0.1
"""Of the steps, left out of the time: the first wait for libraries and caches."""


@dataclass(frozen=True)
class Measure:
    """What is looked at of a fit.

    Attributes:
        name: one of :data:`MEASURES`, never ``auto``.
        metric: of the validation, where that is looked at.
        higher_is_better: else lower.
        fit: path of the fit's settings.
        number: of the fit among those of the recipe, 0 for the first.
    """

    name: str
    fit: str
    number: int
    metric: str = ""
    higher_is_better: bool = False

    @classmethod
    def of_settings(cls, settings: Any, name: str = AUTO, fit: str = "") -> Measure:
        """What to look at in a recipe with these settings.

        Args:
            name: ``auto`` is the validation where the fit watches one, else the loss.
            fit: path of the fit's settings; empty for the last.

        Raises:
            UsageError: no such measure or fit, or a fit that watches nothing in its validation.
        """
        fits = fits_of(settings)
        if name not in MEASURES:
            raise UsageError(f"There is no measure “{name}”. Choose one of {', '.join(MEASURES)}.")
        if fit and fit not in fits:
            raise UsageError(f"There is no fit “{fit}”. There are: {', '.join(fits)}.")
        path = fit or list(fits)[-1]
        watched = fits[path].monitor
        if name == METRIC and not watched:
            raise UsageError(
                f"“{path}” watches nothing in its validation: name a metric by {path}.monitor, or take --measure loss."
            )
        if name == METRIC or (name == AUTO and watched):
            return cls(METRIC, path, list(fits).index(path), watched, fits[path].higher_is_better)
        return cls(SECONDS if name == SECONDS else LOSS, path, list(fits).index(path))

    @property
    def title(self) -> str:
        """For tables and axes."""
        if self.name == METRIC:
            return f"best {self.metric} of the validation"
        return "seconds per 1000 samples" if self.name == SECONDS else "mean loss of the last tenth of the steps"

    @property
    def short(self) -> str:
        """For a line of text."""
        return self.metric if self.name == METRIC else "s per 1000 samples" if self.name == SECONDS else "loss"

    @property
    def column(self) -> str:
        """Name of a column in a file."""
        if self.name == METRIC:
            return f"best_{self.metric}".replace(" ", "_")
        return "seconds_per_1000_samples" if self.name == SECONDS else "loss_at_the_end"

    def of(self, history: History) -> float:
        """The number; NaN where the history has none."""
        if self.name == METRIC:
            found = [record.values.get(self.metric, math.nan) for record in history.of_kind(VALIDATION)]
            known = [value for value in found if math.isfinite(value)]
            return (max(known) if self.higher_is_better else min(known)) if known else math.nan
        if self.name == SECONDS:
            return _seconds_per_thousand(history)
        return mean(_last(losses(history)[1]))

    def is_better(self, value: float, than: float) -> bool:
        return value > than if self.higher_is_better else value < than

    def is_current(self, folder: Path) -> bool:
        """Whether this fit is the one that works in a run's folder now."""
        return len(histories(folder)) == self.number + 1

    def history(self, folder: Path) -> History:
        """Of this fit in a run's folder; empty where it has not begun."""
        found = histories(folder)
        return History.read(found[self.number]) if len(found) > self.number else History(folder)


def histories(folder: Path) -> list[Path]:
    """The folders of the fits in a run's, in the order in which they were last begun."""
    found = sorted(folder.glob(f"*/{HISTORY}"), key=lambda path: path.stat().st_mtime_ns)
    return [path.parent for path in found]


def losses(history: History) -> tuple[list[int], list[float]]:
    """Steps and losses of training; a validation may have a loss too, which is not among them."""
    records = [record for record in history.of_kind(STEP) if "loss" in record.values]
    return [record.step for record in records], [record.values["loss"] for record in records]


def has_learned(history: History) -> bool:
    """Whether the loss ended lower than it began; True of a history that is too short to tell."""
    _, values = losses(history)
    return len(values) < 2 or mean(_last(values)) < mean(values[: max(1, round(LAST_SHARE * len(values)))])


def mean(values: Sequence[float]) -> float:
    """NaN of none."""
    return sum(values) / len(values) if values else math.nan


def _last(values: Sequence[float]) -> Sequence[float]:
    return values[-max(1, round(LAST_SHARE * len(values))) :]


def _seconds_per_thousand(history: History) -> float:
    """By the time of the steps themselves: what is between them, such as a validation, is left out."""
    rates = [record.values.get("samples_per_second", 0.0) for record in history.of_kind(STEP)]
    counted = [rate for rate in rates[int(FIRST_SHARE * len(rates)) or (len(rates) > 1) :] if rate > 0]
    return 1000 * mean([1 / rate for rate in counted])
