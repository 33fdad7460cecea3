"""``make demo``: the main job on a scan, from nothing to a report.

Without a scan it makes a chest phantom that the demonstration model has not seen, finds its nodules, and says how that
compares with the truth.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

from LesionDetectionLib.app import command_line
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.lesion import Lesion, Point

PHANTOM_SEED = 424242
"""Far from the seeds of training (0 ...), validation and test."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--scan", default="", help="a chest CT; empty for a phantom")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    start = time.monotonic()
    scan, truth = (Path(options.scan), None) if options.scan else _phantom(options.output)
    print(f"Looking for lung nodules in {scan} ...")
    results = options.output / "results"
    code = command_line.main(["detect", str(scan), "--method", "nodule-ct", "--output", str(results), "--overwrite"])
    if code:
        return code
    if truth is not None:
        _compare(Detections.load(results / "detections.json"), Detections.load(truth))
    print(f"Done in {time.monotonic() - start:.0f} s. Open {results / 'report.html'}")
    return 0


def _phantom(output: Path) -> tuple[Path, Path]:
    """Make the phantom (once) and return the paths of the scan and of its truth."""
    folder = output / "phantom"
    if not folder.exists():
        print("Making a chest phantom ...")
        code = command_line.main(["phantom", "chest", "--seed", str(PHANTOM_SEED), "--output", str(folder)])
        if code:
            raise SystemExit(code)
    (truth,) = folder.glob("*.truth.json")
    return truth.with_name(truth.name.replace(".truth.json", ".nrrd")), truth


def _compare(found: Detections, truth: Detections) -> None:
    """Print each true nodule with the mark on it. A mark hits when it is nearer to the centre than the radius."""
    hits = {id(mark) for nodule in truth.lesions for mark in found.lesions if _hit(mark.center_ras_mm, nodule)}
    print(f"The phantom has {len(truth.lesions)} nodules:")
    for nodule in sorted(truth.lesions, key=lambda lesion: -lesion.diameter_mm):
        marks = [(rank, mark) for rank, mark in enumerate(found.lesions, 1) if _hit(mark.center_ras_mm, nodule)]
        told = f"found, rank {marks[0][0]}, {marks[0][1].diameter_mm:.1f} mm" if marks else "missed"
        print(f"  {nodule.diameter_mm:5.1f} mm  {nodule.note or nodule.meaning.meaning}: {told}")
    print(f"Marks on no nodule: {len(found.lesions) - len(hits)}")


def _hit(mark_ras_mm: Point, nodule: Lesion) -> bool:
    return math.dist(mark_ras_mm, nodule.center_ras_mm) < nodule.diameter_mm / 2


if __name__ == "__main__":
    sys.exit(main())
