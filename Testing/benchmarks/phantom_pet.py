"""Seconds and peak memory of PET phantoms, on one thread: ``python Testing/benchmarks/phantom_pet.py [protocol ...] [count]``."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

import cv2  # noqa: E402
from LesionTrainingLib.cohorts.phantoms import pet  # noqa: E402


def main(*arguments: str) -> None:
    cv2.setNumThreads(1)
    count = next((int(text) for text in arguments if text.isdigit()), 4)
    pet.make_pet(0, pet.TINY)  # what is loaded with the first one
    for protocol in [text for text in arguments if not text.isdigit()] or ["tiny", "default", "mixed"]:
        for seed in range(count):
            wall, cpu = time.perf_counter(), time.process_time()
            case = pet.make_pet(seed, pet.PRESETS[protocol])
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{protocol} seed {seed}: {case.label}, {case.image.shape_kji} voxels, {len(case.lesions)} tumours, "
                f"{wall:.2f} s ({cpu:.2f} s of processor), peak so far {peak:.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
