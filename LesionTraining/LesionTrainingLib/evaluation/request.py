"""What ``lesion evaluate`` is asked for, and which arguments go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import InputError, UsageError

from .froc_bootstrap import SAMPLES
from .matching import policy

MOST_PICTURES = 12
_MOST_ALLOWED = 200
"""A page holds its pictures: of so many it has about 20 MB."""
ALL = "all"
"""Every protocol, side by side."""


@dataclass(frozen=True)
class Request:
    """What ``lesion evaluate`` is asked for; None and empty texts are what was not given.

    Attributes:
        protocol: a policy's name, or ``all``.
        output: folder for the results.
        annotations, excluded, series: LUNA16's lists.
        truth: DeepLesion's ``DL_info.csv``, or a folder of detections files or label maps.
        cohort: a specification whose labels are the truth.
        detections: a table of marks, or a folder of detections files.
        model: a bundle, to detect with from scratch.
        method: the id of a method to detect with from scratch; the model's own where there is one.
        compare: a second set of marks on the same images, in the form of ``detections``.
        compare_model: a second bundle, to detect with in the same cohort.
        split: of DeepLesion's lists.
        operating_point: which marks the report is about, and a protocol without scores is shown: a name that the model gives,
            or a least score; empty for the model's own.
        pictures: of missed lesions, and of false marks, at most; 0 for none.
        given: settings of the methods that detect, by name, in place of their models'.
        device: to detect on.
        workers: processes that read cases while one detects.
        samples, seed: of the bootstrap.
        overwrite: replace earlier results.
    """

    protocol: str
    output: Path
    annotations: Path | None = None
    excluded: Path | None = None
    series: Path | None = None
    truth: Path | None = None
    cohort: str = ""
    detections: Path | None = None
    model: Path | None = None
    method: str = ""
    compare: Path | None = None
    compare_model: Path | None = None
    split: str = ""
    operating_point: str = ""
    pictures: int = MOST_PICTURES
    given: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    workers: int = 1
    samples: int = SAMPLES
    seed: int = 0
    overwrite: bool = False

    @property
    def from_scratch(self) -> bool:
        """Whether to detect first; else the marks are there already."""
        return self.model is not None or bool(self.method)

    @property
    def in_pixels(self) -> bool:
        """Whether truth and marks are DeepLesion's, in pixels."""
        return self.truth is not None and not self.truth.is_dir()


def check_request(request: Request) -> None:
    """Raises UsageError for arguments that do not go together, and InputError where a file or folder is not there."""
    if request.protocol != ALL:
        policy(request.protocol)
    if request.samples < 0 or request.seed < 0:
        raise UsageError("--bootstraps and --seed must be 0 or more.")
    if not 0 <= request.pictures <= _MOST_ALLOWED:
        raise UsageError(
            f"--pictures is a number from 0 to {_MOST_ALLOWED}: of missed lesions, and as many of false marks."
        )
    if request.workers < 1:
        raise UsageError("--workers must be 1 or more.")
    named = {"--annotations": request.annotations, "--truth": request.truth, "--cohort": request.cohort}
    given = [name for name, value in named.items() if value]
    if request.from_scratch and (request.detections is not None or given != ["--cohort"]):
        which = "--model" if request.model is not None else "--method"
        raise UsageError(f"{which} detects from scratch: name a --cohort with it, and neither --detections nor lists.")
    if request.given and not request.from_scratch and request.compare_model is None:
        raise UsageError("--set is for a method that detects: name it with --model or --method.")
    if not request.from_scratch and request.detections is None:
        raise UsageError("Name the marks to score with --detections, or a --model to detect with.")
    if request.compare is not None and request.compare_model is not None:
        raise UsageError("One other set of marks can be compared with: --compare or --compare-model.")
    if request.compare_model is not None and given != ["--cohort"]:
        raise UsageError("--compare-model detects in the cases of a cohort: name a --cohort, and no other truth.")
    if len(given) != 1:
        raise UsageError(
            "Name the truth once: --annotations with --seriesuids (LUNA16's lists), --truth (DL_info.csv or a folder), or "
            f"--cohort. {'None was' if not given else ' and '.join(given) + ' were'} given."
        )
    if (request.annotations is None) != (request.series is None):
        raise UsageError("LUNA16's lists go together: --annotations, --seriesuids and, where there is one, --excluded.")
    if request.excluded is not None and request.annotations is None:
        raise UsageError("--excluded is one of LUNA16's lists and goes with --annotations and --seriesuids.")
    if request.split and not request.in_pixels:
        raise UsageError("--split is for DL_info.csv; a cohort has it in its specification (...?split=test).")
    paths = (request.annotations, request.excluded, request.series, request.truth, request.detections, request.compare)
    for path in paths:
        if path is not None and not path.exists():  # before a cohort's labels are read, which takes long
            raise InputError(f"There is no file or folder {path}. Check the path.")
