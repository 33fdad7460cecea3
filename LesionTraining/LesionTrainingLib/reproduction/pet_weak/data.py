"""The data: one scan a patient, what became of the patients, folds with as much of everything, and phantoms for all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ...cohorts.case import Case
from ...cohorts.cohort import Cohort, LeftOut
from ...cohorts.spec import CohortSpec
from ...radiomics.outcomes import outcomes_in
from ..folds import Fold
from ..wording import counted, ranges
from .paper import LABELS
from .settings import ReproductionSettings

LEAST_A_LABEL = 2
"""Patients in each part of a fold that is learned from: a classifier needs both labels."""


@dataclass(frozen=True)
class Told:
    """What became of the patients of one table.

    Attributes:
        column: of the data's table.
        values: patient -> whether the outcome is positive; empty where nothing is known.
        positive: the word that is.
        why_not: why nothing is known, in a sentence; empty where something is.
    """

    column: str
    values: Mapping[str, bool] = field(default_factory=dict)
    positive: str = ""
    why_not: str = ""


def make_phantoms(folder: Path, count: int, protocol: str, seed: int, progress: Progress) -> None:
    """Make ``count`` patients, half with a tumour of the lung and half of the oesophagus, with outcomes; the folder appears whole or
    not at all.

    Raises:
        UsageError: too few, or no such protocol.
        OutputError: the folder cannot be written.
        Cancelled: see ``progress``; nothing is left behind.
    """
    from ...cohorts.phantoms.pet_weak_writing import write_pet_weak

    least = 2 * 2 * LEAST_A_LABEL
    if count < least:
        raise UsageError(f"--phantom needs at least {least}: in each fold both kinds of tumours are learned from.")
    write_pet_weak(folder, count, protocol, seed, progress)


def choose_scans(cohort: Cohort, settings: ReproductionSettings) -> Cohort:
    """Of each patient the first scan with a label of the paper; the others are left out, and say why.

    Raises:
        InputError: no scan has such a label.
    """
    del settings
    chosen, left_out = dict[str, Case](), list(cohort.left_out)
    for case in cohort.cases:
        label = label_of(case)
        if label not in LABELS.values():
            what = f"It is labelled “{label}”" if label else "It has no label"
            left_out.append(LeftOut(case.id, f"{what}; the paper is about {' and '.join(LABELS.values())}."))
        elif case.patient in chosen:
            left_out.append(LeftOut(case.id, f"The patient’s scan {chosen[case.patient].id} comes first."))
        else:
            chosen[case.patient] = case
    if not chosen:
        reason = f" The first, {left_out[0].case}: {left_out[0].reason}" if left_out else ""
        raise InputError(f"No scan of {cohort.spec} has a label of the paper.{reason}")
    return replace(cohort, cases=tuple(chosen.values()), left_out=tuple(left_out))


def label_of(case: Case) -> str:
    """What the whole scan shows; empty where nobody said."""
    return str(getattr(case, "label", ""))


def is_drawn(cohort: Cohort) -> bool:
    """Whether any tumour is: without that there is no supervised network, and no Dice."""
    return any(getattr(case, "mask", None) is not None for case in cohort.cases)


def of_label(cohort: Cohort, label: str) -> tuple[Case, ...]:
    """The cases with this label."""
    return tuple(case for case in cohort.cases if label_of(case) == label)


def outcomes_of(cohort: Cohort, settings: ReproductionSettings) -> dict[int, Told]:
    """Table -> what became of its patients, of those in the cohort.

    Raises:
        InputError, UsageError: the table of outcomes is there and cannot be used; see :mod:`...radiomics.outcomes`.
    """
    path = _folder(cohort) / settings.outcomes
    asked = {1: (settings.response, settings.positive_response), 2: (settings.survival, settings.positive_survival)}
    return {table: _told(cohort, path, LABELS[table], *columns) for table, columns in asked.items()}


def _folder(cohort: Cohort) -> Path:
    path = Path(CohortSpec.parse(cohort.spec).path)
    return path if path.is_dir() else path.parent


def _told(cohort: Cohort, path: Path, label: str, column: str, positive: str) -> Told:
    patients = {case.patient for case in of_label(cohort, label)}
    if not path.is_file():
        return Told(
            column, why_not=f"There is no {path.name} beside the scans: nobody said what became of the patients."
        )
    if not patients:
        return Told(column, why_not=f"There are no patients labelled “{label}”.")
    found = outcomes_in(path, column, positive)
    values = {patient: value for patient, value in sorted(found.values.items()) if patient in patients}
    if len(set(values.values())) < 2:
        which = "are alike" if values else "are not known"
        return Told(
            column, why_not=f"All outcomes of patients labelled “{label}” {which}: there is nothing to tell apart."
        )
    return Told(column, values, found.positive)


def folds_of(
    cohort: Cohort, outcomes: Mapping[int, Told], settings: ReproductionSettings, seed: int
) -> dict[int, Fold]:
    """The folds, by number from 0: patients of each label and outcome are dealt out as evenly as it goes, and so are those that
    weights are chosen by, by label.

    Raises:
        InputError: too few patients of a label.
    """
    strata = {case.patient: (label_of(case), _outcome(case.patient, outcomes)) for case in cohort.cases}
    labels = {patient: (label, "") for patient, (label, _) in strata.items()}
    for label in LABELS.values():
        count = sum(own == label for own, _ in strata.values())
        if count < 2 * LEAST_A_LABEL:
            raise InputError(
                f"{cohort.spec} has {counted(count, 'patient')} labelled “{label}”: cross-validation needs {2 * LEAST_A_LABEL} at least."
            )
    folds = min(settings.folds, len(strata))
    ids = {case.patient: case.id for case in cohort.cases}
    plan = {}
    for number, test in enumerate(dealt(strata, folds, seed)):
        rest = {patient: labels[patient] for patient in strata if patient not in set(test)}
        parts = max(2, round(1 / settings.validation_share))
        validation = set(dealt(rest, parts, seed + number + 1)[0])
        training = [patient for patient in rest if patient not in validation]
        plan[number] = Fold(number, *(tuple(sorted(ids[one] for one in part)) for part in (training, validation, test)))
    return plan


def dealt(strata: Mapping[str, tuple[str, str]], parts: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Patients in so many parts, each stratum spread over all; by seed, whatever their order. One stratum goes on where the last
    ended, so that parts have one size, and the first part is never the smaller one."""
    random = np.random.default_rng(seed)
    groups: dict[tuple[str, str], list[str]] = {}
    for patient in sorted(strata):
        groups.setdefault(strata[patient], []).append(patient)
    found, place = [list[str]() for _ in range(parts)], 0
    for stratum in sorted(groups):
        for index in random.permutation(len(groups[stratum])):
            found[place % parts].append(groups[stratum][index])
            place += 1
    return tuple(tuple(sorted(part)) for part in found)


def _outcome(patient: str, outcomes: Mapping[int, Told]) -> str:
    known = [told.values[patient] for told in outcomes.values() if patient in told.values]
    return str(known[0]) if known else ""


def data_name(cohort: Cohort) -> str:
    """What the data are called in every row that was measured on them."""
    return "phantoms" if cohort.on_phantoms else cohort.title


def measured_on(cohort: Cohort, patients: int, label: str, folds: Sequence[int] = ()) -> str:
    """``phantoms, folds 0-1: 16 patients, lung``; no folds where it is all of them."""
    which = f", fold{'s' if len(folds) > 1 else ''} {ranges(folds)}" if folds else ""
    return f"{data_name(cohort)}{which}: {counted(patients, 'patient')}, {label}"
