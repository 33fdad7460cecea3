"""What is written beside the cases' folders at the end of a run: what was done, what was found, what was left out."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.bundle import Bundle

from ..cohorts.cohort import Cohort, LeftOut
from ..evaluation.output.page import PAGE, PDF, write_report
from ..evaluation.output.tables import Table, write_csv
from .job import Job, Outcome

RUN, SUMMARY, LEFT_OUT = "cohort.json", "summary.csv", "left_out.csv"
NAMES = (RUN, SUMMARY, LEFT_OUT, PAGE, PDF)
SCHEMA_VERSION = 1
_LIBRARIES = ("numpy", "torch", "SimpleITK", "dask", "distributed")


@dataclass(frozen=True)
class CohortDetections:
    """What became of a cohort.

    Attributes:
        done: the cases with results, in the order of the cohort, those of earlier runs among them.
        kept: how many of these an earlier run had done.
        unlisted: what could not be used as far as listing the cohort told.
        failed: cases in which detection failed, and why.
        unfinished: cases that were not tried, as the run was cancelled or stopped.
        seconds: that this run took.
    """

    done: tuple[Outcome, ...]
    kept: int
    unlisted: tuple[LeftOut, ...]
    failed: tuple[LeftOut, ...]
    unfinished: int
    seconds: float

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return (*self.unlisted, *self.failed)

    def counts(self) -> dict[str, int]:
        """By name, as ``cohort.json`` has them."""
        return {
            "cases": len(self.done) + len(self.failed) + self.unfinished,
            "done": len(self.done),
            "done_by_earlier_runs": self.kept,
            "failed": len(self.failed),
            "unfinished": self.unfinished,
            "left_out_when_listed": len(self.unlisted),
            "lesions": sum(outcome.lesions for outcome in self.done),
        }


def write_ending(cohort: Cohort, job: Job, bundle: Bundle | None, result: CohortDetections, workers: int) -> None:
    """Write ``cohort.json``, ``summary.csv``, ``left_out.csv`` and the report, each whole or not at all. Raises OutputError."""
    from .cohort_page import cohort_document

    rows = tuple((o.case, o.lesions, o.best_score, o.seconds) for o in result.done)
    write_csv(job.output / SUMMARY, Table(("case", "lesions", "best_score", "seconds"), rows))
    reasons = tuple((left.case, left.reason) for left in result.left_out)
    write_csv(job.output / LEFT_OUT, Table(("case", "reason"), reasons))
    content = {
        "schema": "lesion-cohort-detections",
        "schema_version": SCHEMA_VERSION,
        "cohort": {"spec": cohort.spec, "title": cohort.title, "on_phantoms": cohort.on_phantoms},
        "method": job.info.id,
        "model": _model(bundle),
        "settings": asdict(job.settings) if is_dataclass(job.settings) and not isinstance(job.settings, type) else {},
        "warnings": list(bundle.warnings()) if bundle is not None else [],
        "notes": list(cohort.notes),
        "finished": not result.unfinished,
        "counts": result.counts(),
        "seconds": round(result.seconds, 3),
        "workers": workers,
        "device": job.device,
        "versions": versions(),
    }
    with atomic_file(job.output / RUN) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_report(job.output, cohort_document(cohort, job, bundle, result))


def versions() -> dict[str, str]:
    """Of this program, Python and the libraries that results depend on."""
    found = {"SlicerLesionDetection": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _model(bundle: Bundle | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "sha256": bundle.digest,
        "trained_on_phantoms": manifest.trained_on_phantoms,
    }
