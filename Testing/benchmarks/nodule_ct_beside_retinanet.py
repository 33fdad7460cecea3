"""``nodule-ct`` beside MONAI's LUNA16 RetinaNet, both fitted on the same phantoms for the same seconds on one device.

    python Testing/benchmarks/nodule_ct_beside_retinanet.py --fit --test --bundle MODEL --seconds 150 --output FILE

``retinanet_peer.py`` makes, fits and asks the peer; the scoring is ours. ``docs/methods/nodule-ct-beside-retinanet.md`` has the
figures and what they say. On a CPU seconds are those of the processors; ``--peer`` names a peer that a CPU can fit.
``--smoke`` tries everything in about a minute on a CPU, with a network too small to find anything.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import choose_device, describe_device
from LesionDetectionLib.methods.nodule_ct.detector import create
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings, settings_for
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.froc import CPM_RATES, cpm, froc, match_scan, sensitivity_at
from LesionTrainingLib.evaluation.froc_bootstrap import bootstrap_froc
from LesionTrainingLib.learning.nodule_ct.scans import SCAN, TrainingScan, grid_settings, scan_from

sys.path.insert(0, str(Path(__file__).parent))
import retinanet_peer
from retinanet_peer import PEERS, Peer
from used import now, peak_gib, reset_peak

TRIES = 5
"""cuDNN's algorithms for each convolution."""


def own_marks(detector: Any, scan: TrainingScan, settings: NoduleSettings) -> tuple[np.ndarray, np.ndarray, dict]:
    """The same of ``nodule-ct``, which finds the lungs itself; and its seconds by stage."""
    found = detector.detect({CT: image_of(scan)}, settings, Progress())
    centers = np.array([lesion.center_ras_mm for lesion in found.lesions], dtype=np.float64).reshape(-1, 3)
    scores = np.array([lesion.score for lesion in found.lesions], dtype=np.float64)
    return centers, scores, found.provenance["seconds"]


def image_of(scan: TrainingScan) -> Image:
    return Image(scan.hu, scan.geometry.ijk_to_ras, CT, HU, scan.name)


def in_search_region(scan: TrainingScan, centers_ras_mm: np.ndarray) -> np.ndarray:
    """[M] bool: which places ``nodule-ct`` would have looked at."""
    zyx = np.round(scan.geometry.ijk_from_ras(centers_ras_mm)).astype(int)[:, ::-1]
    return scan.search[tuple(np.clip(zyx, 0, np.array(scan.hu.shape) - 1).T)]


def measured(marks_of: Any, scans: list[TrainingScan], device: torch.device) -> tuple[list, dict]:
    """Marks of every scan; median seconds a scan from voxels in memory to marks, and the peak of the device's memory."""
    marks_of(scans[0])  # not counted: the first call loads kernels and lets cuDNN try its algorithms
    reset_peak(device)
    marks, seconds = [], []
    for scan in scans:
        begin = now(device)
        marks.append(marks_of(scan))
        seconds.append(now(device) - begin)
    peak = peak_gib(device)
    return marks, {
        "seconds_per_scan": round(float(np.median(seconds)), 3),
        "peak_gib": None if peak is None else round(peak, 2),
    }


def scored(scans: list[TrainingScan], marks: list) -> dict[str, Any]:
    """By the rules of LUNA16; the interval is that of 1000 bootstraps over scans."""
    matches = [match_scan(*m, s.nodules_ras_mm, s.diameters_mm) for s, m in zip(scans, marks, strict=True)]
    curve, spread = froc(matches), bootstrap_froc(matches, CPM_RATES, len(CPM_RATES)).mean_sensitivity
    return {
        "cpm": round(cpm(curve), 4),
        "cpm_95": [round(float(spread.lower), 4), round(float(spread.upper), 4)],
        "sensitivity": {f"{rate:g}": round(sensitivity_at(curve, rate), 4) for rate in CPM_RATES},
        "most_sensitivity": round(float(curve.sensitivity[-1]), 4),
        "most_false_per_scan": round(float(curve.false_positives_per_scan[-1]), 2),
    }


def own_row(scans: list[TrainingScan], path: Path, device: torch.device) -> dict[str, Any]:
    """``nodule-ct``, with all marks that its candidate threshold lets through."""
    bundle = Bundle.open(path)
    detector, settings = create(bundle, str(device)), replace(settings_for(bundle), measure=False, operating_point="0")
    marks, cost = measured(lambda scan: own_marks(detector, scan, settings), scans, device)
    stages = {name: round(float(np.median([m[2][name] for m in marks])), 3) for name in marks[0][2]}
    parameters = sum(value.size for value in bundle.weights().values())
    about = {"parameters": parameters, "stages_s": stages, "model": bundle.manifest.name}
    return {**scored(scans, [m[:2] for m in marks]), **cost, **about}


def peer_rows(
    scans: list[TrainingScan], peer: Peer, options: argparse.Namespace, device: torch.device
) -> dict[str, Any]:
    """RetinaNet with all its marks, and with those only where ``nodule-ct`` looks."""
    detector = retinanet_peer.load(peer, options.weights, device)
    marks, cost = measured(lambda scan: retinanet_peer.peer_marks(detector, scan, peer, device), scans, device)
    cost["parameters"] = sum(value.numel() for value in detector.network.parameters())
    with ThreadPoolExecutor(min(8, options.workers)) as threads:
        inside = list(threads.map(in_search_region, scans, [centers for centers, _ in marks]))
    kept = [(centers[which], scores[which]) for (centers, scores), which in zip(marks, inside, strict=True)]
    name = f"RetinaNet (MONAI, {options.peer})"
    return {
        name: {**scored(scans, marks), **cost},
        f"{name}, marks in the lungs' region only": {**scored(scans, kept), **cost},
    }


