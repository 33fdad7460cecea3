"""What a search varies, all together: the settings of each trial, and the points of a grid."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from LesionDetectionLib.core.errors import UsageError

from .paths import epochs_path, fits_of, leaves, refuse_unknown, with_values
from .varied import Varied, parse_varied, shown

MOST_POINTS = 2000


@dataclass(frozen=True)
class Budget:
    """How long each trial is fitted; 0 for as long as the recipe's settings say.

    Attributes:
        steps: of each fit.
        samples: that each fit sees, whatever its batch: an epoch, where there are so many.
    """

    steps: int = 0
    samples: int = 0

    def values(self, settings: Any) -> dict[str, int]:
        """The steps of each fit, by path, and no epochs, which would be in place of them."""
        if not self.steps and not self.samples:
            return {}
        fits = fits_of(settings)
        steps = {f"{path}.steps": self.steps or math.ceil(self.samples / fit.batch) for path, fit in fits.items()}
        return {**steps, **{path: 0 for fit in fits if (path := epochs_path(settings, fit))}}


@dataclass(frozen=True)
class Space:
    """The settings that all trials begin from, and what is varied of them.

    Attributes:
        base: settings of the recipe.
        varied: each with a path of its own.
        budget: of each trial.
    """

    base: Any
    varied: tuple[Varied, ...]
    budget: Budget = Budget()

    def chosen(self, values: Mapping[str, Any]) -> Any:
        """The recipe's settings with these values, by path, fitted as long as ``base`` says. Raises UsageError."""
        return with_values(self.base, values)

    def settings(self, values: Mapping[str, Any]) -> Any:
        """The settings of a trial: as :meth:`chosen`, fitted as long as the budget says. Raises UsageError."""
        chosen = self.chosen(values)
        return with_values(chosen, self.budget.values(chosen))

    @property
    def is_grid(self) -> bool:
        """Whether all possible points can be listed."""
        return not any(one.is_range for one in self.varied)

    def points(self, most: int | None = None, seed: int = 0) -> list[dict[str, str]]:
        """The points of the grid, as labels by path, the last setting running fastest; or so many, drawn with the seed, in the
        same order. What the settings refuse together, such as a batch of 1 in 2 parts, is left out."""
        labels = [one.labels for one in self.varied]
        every = [dict(zip((one.path for one in self.varied), point, strict=True)) for point in product(*labels)]
        possible = [point for point in every if self.is_possible(self.values(point))]
        if most is None or most >= len(possible):
            return possible
        return [possible[n] for n in sorted(random.Random(seed).sample(range(len(possible)), most))]

    def is_possible(self, values: Mapping[str, Any]) -> bool:
        try:
            self.settings(values)
        except UsageError:
            return False
        return True

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Values by path for what a journal holds. Raises ValueError or KeyError where it does not belong to this space."""
        return {one.path: one.value(drawn[one.path]) for one in self.varied}


def parse_space(base: Any, texts: Sequence[str], budget: Budget) -> Space:
    """Read what is to be varied, and build the settings of each value, so that what cannot be is refused before any fit.

    Raises:
        UsageError: an unknown path, a value that cannot be, or more points than anyone can fit.
    """

    def default_of(path: str) -> Any:
        refuse_unknown(base, path)
        return leaves(base)[path]

    if not texts:
        raise UsageError('Say what to vary, such as --vary "fit.learning_rate=1e-5..1e-1 log"')
    varied = tuple(parse_varied(text, default_of) for text in texts)
    paths = [one.path for one in varied]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UsageError(f"“{twice}” is varied twice: name all its values at once.")
    by_budget = sorted(set(paths) & set(Budget(steps=1).values(base)))
    if by_budget and (budget.steps or budget.samples):
        raise UsageError(f"“{by_budget[0]}” is varied, and --steps or --samples fixes it: leave one out.")
    space = Space(base, varied, budget)
    _refuse_impossible(space)
    return space


def _refuse_impossible(space: Space) -> None:
    """Each value must be possible: with what the others are now, or with some value of theirs.

    Raises UsageError.
    """
    count = math.prod(len(one.examples) for one in space.varied)
    if count > MOST_POINTS:
        raise UsageError(f"These lists make {count} trials. Name fewer values.")
    for one in space.varied:
        for example in one.examples:
            try:
                space.settings({one.path: example})
            except UsageError as error:
                if not _possible_with_others(space, one, example):
                    raise UsageError(f"“{one.path}” cannot be {shown(example)}. {error}") from error


def _possible_with_others(space: Space, one: Varied, example: Any) -> bool:
    others = [other for other in space.varied if other is not one]
    combinations = product(*(other.examples for other in others))
    made = (dict(zip((other.path for other in others), values, strict=True)) for values in combinations)
    return any(space.is_possible({**values, one.path: example}) for values in made)
