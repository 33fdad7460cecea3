"""Which slices of a case are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..sampling.spread import evenly
from .settings import SliceSettings

IntArray = npt.NDArray[np.integer[Any]]


def choose_slices(
    sections: IntArray, searched: Sequence[int], inactive: Sequence[int], selection: SliceSettings
) -> list[int]:
    """Indices of slices, rising, each once.

    Args:
        sections: [L, K] how many pixels of each active lesion each slice of the scan cuts.
        searched: slices in which something is searched: the lungs.
        inactive: slices of places that are known to be no active lesion.
        selection: see there.
    """
    cut = np.flatnonzero(sections.any(axis=0)).tolist()
    if cut:
        # The largest section of each lesion, the largest lesion first: the first of all is the paper's slice.
        order = np.argsort(-sections.max(axis=1), kind="stable")
        largest = [int(sections[lesion].argmax()) for lesion in order if sections[lesion].any()]
        count = selection.most(len(cut))
        chosen = list(dict.fromkeys(largest))[:count]
        chosen += evenly([k for k in cut if k not in chosen], count - len(chosen))
    else:
        chosen = evenly(list(searched), selection.slices_without)
    further = [k for k in dict.fromkeys(inactive) if k not in chosen]
    return sorted({*chosen, *evenly(further, selection.slices_inactive)})
