"""Seconds and peak memory of body phantoms: ``python Testing/benchmarks/phantom_body.py [protocol ...] [count]``.

Each is made by one thread of one process; the means leave out the first, which loads modules.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

import cv2  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.body import make_body  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.body_protocols import PROTOCOL_NAMES, protocol  # noqa: E402


def main(*arguments: str) -> None:
    cv2.setNumThreads(1)
    count = max(1, next((int(text) for text in arguments if text.isdigit()), 5))
    names = [text for text in arguments if not text.isdigit()] or ["tiny", "slab", "liver"]
    if unknown := set(names) - set(PROTOCOL_NAMES):
        sys.exit(f"There is no protocol {', '.join(unknown)}: choose of {', '.join(PROTOCOL_NAMES)}.")
    for name in names:
        walls, cpus = [], []
        for seed in range(count + 1):
            wall, cpu = time.perf_counter(), time.process_time()
            case = make_body(seed, protocol(name, seed))
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
            print(
                f"{name} seed {seed}: {case.image.shape_kji} voxels of {case.image.geometry.spacing_mm[2]:g} mm, "
                f"{', '.join(case.kinds) or 'no lesion'}: {walls[-1]:.2f} s ({cpus[-1]:.2f} s of processor)",
                flush=True,
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name}: {sum(walls[1:]) / count:.2f} s each ({sum(cpus[1:]) / count:.2f} s of processor), "
            f"peak so far {peak:.0f} MiB"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
