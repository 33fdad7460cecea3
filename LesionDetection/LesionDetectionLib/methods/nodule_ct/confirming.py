"""From a score volume in a 16-bit format to the peaks of the float32 one.

A place can be a peak of the float32 volume only if its 16-bit score is within a tolerance of the threshold and of its
neighbours'. Of these places and their neighbours the scores are computed anew, in float32, each from the window that it sees;
peaks are then told by these alone. No bound on the rounding errors of a network is both sure and useful, so the
tolerance is measured on each scan: it is ``SAFETY`` times the largest deviation found at any place that was computed both
ways; while it is smaller, it is raised and more places are computed. Whoever calls falls back on the float32 volume where that
means too many places.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import torch

from LesionDetectionLib.core.progress import Progress

from ..device import full_precision, is_out_of_memory, out_of_memory
from ..folding import for_inference
from ..workers import Workers
from .network import ScreeningFCN, screening_mapping
from .peaks import peaks
from .preprocessing import PreparedScan
from .scores import ScoreVolume, searched

Places = npt.NDArray[np.intp]

SAFETY = 4.0
"""Largest deviation of any score over the largest seen where both were computed; at least."""
FIRST_GUESS = 1.5
"""A raised tolerance is this much above what is needed so far, so that it is seldom raised twice."""
PROBES = 64
"""So many places are computed both ways at least: the highest scores, whose deviations tend to be the largest."""
PLACES_A_WINDOW = 600
"""A float32 window costs about as much as this many scores of the float32 volume; with more windows, that is cheaper."""
BATCH, BATCH_GPU = 4, 64
"""Windows at once."""


class Confirmation:
    """A scan's rough scores and, place by place, its exact ones."""

    def __init__(self, prepared: PreparedScan, network: ScreeningFCN, device: torch.device, rough: ScoreVolume) -> None:
        self._prepared, self._device, self._rough = prepared, device, rough.logits
        self._mapping = screening_mapping(network)
        self._network = for_inference(network, device)
        self._wanted = searched(prepared, self._mapping.stride_zyx)
        self._exact = np.full(self._rough.shape, np.nan, dtype=np.float32)
        self._seen = np.zeros(self._rough.shape, dtype=bool)
        self._most = np.count_nonzero(np.isfinite(self._rough)) // PLACES_A_WINDOW + PROBES
        self.deviation, self.tolerance, self.windows = 0.0, 0.0, 0

    def peaks(self, threshold: float, progress: Progress) -> tuple[Places, npt.NDArray[np.float32]] | None:
        """Places [n, 3] and float32 logits [n] of the peaks that pass; None where it takes too many windows.

        Raises:
            DeviceError: the memory is full.
            Cancelled: when the user cancelled.
        """
        # What overflowed the format says nothing: such a scan is not for it.
        if not np.isfinite(self._rough[self._wanted]).all():
            return None
        best = self._best()
        for attempt in itertools.count():
            possible = peaks(self._rough, self._wanted, threshold, self.tolerance)
            if np.count_nonzero(possible) > self._most:
                return None
            self._compute(
                np.argwhere((possible | best) & ~self._seen), progress.part(1 - 0.5**attempt, 1 - 0.5 ** (attempt + 1))
            )
            if self.tolerance >= SAFETY * self.deviation:
                break
            self.tolerance = FIRST_GUESS * SAFETY * self.deviation
        # The neighbours of possible peaks are all known; of others nothing is asked.
        known = np.where(np.isnan(self._exact), np.float32(-np.inf), self._exact)
        found = np.argwhere(peaks(known, possible, threshold))
        return found, known[tuple(found.T)]

    def _best(self) -> npt.NDArray[np.bool_]:
        result = np.zeros(self._rough.shape, dtype=bool)
        places = np.flatnonzero(self._wanted)
        if len(places) > PROBES:
            places = places[np.argpartition(self._rough.ravel()[places], -PROBES)[-PROBES:]]
        result.ravel()[places] = True
        return result

    def _compute(self, places: Places, progress: Progress) -> None:
        """Exact scores of the places and their neighbours."""
        batch = BATCH_GPU if self._device.type == "cuda" else BATCH
        parts = [places[start : start + batch] for start in range(0, len(places), batch)]
        self.windows += len(places)
        with Workers(self._device, len(parts)) as workers:
            running = [workers.submit(self._windows, part) for part in parts]
            for index, (part, future) in enumerate(zip(parts, running, strict=True)):
                progress(index / len(parts), "Confirming candidates")
                try:
                    scores = future.result()
                except (RuntimeError, MemoryError) as error:
                    raise out_of_memory(self._device) if is_out_of_memory(error) else error from error
                for place, block in zip(part, scores, strict=True):
                    self._note(place, block)
        self._seen[tuple(places.T)] = True

    def _windows(self, places: Places) -> npt.NDArray[np.float32]:
        """[n, 3, 3, 3]: logits around each place, by the plain network."""
        mapping = self._mapping
        size = [window + 2 * stride for window, stride in zip(mapping.window_zyx, mapping.stride_zyx, strict=True)]
        voxels = np.empty((len(places), 1, *size), dtype=np.float32)
        for index, place in enumerate(places):
            start = [
                stride * (int(n) - 1) - math.floor(offset)
                for n, stride, offset in zip(place, mapping.stride_zyx, mapping.offset_zyx, strict=True)
            ]
            voxels[index, 0] = self._prepared.box((start[0], start[1], start[2]), (size[0], size[1], size[2]))
        with torch.inference_mode(), full_precision(self._device):
            logits = self._network(torch.from_numpy(voxels).to(self._device))
            scores: npt.NDArray[np.float32] = (logits[:, 1] - logits[:, 0]).cpu().numpy()
        return scores

    def _note(self, place: Places, block: npt.NDArray[np.float32]) -> None:
        inside, taken = [], []
        for n, length in zip(place, self._rough.shape, strict=True):
            low, high = max(int(n) - 1, 0), min(int(n) + 2, length)
            inside.append(slice(low, high))
            taken.append(slice(low - int(n) + 1, high - int(n) + 1))
        exact = block[tuple(taken)]
        self._exact[tuple(inside)] = exact
        self.deviation = max(self.deviation, float(np.abs(exact - self._rough[tuple(inside)]).max()))
