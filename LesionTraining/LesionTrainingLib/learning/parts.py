"""Which cases of which cohorts a training run learns from, sets thresholds on, and is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import TEST, TRAINING, VALIDATION, Case
from ..cohorts.cohort import Cohort, LeftOut
from ..cohorts.spec import open_cohort
from ..cohorts.split import Split, load_split, official_split, split_by_patient

DEFAULT_SHARES = {TRAINING: 0.7, VALIDATION: 0.15, TEST: 0.15}
"""Of the patients, where nothing else says who goes where."""


@dataclass(frozen=True)
class PartsRequest:
    """Where the parts come from.

    Attributes:
        cohort: specification of the main cohort.
        validation, test: specifications of cohorts of their own for these parts; the main cohort then gives the others.
        split: a file that says who goes where.
        seed: of the split by patient, where neither a file nor the data's makers say it.
    """

    cohort: str
    validation: str | None = None
    test: str | None = None
    split: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class Parts:
    """The cases by part, and the split of the main cohort as it can be written down.

    Attributes:
        training, validation, test: labelled cases; ``test`` may be empty.
        split: of the main cohort.
        left_out: cases that listing refused or that have no labels.
        on_phantoms: whether all that is learned from is computer-made.
    """

    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    test: tuple[Case, ...]
    split: Split
    left_out: tuple[LeftOut, ...]
    on_phantoms: bool


def open_parts(request: PartsRequest, progress: Progress) -> Parts:
    """Open the cohorts and divide their cases; no voxels are read.

    Raises:
        UsageError: specifications or options that contradict each other; one patient in two parts.
        InputError: nothing to learn from, or nothing to set thresholds on.
        Cancelled: through ``progress``.
    """
    if request.split and (request.validation or request.test):
        raise UsageError(
            "A split file already says what is for validation and test: leave --validation and --test out."
        )
    main = open_cohort(request.cohort, progress.part(0, 0.6))
    others = {
        name: open_cohort(spec, progress.part(0.6, 1))
        for name, spec in ((VALIDATION, request.validation), (TEST, request.test))
        if spec
    }
    labelled = {name: tuple(case for case in cohort.cases if case.labelled) for name, cohort in others.items()}
    split = _split(main, request, set(others))
    by_id = {case.id: case for case in main.cases}
    for name, ids in split.parts.items():
        chosen = tuple(by_id[case_id] for case_id in ids if by_id[case_id].labelled)
        labelled[name] = (*chosen, *labelled.get(name, ()))
    _check(labelled)
    every = (main, *others.values())
    left_out = [left for cohort in every for left in cohort.left_out]
    left_out += [
        LeftOut(case.id, "It has no labels.") for cohort in every for case in cohort.cases if not case.labelled
    ]
    return Parts(
        labelled[TRAINING],
        labelled[VALIDATION],
        labelled.get(TEST, ()),
        split,
        tuple(left_out),
        all(cohort.on_phantoms for cohort in every),
    )


def _split(main: Cohort, request: PartsRequest, elsewhere: set[str]) -> Split:
    """The split of the main cohort: from a file, from the data's makers, or by patient; parts from elsewhere left out."""
    if request.split:
        split = load_split(request.split)
        main.select(case_id for ids in split.parts.values() for case_id in ids)  # refuses a split of another cohort
        return split
    if any(case.split for case in main.cases):
        made = official_split(main)
        return Split(made.spec, made.seed, {name: ids for name, ids in made.parts.items() if name not in elsewhere})
    if VALIDATION in elsewhere:
        return Split(main.spec, request.seed, {TRAINING: tuple(case.id for case in main.cases)})
    shares = {name: share for name, share in DEFAULT_SHARES.items() if name not in elsewhere}
    return split_by_patient(main, {name: share / sum(shares.values()) for name, share in shares.items()}, request.seed)


def _check(parts: Mapping[str, tuple[Case, ...]]) -> None:
    for name, purpose in ((TRAINING, "to learn from"), (VALIDATION, "to set thresholds on")):
        if not parts.get(name):
            raise InputError(f"No labelled case is in the part “{name}”: there is nothing {purpose}.")
    owners: dict[str, str] = {}
    for name, cases in parts.items():
        for case in cases:
            if owners.setdefault(case.patient, name) != name:
                raise UsageError(
                    f"The patient of the case {case.id} is in the parts “{owners[case.patient]}” and “{name}”: what is "
                    "measured would be too good. Divide by patient."
                )
