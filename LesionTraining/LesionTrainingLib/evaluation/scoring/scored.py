"""The result of scoring: numbers for programs, tables and plots for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from LesionDetectionLib.core.progress import Progress

from ..froc_bootstrap import SAMPLES
from ..matching.findings import ImageFindings
from ..matching.outcome import Outcome
from ..matching.policy import Policy
from ..output.plots import Plot
from ..output.tables import Table

SENSITIVITY = "Sensitivity"
"""Heading of the table that a FROC curve stands beside."""


@dataclass(frozen=True)
class ScoreOptions:
    """Attributes:
    samples: of the bootstrap; 0 for none.
    seed: of the bootstrap.
    operating_points: name -> least score, of the model; each gets a row of its own.
    plots: draw curves; tables alone are faster.
    progress: told how far it is.
    """

    samples: int = SAMPLES
    seed: int = 0
    operating_points: Mapping[str, float] = field(default_factory=dict)
    plots: bool = True
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, eq=False)
class Scored:
    """Many images under one policy.

    Attributes:
        policy: the policy.
        images, outcomes: one each.
        summary: plain values for ``summary.json``; what cannot be said is None.
        lead: the result in a sentence.
        tables: for the page, by heading.
        plots: file stem -> plot.
        image_rows: a table with one row an image, where the protocol scores images.
    """

    policy: Policy
    images: Sequence[ImageFindings]
    outcomes: Sequence[Outcome]
    summary: Mapping[str, Any]
    lead: str
    tables: Mapping[str, Table]
    plots: Mapping[str, Plot] = field(default_factory=dict)
    image_rows: Table | None = None


def match_all(policy: Policy, images: Sequence[ImageFindings], progress: Progress) -> list[Outcome]:
    """The outcome of each image. Raises Cancelled through ``progress``."""
    return [policy.match(image) for image in shown(images, progress)]


def shown(images: Sequence[ImageFindings], progress: Progress, every: int = 32) -> Iterator[ImageFindings]:
    """The images one after another, telling now and then how far it is. Raises Cancelled through ``progress``."""
    for index, image in enumerate(images):
        if index % every == 0:
            progress(index / len(images), "Matching")
        yield image


def plain(value: Any) -> Any:
    """A value as JSON can hold it: NaN and infinity become None, in lists and mappings too."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def band_name(low: float, high: float) -> str:
    """``under 6 mm``, ``6 to 10 mm``, ``20 mm or more``."""
    if low <= 0:
        return f"under {high:g} mm"
    return f"{low:g} mm or more" if math.isinf(high) else f"{low:g} to {high:g} mm"
