"""From a cohort, its masks and a table of outcomes to a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.cohort import Cohort, LeftOut
from ..cohorts.spec import open_cohort
from .dependencies import require
from .extraction import extract_cubes, extract_features_of
from .masks import MaskedCase, masked_cases
from .outcomes import Outcomes, outcomes_in
from .request import RadiomicsRequest, table_and_column
from .settings import RPET_NET
from .study import Study, nested_cross_validation
from .table import FeatureTable

_OPENED, _MEASURED = 0.05, 0.5
"""Where these parts end, for the progress bar."""


@dataclass(frozen=True, eq=False)
class Found:
    """Attributes:
    request: what was asked for.
    cohort: that was opened.
    outcomes: of the table.
    table: features; None where a network looked at the images.
    study: the answer.
    left_out: cases and patients that take no part, and why.
    """

    request: RadiomicsRequest
    cohort: Cohort
    outcomes: Outcomes
    table: FeatureTable | None
    study: Study
    left_out: tuple[LeftOut, ...]


def run_radiomics(request: RadiomicsRequest, progress: Progress | None = None) -> Found:
    """Measure the lesions, learn from them, and write the results.

    What was measured is kept, so that the same command goes on after a stop.

    Raises:
        UsageError, InputError, OutputError, DependencyError: with what is wrong. Cancelled: through ``progress``.
    """
    from .report import write_results

    progress = progress or Progress()
    request.check()
    learns_from_images = request.settings.study.classifier == RPET_NET
    require(*(() if learns_from_images else ("mirp", "sklearn")))
    outcomes = outcomes_in(*table_and_column(request.outcome), request.positive)
    cohort = open_cohort(request.cohort, progress.part(0.0, _OPENED))
    cases, left_out = masked_cases(cohort, request.mask_folder, request.modality)
    wanted, without = _with_outcome(cases, outcomes.values)
    left_out += [LeftOut(case.id, "The outcome of its patient is not known.") for case in without]
    cache = request.cache or request.output / "cache"
    measuring, studying = progress.part(_OPENED, _MEASURED), progress.part(_MEASURED, 1.0)
    table, study, failed = (_from_images if learns_from_images else _from_features)(
        request, wanted, outcomes.values, cache, measuring, studying
    )
    left_out += failed
    unknown = set(outcomes.values) - set(cohort.patients)
    left_out += [LeftOut(patient, "The cohort has no case of this patient.") for patient in sorted(unknown)]
    found = Found(request, cohort, outcomes, table, study, tuple(left_out))
    write_results(found)
    return found


def _from_features(
    request: RadiomicsRequest,
    cases: tuple[MaskedCase, ...],
    outcomes: Mapping[str, bool],
    cache: Path,
    measuring: Progress,
    studying: Progress,
) -> tuple[FeatureTable | None, Study, list[LeftOut]]:
    settings = request.settings
    table, failed = extract_features_of(cases, settings.features, cache, request.workers, measuring)
    study = nested_cross_validation(table, outcomes, settings.study, studying, workers=request.workers)
    return table, study, failed


def _from_images(
    request: RadiomicsRequest,
    cases: tuple[MaskedCase, ...],
    outcomes: Mapping[str, bool],
    cache: Path,
    measuring: Progress,
    studying: Progress,
) -> tuple[FeatureTable | None, Study, list[LeftOut]]:
    from .rpet_fitting import rpet_study

    settings = request.settings
    cubes, failed = extract_cubes(cases, settings.rpet, settings.features.lesion, cache, request.workers, measuring)
    return None, rpet_study(cubes, outcomes, settings.study, settings.rpet, studying), failed


def _with_outcome(
    cases: tuple[MaskedCase, ...], outcomes: Mapping[str, bool]
) -> tuple[tuple[MaskedCase, ...], list[MaskedCase]]:
    wanted = tuple(case for case in cases if case.patient in outcomes)
    if not wanted:
        raise InputError(
            f"No patient of the cohort has an outcome in the table: are they named alike in both? In the cohort: "
            f"{cases[0].patient}; in the table: {next(iter(outcomes))}."
        )
    return wanted, [case for case in cases if case.patient not in outcomes]
