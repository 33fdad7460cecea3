"""``lesion detect COHORT``: the same in every case of a cohort, over the processes of one machine or of many.

The training half of the project is found by name, late: detection in a single scan works without it.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.app.given_settings import parse_settings
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import DependencyError, UsageError
from LesionDetectionLib.core.resources import demonstration_model

_YAML = (".yaml", ".yml")
_LIKE_A_SPEC = re.compile(r"[a-z][a-z0-9]+:.")
"""Two letters at least before the colon: C:\\scan.nrrd is a path."""


def add_cohort_options(parser: argparse.ArgumentParser) -> None:
    """The options that only a cohort knows; each defaults to what an unset option is."""
    group = parser.add_argument_group(
        "for a cohort", "Cases that an earlier run finished are skipped, unless they changed or --overwrite is given."
    )
    group.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="of a running Dask scheduler, tcp://HOST:PORT or tls://..."
    )
    group.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes of this machine (default: by cores, memory, GPUs)",
    )
    group.add_argument(
        "--memory",
        type=float,
        default=0.0,
        metavar="GIB",
        help="of each; one that needs more is ended, its case left out",
    )
    group.add_argument(
        "--case-limit", type=float, default=0.0, metavar="S", help="seconds after which a case is given up"
    )
    group.add_argument("--full", action="store_true", help="also write scene, pictures and report of each case")
    group.add_argument("--dashboard", action="store_true", help="show Dask's web page on 127.0.0.1")
    for name, what in (("ca", "authority"), ("cert", "certificate"), ("key", "key")):
        group.add_argument(f"--tls-{name}", type=Path, metavar="PEM", help=f"{what} for a tls:// scheduler")


def is_cohort(scans: list[str]) -> bool:
    """Whether the SCAN arguments are one cohort: a specification or a YAML file. What exists is a scan otherwise.

    Raises:
        DependencyError: it looks like one, and the LesionTraining module is not installed.
    """
    if len(scans) != 1:
        return False
    (text,) = scans
    if Path(text).exists():
        return text.lower().endswith(_YAML)
    if not _LIKE_A_SPEC.match(text) and not text.lower().endswith(_YAML):
        return False
    known: bool = training_part("cohorts.spec").is_spec(text)
    return known


def refuse_cohort_options(options: argparse.Namespace) -> None:
    """Raises UsageError where an option of cohorts is given with a scan."""
    names = ("scheduler", "workers", "memory", "case_limit", "full", "dashboard", "tls_ca", "tls_cert", "tls_key")
    for name in names:
        if getattr(options, name):
            raise UsageError(
                f"--{name.replace('_', '-')} is for cohorts, and “{options.scan[0]}” is a scan. Leave it out, or name a "
                "cohort (see “lesion cohort --kinds”)."
            )


def detect_in_cohort(info: MethodInfo, options: argparse.Namespace) -> None:
    """Detect in all cases of the cohort ``options.scan[0]``; see ``LesionTrainingLib.inference.cohort_run``."""
    if options.series:
        raise UsageError("--series is for a folder of DICOM. A cohort says itself which series it means.")
    if options.dicom:
        raise UsageError("--dicom is for a single scan. Detect in the folders of DICOM series one by one to have it.")
    if options.case_limit < 0:
        raise UsageError("--case-limit is a number of seconds above zero.")
    runs = training_part("inference.cohort_run")
    where = runs.Where(
        scheduler=options.scheduler,
        workers=options.workers,
        memory_gib=options.memory,
        device=options.device,
        dashboard=options.dashboard,
        tls_ca=options.tls_ca,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
    )
    model = options.model
    if model is None and info.needs_model:
        model = demonstration_model(info.demonstration_model)
    job, bundle = runs.make_job(
        info,
        model,
        options.operating_point,
        options.output,
        full=options.full,
        device=options.device,
        given=parse_settings(options.given),
    )
    spec = runs.absolute_spec(options.scan[0])
    with shown_progress(options.quiet) as progress:
        cohort = training_part("cohorts.spec").open_cohort(spec, progress.part(0.0, 0.01))
        result = runs.detect_cohort(
            cohort,
            job,
            bundle,
            where,
            overwrite=options.overwrite,
            case_limit_s=options.case_limit,
            progress=progress.part(0.01, 1.0),
            say=lambda text: print(text, file=sys.stderr),
        )
    if not options.quiet:
        _print(result, cohort, bundle.warnings() if bundle is not None else (), options.output)
    if result.left_out:
        count, every = len(result.left_out), len(result.done) + len(result.left_out)
        were = "was" if count == 1 else "were"
        why = options.output / "left_out.csv"
        print(f"lesion: {count} of {_counted(every, 'case')} {were} left out; {why} says why.", file=sys.stderr)


def training_part(name: str) -> Any:
    """A module of LesionTrainingLib.

    Raises:
        DependencyError: it, or a library that it needs, is not installed.
    """
    try:
        return importlib.import_module(f"LesionTrainingLib.{name}")
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"Cohorts need the LesionTraining module, which is not installed ({error.name})."
        ) from error


def _print(result: Any, cohort: Any, warnings: tuple[str, ...], output: Path) -> None:
    counts = result.counts()
    earlier = counts["done_by_earlier_runs"]
    print(
        f"{_counted(counts['lesions'], 'lesion')} in {_counted(counts['done'], 'case')}"
        + (f" ({earlier} of them done by an earlier run)" if earlier else "")
        + f", {result.seconds:.0f} s"
    )
    for sentence in (*(("The cohort is computer-made: no patients.",) if cohort.on_phantoms else ()), *warnings):
        print(f"Note: {sentence}")
    print(f"Results: {output} (index.html, report.pdf, summary.csv, left_out.csv, cohort.json, and a folder a case)")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
