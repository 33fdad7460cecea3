"""The data: who has active lesions, who plays the role of LOLA, the subset, folds by patient; and phantoms for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from LesionDetectionLib.core.atomic import atomic_file, atomic_folder
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ...cohorts.case import TEST, TRAINING, VALIDATION, Case
from ...cohorts.cohort import Cohort
from ...cohorts.spec import CohortSpec
from ...cohorts.split import k_folds
from ..folds import Fold
from ..wording import counted, ranges
from .settings import ReproductionSettings

LEAST_PHANTOMS = 4
_SEEDS_APART = 10_000
"""Another seed of the reproduction is other patients."""
_WITHOUT_SHARE = 1 / 3
"""Of phantoms: made without active lesions, to play the role of LOLA (the paper: 55 of 145 scans)."""
_SUBSET_SHARE = 1 / 2
"""Of those with active lesions: listed as the subset (the paper: 44 of 90)."""


@dataclass(frozen=True)
class Roles:
    """Ids of cases, each sorted.

    Attributes:
        active: with active lesions: learned from and tested on in turn.
        without: without: looked at by the network of every fold that did not learn from their patient.
        subset: of ``active``, those that the subset list names.
    """

    active: tuple[str, ...]
    without: tuple[str, ...]
    subset: tuple[str, ...]


def make_phantoms(folder: Path, count: int, protocol: str, seed: int, progress: Progress) -> None:
    """Make ``count`` PET/CT phantoms, the last third without active lesions, and a list of half of the others as the subset;
    the folder appears whole or not at all.

    Raises:
        UsageError: too few, or no such protocol.
        OutputError: the folder cannot be written.
        Cancelled: see ``progress``; nothing is left behind.
    """
    from ...cohorts.phantoms.petct_settings import NONE_ACTIVE, PRESETS, SOME_ACTIVE
    from ...cohorts.phantoms.writing import write_phantoms

    if count < LEAST_PHANTOMS:
        raise UsageError(
            f"--phantom needs at least {LEAST_PHANTOMS}: a third has no active lesions, and each fold of the others needs "
            "one to learn from and one to test on."
        )
    if protocol not in PRESETS:
        raise UsageError(f"There is no protocol “{protocol}” of PET/CT phantoms. Choose one of: {', '.join(PRESETS)}.")
    without = max(1, round(count * _WITHOUT_SHARE))
    parts = ((SOME_ACTIVE, 0, count - without), (NONE_ACTIVE, count - without, without))
    settings = PRESETS[protocol]
    with atomic_folder(folder) as temporary:
        written = list[Path]()
        for active, start, number in parts:
            own = replace(settings, lesions=replace(settings.lesions, active=active))
            part = progress.part(start / count, (start + number) / count)
            written += write_phantoms(
                "pet-ct", seed * _SEEDS_APART + start, number, "nrrd", temporary, part, overwrite=True, settings=own
            )
        cases = sorted({path.relative_to(temporary).parts[0] for path in written})[: count - without]
        listed = cases[: max(1, round(len(cases) * _SUBSET_SHARE))]
        with atomic_file(temporary / ReproductionSettings.subset_list) as path:
            path.write_text("\n".join(listed) + "\n", encoding="utf-8")


def read_subset(cohort: Cohort, name: str) -> tuple[str, ...]:
    """Ids of the cases that the subset list in the cohort's folder names by their own or their patient's id, sorted; none where
    there is no such file. Lines that begin with # are comments.

    Raises:
        InputError: the file cannot be read, or names what is not in the cohort.
    """
    path = Path(CohortSpec.parse(cohort.spec).path) / name
    if not name or not path.is_file():
        return ()
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"The subset list {path} cannot be read: {error}.") from error
    names = {line for line in lines if line and not line.startswith("#")}
    found = {case.id: {case.id, case.patient} & names for case in cohort.cases}
    unknown = sorted(names - {one for known in found.values() for one in known})
    if unknown:
        raise InputError(f"{path} names “{unknown[0]}”, which is no case and no patient of the data.")
    return tuple(sorted(case for case, known in found.items() if known))


def folds_of(cohort: Cohort, roles: Roles, settings: ReproductionSettings, seed: int) -> dict[int, Fold]:
    """The folds, by number from 0, of the cases with active lesions.

    Raises:
        InputError: fewer than two patients have active lesions, or too few are left to learn from.
    """
    active = replace(cohort, cases=tuple(case for case in cohort.cases if case.id in set(roles.active)))
    patients = len(active.patients)
    if patients < 2:
        raise InputError(
            f"Cross-validation needs two patients with active lesions at least; {cohort.spec} has "
            f"{counted(patients, 'such patient')}."
        )
    splits = k_folds(active, min(settings.folds, patients), seed, settings.validation_share)
    return {
        number: Fold(number, split.parts[TRAINING], split.parts.get(VALIDATION, ()), split.parts[TEST])
        for number, split in enumerate(splits)
    }


def looked_at(cases: Sequence[Case], roles: Roles, fold: Fold) -> tuple[str, ...]:
    """The scans without active lesions that the network of a fold may look at: of patients that it did not learn from."""
    by_id = {case.id: case for case in cases}
    learned = {by_id[case].patient for case in (*fold.training, *fold.validation)}
    return tuple(case for case in roles.without if by_id[case].patient not in learned)


def data_name(cohort: Cohort) -> str:
    """What the data are called in every row that was measured on them."""
    return "phantoms" if cohort.on_phantoms else cohort.title


def label(name: str, scans: int, lesions: int, folds: Sequence[int] = ()) -> str:
    """``phantoms, folds 0-4: 30 scans, 41 lesions``: what a row was measured on; no folds where it is all of them."""
    which = f", fold{'s' if len(folds) > 1 else ''} {ranges(folds)}" if folds else ""
    return f"{name}{which}: {counted(scans, 'scan')}, {counted(lesions, 'lesion')}"
