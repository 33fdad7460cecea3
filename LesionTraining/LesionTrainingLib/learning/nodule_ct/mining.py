"""Running the screening network on training scans, to see where it is wrong and where it puts its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.preprocessing import prepare
from LesionDetectionLib.methods.nodule_ct.screening import Candidates, screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ..engine.task import Peers
from ..recipe import Run
from .positions import Places, is_clear
from .scans import TrainingScan
from .settings import RecipeSettings

_KINDS = ("negatives", "proposals")


@dataclass(frozen=True, eq=False)
class Mined:
    """Candidates on the training scans.

    Attributes:
        negatives: far from every nodule: hard negatives.
        proposals: within the radius of a nodule, with that nodule's index.
    """

    negatives: Places
    proposals: Places


def scan_candidates(
    scan: TrainingScan, network: ScreeningFCN, settings: NoduleSettings, device: torch.device
) -> Candidates:
    """The candidates of one training scan, by the very code that detects."""
    return screen(prepare(scan.image, settings), network, settings, device)


@dataclass(frozen=True, eq=False)
class MiningPlace:
    """Where mining is done: the training scans, the settings, and the run in whose folder processes share what they found."""

    scans: Sequence[TrainingScan]
    nodule: NoduleSettings
    settings: RecipeSettings
    run: Run

    def mine_some(self, network: ScreeningFCN, peers: Peers, progress: Progress) -> Mined:
        """Mine on ``settings.mining_scans`` of the scans, evenly spread."""
        every = max(1, len(self.scans) // self.settings.mining_scans)
        return mine_together(self, range(0, len(self.scans), every), network, peers, progress)


def mine_together(
    place: MiningPlace, which: Sequence[int], network: ScreeningFCN, peers: Peers, progress: Progress
) -> Mined:
    """Each process mines its share of the scans ``which``; all get what all found, in the order of the scans.

    Raises:
        Cancelled: see ``progress``.
    """
    own = mine(place, peers.share.of(which), network, progress)
    if peers.world == 1:
        return own
    folder = place.run.folder / "mined"
    folder.mkdir(exist_ok=True)
    for kind in _KINDS:
        np.savez(folder / f"{kind}-{peers.rank}.npz", **vars(getattr(own, kind)))
    peers.any(False)  # all have written
    joined = {kind: _in_order([_read(folder / f"{kind}-{rank}.npz") for rank in range(peers.world)]) for kind in _KINDS}
    peers.any(False)  # all have read
    return Mined(**joined)


def mine(place: MiningPlace, which: Sequence[int], network: ScreeningFCN, progress: Progress) -> Mined:
    """Candidates of the scans ``which``, the most probable of each, sorted into hard negatives and proposals.

    Raises:
        Cancelled: see ``progress``.
    """
    settings = place.settings
    eager = replace(
        place.nodule, candidate_threshold=settings.mining_threshold, most_candidates=settings.mined_per_scan
    )
    negatives, proposals = [], []
    for done, index in enumerate(which):
        progress(done / len(which), "Mining")
        scan = place.scans[index]
        candidates = scan_candidates(scan, network, eager, place.run.device)
        zyx = scan.geometry.ijk_from_ras(candidates.ras_mm)[:, ::-1]
        negatives.append((index, zyx[is_clear(zyx, scan, settings.sampling)], None))
        if len(scan.diameters_mm):
            away = np.linalg.norm((zyx[:, None] - scan.nodules_zyx) * scan.spacing_zyx, axis=2)
            nearest = away.argmin(axis=1)
            inside = away[np.arange(len(zyx)), nearest] < scan.diameters_mm[nearest] / 2
            proposals.append((index, zyx[inside], nearest[inside]))
    return Mined(Places.join(negatives), Places.join(proposals))


def _read(path: Path) -> Places:
    with np.load(path, allow_pickle=False) as stored:
        return Places(stored["scans"], stored["zyx"], stored["nodules"])


def _in_order(parts: Sequence[Places]) -> Places:
    scans = np.concatenate([part.scans for part in parts])
    order = np.argsort(scans, kind="stable")
    zyx, nodules = (np.concatenate([getattr(part, name) for part in parts]) for name in ("zyx", "nodules"))
    return Places(scans[order], zyx[order], nodules[order])
