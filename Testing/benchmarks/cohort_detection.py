"""What a cohort's detection over Dask costs and gains, against a plain loop over the same cases in one process.

    python Testing/benchmarks/cohort_detection.py [CASES]

Every way writes the same files, with one thread a process; starting the workers and loading the model in each of them is
part of their time. Prints wall times, which other programs on the machine disturb, and processor times, and their ratios to
the loop's.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

from LesionDetectionLib.core.bundle import Bundle  # noqa: E402
from LesionDetectionLib.core.detector import method  # noqa: E402
from LesionDetectionLib.core.resources import demonstration_model  # noqa: E402
from LesionTrainingLib.cohorts.cohort import Cohort  # noqa: E402
from LesionTrainingLib.cohorts.spec import open_cohort  # noqa: E402
from LesionTrainingLib.inference.cluster import Where  # noqa: E402
from LesionTrainingLib.inference.cohort_run import detect_cohort, make_job  # noqa: E402
from LesionTrainingLib.inference.one_case import detect_case  # noqa: E402


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    cohort = open_cohort(f"phantoms:chest?seeds=0-{count - 1}&protocol=tiny")
    with tempfile.TemporaryDirectory() as folder:
        loop, cpu = timed(lambda: plain_loop(cohort, Path(folder) / "loop"))
        print(
            f"{count} tiny chest phantoms, made and detected in; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        print(f"plain loop: {loop:.1f} s, {loop / count:.2f} s a case; {cpu:.1f} s of processor")
        for workers in (1, 2):
            output = Path(folder) / f"workers-{workers}"
            wall, used = timed(lambda w=workers, o=output: over_dask(cohort, w, o))
            print(
                f"{workers} worker(s): {wall:.1f} s, ratio {wall / loop:.2f}; {used:.1f} s of processor, ratio {used / cpu:.2f}"
            )
            assert marks(output, cohort) == marks(Path(folder) / "loop", cohort)
        again, _ = timed(lambda: over_dask(cohort, 2, output))
        print(f"the same again, with nothing left to do: {again:.2f} s, {1000 * again / count:.0f} ms a case")


def plain_loop(cohort: Cohort, output: Path) -> None:
    job, bundle = a_job(output)
    detector = job.info.create(bundle, "cpu")
    for case in cohort.cases:
        detect_case(job, case, detector)


def over_dask(cohort: Cohort, workers: int, output: Path) -> None:
    job, bundle = a_job(output)
    detect_cohort(cohort, job, bundle, Where(workers=workers, device="cpu"))


def a_job(output: Path):
    model = demonstration_model(method("nodule-ct").demonstration_model)
    job, bundle = make_job(method("nodule-ct"), model, "", output, device="cpu")
    assert isinstance(bundle, Bundle)
    return job, bundle


def marks(output: Path, cohort: Cohort) -> list[str]:
    """The tables of lesions: each way must find the same."""
    return [(output / case.id / "lesions.csv").read_text() for case in cohort.cases]


def timed(work) -> tuple[float, float]:
    """Seconds on the wall, and of processor in this process and those that it has started and ended."""
    wall, used = time.perf_counter(), processor_s()
    work()
    return time.perf_counter() - wall, processor_s() - used


def processor_s() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
