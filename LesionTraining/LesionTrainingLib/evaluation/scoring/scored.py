"""The result of scoring: numbers for programs, tables and plots for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from LesionDetectionLib.core.progress import Progress

from ..froc_bootstrap import SAMPLES
from ..matching.findings import FloatArray, ImageFindings
from ..matching.outcome import Outcome
from ..matching.policy import Policy
from ..output.page import Block
from ..output.plots import Plot
from ..output.tables import Table
from .mask_pairs import MaskPairs

SENSITIVITY, SIZES = "Sensitivity", "By size"
"""Headings of the tables that the plots ``froc`` and ``sizes`` stand beside."""
COMPARISON = "comparison"
"""Stem of the files that compare with other marks."""


@dataclass(frozen=True)
class ScoreOptions:
    """Attributes:
    samples: of the bootstrap; 0 for none.
    seed: of the bootstrap.
    operating_points: name -> least score, of the model; each gets a row of its own.
    plots: draw curves; tables alone are faster.
    progress: told how far it is.
    pairs: masks that were compared already, so that several policies on the same images compare them once.
    """

    samples: int = SAMPLES
    seed: int = 0
    operating_points: Mapping[str, float] = field(default_factory=dict)
    plots: bool = True
    progress: Progress = field(default_factory=Progress)
    pairs: MaskPairs = field(default_factory=MaskPairs)


@dataclass(frozen=True, eq=False)
class Part:
    """A further section of the page, and the files that go with it.

    Attributes:
        heading: of the section.
        blocks: in order; plots that are not among them stand below.
        plots: file stem -> plot.
        tables: file name -> table, to be written as CSV.
        values: file name -> plain values, to be written as JSON.
        early: whether it stands right after the first table, and not at the end.
    """

    heading: str
    blocks: tuple[Block, ...]
    plots: Mapping[str, Plot] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    early: bool = False


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
        parts: further sections.
        lesion_columns: further columns of the table of lesions, one value a lesion, NaN where there is none.
    """

    policy: Policy
    images: Sequence[ImageFindings]
    outcomes: Sequence[Outcome]
    summary: Mapping[str, Any]
    lead: str
    tables: Mapping[str, Table]
    plots: Mapping[str, Plot] = field(default_factory=dict)
    image_rows: Table | None = None
    parts: tuple[Part, ...] = ()
    lesion_columns: Mapping[str, FloatArray] = field(default_factory=dict)

    def having(self, name: str, values: Mapping[str, Any], part: Part, **changes: Any) -> Scored:
        """The same with further values in the summary under ``name``, and a further section."""
        return replace(self, summary={**self.summary, name: values}, parts=(*self.parts, part), **changes)


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