def test(scans: list[TrainingScan], peer: Peer, options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """The rows of the table. Voxels are read into memory first."""
    scans = [replace(scan, hu=np.array(scan.hu)) for scan in scans]
    rows = {"nodule-ct": own_row(scans, options.bundle, device)} if options.bundle else {}
    if options.weights.exists():
        rows |= peer_rows(scans, peer, options, device)
    return {"testing": options.testing, "scans": len(scans), "nodules": sum(len(s.diameters_mm) for s in scans), **rows}


def as_table(rows: dict[str, Any]) -> str:
    rates = " | ".join(f"{rate:g}" for rate in CPM_RATES)
    lines = [f"| | CPM (95 %) | {rates} | s a scan | memory, GiB | parameters, M |", "|" + " --- |" * 12]
    for name, row in ((name, row) for name, row in rows.items() if isinstance(row, dict)):
        low, high = row["cpm_95"]
        found = " | ".join(f"{value:.3f}" for value in row["sensitivity"].values())
        memory = "-" if row["peak_gib"] is None else f"{row['peak_gib']:.2f}"
        cost = f"{row['seconds_per_scan']:.2f} | {memory} | {row['parameters'] / 1e6:.2f}"
        lines.append(f"| {name} | {row['cpm']:.3f} ({low:.3f} to {high:.3f}) | {found} | {cost} |")
    return "\n".join(lines)


def prepared(spec: str, options: argparse.Namespace) -> list[TrainingScan]:
    """The cohort's scans on the working grid of ``nodule-ct``, from the cache that its training uses too."""
    cases, begin = open_cohort(spec).cases, time.perf_counter()
    cache = Cache(options.cache, round(options.cache_gb * 1e9))
    found, left_out = cache.prepare_all(cases, grid_settings(NoduleSettings()), SCAN, options.workers)
    print(f"{spec}: {len(found)} scans in {time.perf_counter() - begin:.1f} s, {len(left_out)} left out", flush=True)
    return [scan_from(entry) for _, entry in found]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--prepare", action="store_true", help="fill the cache, and no more unless the others are named"
    )
    parser.add_argument("--fit", action="store_true", help="fit MONAI's network and write --weights")
    parser.add_argument("--test", action="store_true", help="detect with --weights, --bundle or both, and score")
    parser.add_argument("--training", default="phantoms:chest?seeds=0-199&protocol=mixed", help="cohort to fit on")
    parser.add_argument("--testing", default="phantoms:chest?seeds=9000-9039", help="cohort to test on")
    parser.add_argument("--bundle", type=Path, help="the nodule-ct model to set beside it")
    parser.add_argument("--seconds", type=float, default=150.0, help="of fitting")
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--weights", type=Path, default=Path("retinanet.safetensors"))
    parser.add_argument(
        "--output", type=Path, help="JSON of all figures; what an earlier run wrote of other parts stays"
    )
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="folder of prepared scans")
    parser.add_argument("--cache-gb", type=float, default=50.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that prepare scans")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--peer", choices=[*PEERS], default="as-set", help="which form of MONAI's network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="a tiny network, tiny phantoms and few seconds")
    options = parser.parse_args()
    if options.smoke:
        options.peer = "smoke"
        options.training, options.testing = (f"phantoms:chest?seeds={n}&protocol=tiny" for n in ("0-1", "2-3"))
        options.seconds = min(options.seconds, 8.0)
    if not (options.prepare or options.fit or options.test):
        options.fit = options.test = True
    return options


def main() -> None:
    options = parse()
    if options.fit or options.test:
        retinanet_peer.require_monai()
    peer, device = PEERS[options.peer], choose_device(options.device)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, TRIES
    torch.manual_seed(options.seed)
    figures = json.loads(options.output.read_text()) if options.output and options.output.exists() else {}
    training = prepared(options.training, options) if options.prepare or options.fit else []
    testing = prepared(options.testing, options) if options.prepare or options.test else []
    versions = {"torch": torch.__version__, "device": describe_device(device), "peer": options.peer}
    if options.fit:
        detector, begin = retinanet_peer.make_detector(peer, device), time.perf_counter()
        with ThreadPoolExecutor(min(8, options.workers)) as threads:
            volumes = list(threads.map(lambda scan: retinanet_peer.on_device(scan, device), training))
        print(f"scans in the device's memory after {time.perf_counter() - begin:.1f} s", flush=True)
        how = {"seconds": options.seconds, "learning_rate": options.learning_rate, "seed": options.seed}
        fitted = retinanet_peer.fit(detector, volumes, peer, device, **how)
        retinanet_peer.save(detector, options.weights)
        figures["fit"] = {"training": options.training, "scans": len(volumes), **fitted, **versions}
        print(json.dumps(figures["fit"], indent=1), flush=True)
        del detector, volumes
    if options.test:
        figures["test"] = {**test(testing, peer, options, device), **versions}
        print(as_table(figures["test"]))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
