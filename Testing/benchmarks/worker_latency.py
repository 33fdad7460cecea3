"""What the worker process adds to the work: ``python Testing/benchmarks/worker_latency.py [--detect] [--repeat N]``.

Prints, for a computer-made chest of 512 x 512 x 300 voxels (int16, 157 MB): what a cold start costs, what writing the image
costs (once an image), and the time from a click to its mask with a warm worker, split into parts; with ``--detect`` also
detection in a region of 60 mm and in the whole scan, with the demonstration model. Medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.app.worker.images import read_image, write_image
from LesionDetectionLib.app.worker.pipes import PipedWorker
from LesionDetectionLib.app.worker.requests import DetectRequest, DevicesRequest, MeasureRequest, WarmRequest
from LesionDetectionLib.core.image import CT, HU, Image

SHAPE, SPACING = (300, 512, 512), (0.7, 0.7, 1.0)
NODULE_RAS_MM, NODULE_MM = (-70.0, 10.0, 20.0), 14.0
HALF_REGION_MM = 30.0


def a_chest() -> Image:
    """A body with two lungs, a nodule, vessels as rods, and noise. It moves nothing to be realistic."""
    matrix = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])
    matrix[:3, 3] = -np.diag(matrix)[:3] * (np.array(SHAPE[::-1]) - 1) / 2
    random = np.random.default_rng(0)
    voxels = np.empty(SHAPE, np.int16)
    j, i = np.indices(SHAPE[1:])
    r, a = matrix[0, 0] * i + matrix[0, 3], matrix[1, 1] * j + matrix[1, 3]
    vessels = random.uniform(-1, 1, (60, 2)) * (45, 70)
    noise = random.normal(0, 25, SHAPE[1:]).astype(np.float32)
    for k in range(SHAPE[0]):
        s = matrix[2, 2] * k + matrix[2, 3]
        plane = np.where((r / 165) ** 2 + (a / 115) ** 2 < 1, 40.0, -1000.0)
        for side in (-1, 1):
            lung = ((r - 72 * side) / 62) ** 2 + (a / 88) ** 2 + (s / 130) ** 2 < 1
            plane[lung] = -850
            for vr, va in vessels:
                near = lung & ((r - 72 * side - vr) ** 2 + (a - va - 0.1 * s) ** 2 < 4)
                plane[near] = 20
        centre = NODULE_RAS_MM
        plane[(r - centre[0]) ** 2 + (a - centre[1]) ** 2 + (s - centre[2]) ** 2 < (NODULE_MM / 2) ** 2] = 40
        voxels[k] = np.round(plane + np.roll(noise, (k * 37, k * 91), (0, 1)))
    return Image(voxels, matrix, CT, HU, "chest")


class Clock:
    """Prints medians under a name."""

    def __init__(self, repeat: int) -> None:
        self._repeat = repeat

    def __call__(self, name, work, repeat=None):
        seconds = []
        for _ in range(repeat or self._repeat):
            begun = time.perf_counter()
            result = work()
            seconds.append(time.perf_counter() - begun)
        told = f"{1000 * statistics.median(seconds):9.1f} ms" + (
            f"  ({min(seconds) * 1000:.1f} to {max(seconds) * 1000:.1f})" if len(seconds) > 1 else ""
        )
        print(f"  {name:<58}{told}", flush=True)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detect", action="store_true")
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    clock, image, click = Clock(options.repeat), a_chest(), MeasureRequest(CT, NODULE_RAS_MM)
    with PipedWorker() as worker, tempfile.TemporaryDirectory() as folder:

        def done(request, images=None):
            job = worker.wait(worker.submit(request, images or {}))
            if job.error is not None:
                raise job.error
            return job.result

        print("Cold start")
        clock("process until torch answers (devices)", lambda: done(DevicesRequest()), 1)
        clock("warm: click to measure and the demonstration model", lambda: done(WarmRequest("nodule-ct")), 1)
        print(f"Image of {image.voxels.nbytes / 1e6:.0f} MB")
        names = iter(range(1000))
        clock("write it (once an image)", lambda: write_image(Path(folder) / str(next(names)), image))
        clock("map it into the child", lambda: read_image(Path(folder) / "0"))
        print("Click to mask, warm worker")
        clock(
            "first click in an image: writing, measuring, result",
            lambda: done(click, {CT: Image(image.voxels, image.ijk_to_ras, CT, HU)}),
        )
        lesion = clock("every further click", lambda: done(click, {CT: image}), options.repeat + 1)
        here = InProcess()
        clock("  of this: measuring, as in this process", lambda: here.submit(click, {CT: image}).result)
        clock("  of this: there and back, without work", lambda: done(WarmRequest()))
        clock(
            "  of this: the result as JSON and back",
            lambda: click.result_from_json(json.loads(json.dumps(click.result_to_json(lesion)))),
        )
        print(f"  mask of {lesion.mask.count} voxels, {lesion.diameter_mm:.1f} mm; the nodule has {NODULE_MM:g} mm")
        if options.detect:
            print("Detection with the demonstration model, warm worker")
            corners = tuple(tuple(n + sign * HALF_REGION_MM for n in NODULE_RAS_MM) for sign in (-1, 1))
            clock(
                "in a region of 60 mm", lambda: done(DetectRequest("nodule-ct", region_ras_mm=corners), {CT: image}), 3
            )
            found = clock("in the whole scan", lambda: done(DetectRequest("nodule-ct"), {CT: image}), 1)
            print(f"  {found.provenance['candidates']} candidates; seconds {found.provenance['seconds']}")


if __name__ == "__main__":
    main()
