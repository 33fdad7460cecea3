"""Seconds and peak memory of PET/CT phantoms: ``python Testing/benchmarks/phantom_petct.py [protocol ...] [count]``."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

from LesionTrainingLib.cohorts.phantoms import petct  # noqa: E402


def main(*arguments: str) -> None:
    count = next((int(text) for text in arguments if text.isdigit()), 3)
    for protocol in [text for text in arguments if not text.isdigit()] or ["tiny", "chest", "fast", "default"]:
        for seed in range(count):
            wall, cpu = time.perf_counter(), time.process_time()
            case = petct.make_petct(seed, petct.PRESETS[protocol])
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{protocol} seed {seed}: CT {case.image.shape_kji}, PET {case.others['PT'].shape_kji} voxels, "
                f"{len(case.lesions)} active and {len(case.inactive)} inactive lesions, "
                f"{wall:.1f} s ({cpu:.1f} s of processor), peak so far {peak:.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
