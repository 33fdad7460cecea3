"""Seconds and peak memory of chest phantoms: ``python Testing/benchmarks/phantom_chest.py [preset] [count]``."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

from LesionTrainingLib.cohorts.phantoms import chest  # noqa: E402


def main(preset: str = "default", count: str = "3") -> None:
    for seed in range(int(count)):
        wall, cpu = time.perf_counter(), time.process_time()
        case = chest.make_chest(seed, chest.PRESETS[preset])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{preset} seed {seed}: {case.image.shape_kji} voxels, {len(case.lesions)} nodules, "
            f"{wall:.1f} s ({cpu:.1f} s of processor), peak {peak:.0f} MiB"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
