"""All work of one fold, step by step; each step keeps its result in the fold's folder and is not done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.high_uptake_ct.dense import DenseSimilarity
from LesionDetectionLib.methods.high_uptake_ct.network import PatchNetwork
from LesionDetectionLib.methods.intensities import scaled

from ...evaluation.blob_detection import JudgedSlice
from ...learning.high_uptake_ct.recipe import fit_network
from ...learning.high_uptake_ct.settings import SliceSettings
from ...learning.high_uptake_ct.slices import TrainingSlices, prepared_slices
from ...learning.high_uptake_ct.thresholds import Thresholds, equal_precision_recall, score_slice
from ...learning.recipe import Run
from ..contract import Job
from ..folds import Fold, fold_folder, held_fold
from ..kept import keep_json, kept_json, network_digest
from ..units import fitted_once, run_of
from .filters import LayerState, layer_states
from .kept_slices import Picture, SliceStore
from .measured import FoldSlices
from .settings import ReproductionSettings

NETWORK, FILTERS = "network.safetensors", "filters.json"
TRAINING, TEST, WITHOUT = "training", "test", "without"
"""What lies in a fold's folder: files, and folders of judged slices beside that of the fit."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one fold gives.

    Attributes:
        fold: its cases.
        slices: judged, with the thresholds.
        thresholds: and what each alone comes to on the training slices.
        record: how the fit went.
        filters: layer -> the state of its filters, over the test slices.
        network: in evaluation mode, on the job's device.
        store: of the test slices, with their pixels.
    """

    fold: Fold
    slices: FoldSlices
    thresholds: Thresholds
    record: dict[str, Any]
    filters: dict[str, LayerState]
    network: PatchNetwork
    store: SliceStore


class FoldWork:
    """One fold of a job.

    Args:
        without: ids of the scans without active lesions that its network is to look at.
    """

    def __init__(self, job: Job, fold: Fold, without: Sequence[str]) -> None:
        self._job, self._fold, self._without = job, fold, tuple(without)
        self._settings: ReproductionSettings = job.settings
        self._recipe = self._settings.recipe
        self._folder = fold_folder(job.folder, fold.number)
        self._cases = {case.id: case for case in job.cohort.cases}

    def do(self, progress: Progress) -> FoldResult:
        """Fit the network, find its thresholds, and let it look at the test slices and at scans without active lesions, where
        that is not done yet.

        Raises:
            UsageError: another process works on this fold.
            InputError: no training slice shows an active lesion.
            OutputError, DeviceError: the disk is full, or the device's memory too small.
            Cancelled: see ``progress``.
        """
        with held_fold(self._job.folder, self._fold.number):
            network, record = self._network(progress.part(0, 0.6))
            key = network_digest(network)
            stores = {name: SliceStore(self._folder / name, key) for name in (TRAINING, TEST, WITHOUT)}
            dense = DenseSimilarity(network, self._job.device)  # what it makes of the weights serves all slices
            self._look(dense, self._fold.training, stores[TRAINING], progress.part(0.6, 0.7))
            self._look(dense, self._fold.test, stores[TEST], progress.part(0.7, 0.75), pictures=True)
            self._look(dense, self._without, stores[WITHOUT], progress.part(0.75, 0.99))
            training = _of(stores[TRAINING], self._fold.training)
            thresholds = equal_precision_recall(training)
            slices = FoldSlices(
                self._fold.number,
                thresholds.least_response,
                thresholds.least_area_px,
                training,
                _of(stores[TEST], self._fold.test),
                _of(stores[WITHOUT], self._without),
            )
            filters = self._filters(network, key, stores[TEST])
            return FoldResult(self._fold, slices, thresholds, record, filters, network, stores[TEST])

    @cached_property
    def _run(self) -> Run:
        return run_of(self._job, self._folder)

    def _network(self, progress: Progress) -> tuple[PatchNetwork, dict[str, Any]]:
        network, path = PatchNetwork(self._recipe.architecture), self._folder / NETWORK
        record = fitted_once(path, network, lambda: self._fit(progress))
        return network.to(self._job.device), record

    def _fit(self, progress: Progress) -> tuple[PatchNetwork, dict[str, Any]]:
        """Fit the network, or go on with its fit; with the record of it."""
        selection = self._recipe.selection
        training = self._prepared(self._fold.training, selection, progress.part(0, 0.1))
        validation = self._prepared(self._fold.validation, selection, progress.part(0.1, 0.15)) or training
        found = fit_network(self._run, training, validation, self._recipe, progress.part(0.15, 1))
        return found.network, {
            **found.fitted.record(),
            "lesion_pixels": found.lesion_pixels,
            "background_pixels": found.background_pixels,
            "share_of_lesions_at_the_end": found.share_of_lesions,
        }

    def _look(
        self,
        dense: DenseSimilarity,
        ids: Sequence[str],
        store: SliceStore,
        progress: Progress,
        *,
        pictures: bool = False,
    ) -> None:
        """Judge the slices of the cases that the network has not looked at, and keep them; the first one's pixels, too."""
        waiting = [case for case in ids if store.get(case) is None or (pictures and store.get_picture(case) is None)]
        if not waiting:
            return
        cases = self._prepared(waiting, self._settings.measured_slices, progress.part(0, 0.2))
        every, done = sum(map(len, cases)), 0
        for one in cases:
            judged = list[JudgedSlice]()
            for n in range(len(one)):
                progress(0.2 + 0.8 * done / every, f"Lesion similarity of slice {done + 1} of {every}")
                scored = score_slice(dense, one, n, self._recipe.method())
                if pictures and not n:
                    height, width = one.geometry.spacing_mm[1], one.geometry.spacing_mm[0]
                    store.put_picture(Picture(scored, one.stack(n), (height, width)))
                judged.append(scored.judged())
                done += 1
            store.put(one.name, judged)

    def _filters(self, network: PatchNetwork, key: str, store: SliceStore) -> dict[str, LayerState]:
        path = self._folder / FILTERS
        kept = kept_json(path)
        if kept is None or kept.get("key") != key:
            pictures = (store.get_picture(case) for case in self._fold.test)
            window = self._recipe.method().unit_window_hu
            stacks = (scaled(one.hu, window) for one in pictures if one is not None)
            found = layer_states(network, stacks, self._job.device)
            kept = {"key": key, **{layer: vars(state) for layer, state in found.items()}}
            keep_json(path, kept)
        return {
            layer: LayerState(tuple(state["deviations"]), tuple(state["greatest"]))
            for layer, state in kept.items()
            if layer != "key"
        }

    def _prepared(self, ids: Sequence[str], selection: SliceSettings, progress: Progress) -> list[TrainingSlices]:
        cases = [self._cases[case] for case in ids]
        return prepared_slices(cases, self._run, self._recipe.method(), selection, progress)


def _of(store: SliceStore, ids: Sequence[str]) -> tuple[JudgedSlice, ...]:
    """All slices of these cases; none of a case that could not be looked at."""
    return tuple(one for case in ids for one in store.get(case) or ())
