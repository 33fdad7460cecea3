"""Figure 7 of the paper: test slices with what was found in them, before and after verification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...evaluation.blob_detection import JudgedSlice, verification
from ...evaluation.output.plots import Plot
from ...evaluation.output.tiles import Outcome, outcome_tiles
from ..showing import body_part
from ..wording import counted
from .fold_work import FoldResult
from .kept_slices import Picture

WINDOW_HU = (-1000.0, 400.0)
"""Black and white: lungs and soft tissue are both to be seen."""


@dataclass(frozen=True)
class Example:
    """A test slice of a fold. Attributes: fold, its number; case, the slice's."""

    fold: int
    case: str


def chosen_examples(results: Sequence[FoldResult], count: int) -> tuple[Example, ...]:
    """So many test slices, of as many kinds as there are: found and nothing else; found, and something else; missed, with
    something else; missed. One of each kind in turn, those with the largest lesions first."""
    kinds: dict[tuple[bool, bool], list[tuple[float, Example]]] = {}
    for one in results:
        for each in one.slices.test:
            counts = verification([each], one.slices.least_response, one.slices.least_area)
            kind = (not counts.hit.any(), counts.false_blobs > 0)
            example = (-float(each.lesion_mm.max(initial=0.0)), Example(one.fold.number, each.case))
            kinds.setdefault(kind, []).append(example)
    rows = [sorted(kinds[kind], key=lambda pair: (pair[0], pair[1].case)) for kind in sorted(kinds)]
    longest = max(map(len, rows), default=0)
    in_turn = [row[n][1] for n in range(longest) for row in rows if n < len(row)]
    return tuple(in_turn[:count])


def largest_lesion(one: FoldResult) -> Picture | None:
    """The test slice of a fold with the largest section of an active lesion; None where no slice is kept."""
    cases = sorted(one.slices.test, key=lambda each: (-float(each.lesion_mm.max(initial=0.0)), each.case))
    return next((picture for each in cases if (picture := one.store.get_picture(each.case)) is not None), None)


def example_plot(results: Sequence[FoldResult], examples: Sequence[Example], data: str) -> Plot:
    """Each slice twice: with all candidates, and with those that pass both thresholds.

    Args:
        data: what they are of.
    """
    by_number = {one.fold.number: one for one in results}
    outcomes = list[Outcome]()
    for example in examples:
        one = by_number[example.fold]
        picture = one.store.get_picture(example.case)
        if picture is not None:
            outcomes += both_outcomes(picture, one)
    text = f"Test slices of {data}, each before and after verification: true positive pixels yellow, false positive ones red, false negative ones blue."
    plot = outcome_tiles(outcomes, WINDOW_HU, text)
    caption = (
        f"As Fig. 7 of the paper, test slices of {data}: each first with all candidates (R > 0), then with those that pass T_R and "
        "T_S. Chosen by what was found in them, of each kind those with the largest lesions first."
    )
    return replace(plot, caption=caption)


def both_outcomes(picture: Picture, one: FoldResult) -> tuple[Outcome, Outcome]:
    """The slice with all candidates, and with the verified ones."""
    limits = one.slices.least_response, one.slices.least_area
    scored = picture.scored
    box = body_part(picture.hu[len(picture.hu) // 2], (scored.lesions > 0) | (scored.blobs.labels > 0))
    grey, lesions = picture.hu[len(picture.hu) // 2][box].astype(np.float64), (scored.lesions > 0)[box]
    found = []
    for name, limit in (("R > 0", (0.0, 0.0)), ("verified", limits)):
        passing = np.concatenate([[False], scored.blobs.verified(*limit)])
        marked: npt.NDArray[np.bool_] = passing[scored.blobs.labels][box]
        title = f"{scored.case}\n{name}: {_told(scored.judged(), limit)}"
        found.append(Outcome(title, grey, marked, lesions, picture.pixel_mm))
    return found[0], found[1]


def _told(one: JudgedSlice, limits: tuple[float, float]) -> str:
    """``1 of 2 found, 3 false``."""
    counts = verification([one], *limits)
    return f"{int(counts.hit.sum())} of {len(counts.hit)} found, {counted(counts.false_blobs, 'false', 'false')}"
