"""From a score volume in a 16-bit format to the peaks of the float32 one.

A place can be a peak of the float32 volume only if its 16-bit score is within a tolerance of the threshold and of its
neighbours'. Of these places and their neighbours the scores are computed anew, in float32;
peaks are then told by these alone. No bound on the rounding errors of a network is both sure and useful, so the
tolerance is measured on each scan: it is ``SAFETY`` times the largest deviation found at any place that was computed both
ways; while it is smaller, it is raised and more places are computed. Whoever calls falls back on the float32 volume where that
means too many places. The confirmed scores take the direct route.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import torch

from LesionDetectionLib.core.progress import Progress

from .network import ScreeningFCN
from .peaks import Places, grown, peaks
from .preprocessing import PreparedScan
from .scores import ScoreVolume, score_volume, searched

SAFETY = 3.0
"""The tolerance over the largest deviation seen where both were computed; at least. On whole chests, of 16 bits, the largest
deviation of all 1.4 million scores was 1.0 to 1.5 times the largest of the computed ones (nodule_ct_screening.md)."""
FIRST_GUESS = 1.25
"""A raised tolerance is this much above what is needed so far, so that it is seldom raised twice."""
PROBES = 64
"""So many places are computed both ways first: the highest scores, whose deviations tend to be the largest."""
MOST_SHARE = 1 / 20
"""Of all scores that are confirmed at most: here and there each costs 10 to 30 times as much as one of the whole volume."""


class Confirmation:
    """A scan's rough scores and, place by place, its exact ones."""

    def __init__(self, prepared: PreparedScan, network: ScreeningFCN, device: torch.device, rough: ScoreVolume) -> None:
        self._prepared, self._network, self._device, self._rough = prepared, network, device, rough.logits
        self._wanted = searched(prepared, rough.stride_zyx)
        self._exact = np.full(self._rough.shape, np.nan, dtype=np.float32)
        self._most = np.count_nonzero(np.isfinite(self._rough)) * MOST_SHARE
        self.deviation, self.tolerance, self.computed = 0.0, 0.0, 0

    def peaks(self, threshold: float, progress: Progress) -> tuple[Places, npt.NDArray[np.float32]] | None:
        """Places [n, 3] and float32 logits [n] of the peaks that pass; None where too many places could be ones.

        Raises:
            DeviceError: the memory is full.
            Cancelled: when the user cancelled.
        """
        # What overflowed the format says nothing: such a scan is not for it.
        if not np.isfinite(self._rough[self._wanted]).all():
            return None
        self._compute(self._around(self._best()), progress.part(0, 0.3))
        for attempt in itertools.count():
            if self.tolerance < SAFETY * self.deviation:
                self.tolerance = FIRST_GUESS * SAFETY * self.deviation
            possible = peaks(self._rough, self._wanted, threshold, self.tolerance)
            asked = self._around(possible)
            if np.count_nonzero(asked) > self._most:
                return None
            self._compute(asked, progress.part(1 - 0.7 * 0.5**attempt, 1 - 0.35 * 0.5**attempt))
            if self.tolerance >= SAFETY * self.deviation:
                break
        # The neighbours of possible peaks are all known; of others nothing is asked.
        known = np.where(np.isnan(self._exact), np.float32(-np.inf), self._exact)
        found = peaks(known, self._mask(possible), threshold)
        return found, known[tuple(found.T)]

    def _mask(self, places: Places) -> npt.NDArray[np.bool_]:
        mask = np.zeros(self._rough.shape, dtype=bool)
        mask[tuple(places.T)] = True
        return mask

    def _around(self, places: Places) -> npt.NDArray[np.bool_]:
        return grown(self._mask(places)) & np.isfinite(self._rough)

    def _best(self) -> Places:
        """The places of the highest rough scores."""
        places = np.flatnonzero(self._wanted)
        if len(places) > PROBES:
            places = places[np.argpartition(self._rough.ravel()[places], -PROBES)[-PROBES:]]
        return np.stack(np.unravel_index(places, self._rough.shape), axis=1)

    def _compute(self, asked: npt.NDArray[np.bool_], progress: Progress) -> None:
        """Exact scores; those that were computed before are left as they are."""
        asked = asked & np.isnan(self._exact)
        scores = score_volume(self._prepared, self._network, self._device, progress, route="direct", asked=asked)
        exact = scores.logits[asked]
        self._exact[asked] = exact
        self.deviation = max(self.deviation, float(np.abs(exact - self._rough[asked]).max(initial=0)))
        self.computed += len(exact)
