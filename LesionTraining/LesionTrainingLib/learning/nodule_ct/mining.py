"""Running the screening network on training scans, to see where it is wrong and where it puts its candidates."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.screening import screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ..engine.task import Peers
from ..recipe import Run
from .positions import Places, is_clear
from .scans import TrainingScan, prepared_for
from .settings import RecipeSettings

_KINDS = ("negatives", "proposals")
_PLACES = ("scans", "zyx", "nodules")


@dataclass(frozen=True, eq=False)
class Mined:
    """Candidates on the training scans.

    Attributes:
        negatives: far from every nodule: hard negatives.
        proposals: within the radius of a nodule, with that nodule's index.
    """

    negatives: Places
    proposals: Places


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

    What was found is kept in the run's folder by the network's weights: a resumed run does not mine again.

    Raises:
        OutputError: it cannot be kept.
        Cancelled: see ``progress``.
    """
    name = _digest(network, which)
    paths = [place.run.folder / "mined" / f"{name}-{rank}-of-{peers.world}.npz" for rank in range(peers.world)]
    own = paths[peers.rank]
    if _read(own) is None:
        _write(own, mine(place, peers.share.of(which), network, progress))
    peers.any(False)  # all have written
    parts = [part for path in paths if (part := _read(path)) is not None]
    return Mined(*(_in_order([getattr(part, kind) for part in parts]) for kind in _KINDS))


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
    scans = prepared_for([place.scans[index] for index in which], eager.window_hu, place.run.device)
    for done, (index, (scan, prepared)) in enumerate(zip(which, scans, strict=True)):
        progress(done / len(which), "Mining")
        candidates = screen(prepared, network, eager, place.run.device)
        zyx = scan.geometry.ijk_from_ras(candidates.ras_mm)[:, ::-1]
        negatives.append((index, zyx[is_clear(zyx, scan, settings.sampling)], None))
        if len(scan.diameters_mm):
            away = np.linalg.norm((zyx[:, None] - scan.nodules_zyx) * scan.spacing_zyx, axis=2)
            nearest = away.argmin(axis=1)
            inside = away[np.arange(len(zyx)), nearest] < scan.sizes_mm[nearest] / 2
            proposals.append((index, zyx[inside], nearest[inside]))
    return Mined(Places.join(negatives), Places.join(proposals))


def _digest(network: ScreeningFCN, which: Sequence[int]) -> str:
    """Sixteen letters that tell weights and scans apart."""
    digest = hashlib.sha256(repr(list(which)).encode())
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _write(path: Path, mined: Mined) -> None:
    arrays = {f"{kind}_{name}": array for kind in _KINDS for name, array in vars(getattr(mined, kind)).items()}
    with atomic_file(path) as temporary:
        np.savez(temporary, **arrays)


def _read(path: Path) -> Mined | None:
    """What :func:`_write` wrote; None where it is not there or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Mined(*(Places(*(stored[f"{kind}_{name}"] for name in _PLACES)) for kind in _KINDS))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _in_order(parts: Sequence[Places]) -> Places:
    scans = np.concatenate([part.scans for part in parts])
    order = np.argsort(scans, kind="stable")
    zyx, nodules = (np.concatenate([getattr(part, name) for part in parts]) for name in ("zyx", "nodules"))
    return Places(scans[order], zyx[order], nodules[order])
