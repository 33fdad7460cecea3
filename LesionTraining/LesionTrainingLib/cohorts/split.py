"""Who is learned from, who sets thresholds, who is measured on: parts of a cohort by patient, drawn with a seed, written down.

A draw depends on the names of the patients and the seed alone: not on the order of the cases, the machine, or a library's
random numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError, UsageError

from .case import TEST, TRAINING, VALIDATION, Case
from .cohort import Cohort

SCHEMA, SCHEMA_VERSION = "lesion-split", 1
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Split:
    """Parts of a cohort.

    Attributes:
        spec: of the cohort that it was made for.
        seed: it was drawn with; 0 for a split of the data's makers.
        parts: name -> ids of its cases, sorted; a part may be empty.

    Raises:
        ValueError: a case that is in two parts or twice in one.
    """

    spec: str
    seed: int
    parts: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        owners: dict[str, str] = {}
        for name, ids in self.parts.items():
            for case_id in ids:
                if case_id in owners:
                    raise ValueError(f"the case {case_id} is in “{owners[case_id]}” and in “{name}”")
                owners[case_id] = name

    def part(self, cohort: Cohort, name: str) -> Cohort:
        """The cases of one part.

        Raises:
            UsageError: the split has no such part.
            InputError: the cohort lacks a case of the part.
        """
        if name not in self.parts:
            raise UsageError(f"The split has no part “{name}”. It has: {', '.join(self.parts)}.")
        return cohort.select(self.parts[name])

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all. Raises OutputError."""
        content = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "spec": self.spec,
            "seed": self.seed,
            "parts": {name: list(ids) for name, ids in self.parts.items()},
        }
        with atomic_file(Path(path)) as temporary:
            temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_split(path: Path) -> Split:
    """What :meth:`Split.save` wrote, or a person in its form.

    Raises:
        InputError: missing, no such file, of another version, or a case in two parts; the text says which.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The split {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The split {path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"{path} is no split of a cohort (schema {SCHEMA}).")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path} has version {content.get('schema_version')} of the split format; this program reads version "
            f"{SCHEMA_VERSION}. Use the program that wrote it, or divide the cohort again."
        )
    try:
        return Split(_typed(content, "spec", str), _typed(content, "seed", int), _parts(content.get("parts")))
    except ValueError as error:
        raise InputError(f"The split {path} is not as its schema says: {error}.") from error


def split_by_patient(cohort: Cohort, shares: Mapping[str, float], seed: int) -> Split:
    """Divide the patients by chance, all cases of one together.

    Labelled and unlabelled patients are dealt out alike. Each part with a share above zero gets at least one patient.

    Args:
        shares: part -> share of the patients; together 1. The parts' order in it decides who gets the odd patient.

    Raises:
        UsageError: shares that are below zero or not 1 together.
        InputError: fewer patients than parts.
    """
    if (
        not shares
        or not all(0 <= share <= 1 for share in shares.values())
        or abs(sum(shares.values()) - 1) > _SUM_TOLERANCE
    ):
        raise UsageError("The shares of a split are from 0 to 1 each and 1 together, such as 0.7, 0.15 and 0.15.")
    patients = _shuffled(cohort.cases, seed)
    names = [name for name, share in shares.items() if share > 0]
    if len(patients) < len(names):
        raise InputError(
            f"{cohort.spec} has {len(patients)} patients, too few to divide into {len(names)} parts. Add cases, or "
            "choose fewer parts."
        )
    counts = _counts([shares[name] for name in names], len(patients))
    owner = {patient: names[part] for patient, part in zip(patients, _dealt(counts), strict=True)}
    return Split(cohort.spec, seed, _by_part(cohort.cases, owner, list(shares)))


def k_folds(cohort: Cohort, folds: int, seed: int, validation: float = 0.0) -> tuple[Split, ...]:
    """Divide the patients into folds; in each split one of them is the test part, and the rest is learned from.

    Args:
        validation: share of the rest that is set aside to choose thresholds with, by patient too.

    Raises:
        UsageError: fewer than two folds, or a validation share outside [0, 1).
        InputError: too few patients.
    """
    if folds < 2 or not 0 <= validation < 1:
        raise UsageError("Cross-validation needs at least 2 folds, and a validation share from 0 to below 1.")
    patients = _shuffled(cohort.cases, seed)
    if len(patients) < folds:
        raise InputError(f"{cohort.spec} has {len(patients)} patients, too few for {folds} folds. Choose fewer folds.")
    fold_of = {patient: index % folds for index, patient in enumerate(patients)}
    splits = []
    for fold in range(folds):
        rest = Cohort(cohort.spec, cohort.title, tuple(c for c in cohort.cases if fold_of[c.patient] != fold))
        shares = {TRAINING: 1 - validation, VALIDATION: validation} if validation else {TRAINING: 1.0}
        parts = dict(split_by_patient(rest, shares, seed).parts)
        parts[TEST] = tuple(sorted(c.id for c in cohort.cases if fold_of[c.patient] == fold))
        splits.append(Split(cohort.spec, seed, parts))
    return tuple(splits)


def official_split(cohort: Cohort) -> Split:
    """The split that the data's makers gave; cases without one are in no part.

    Raises:
        InputError: no case has one, or a patient is in two parts.
    """
    owners: dict[str, str] = {}
    for case in cohort.cases:
        if case.split and owners.setdefault(case.patient, case.split) != case.split:
            raise InputError(
                f"The official split of {cohort.spec} has the patient of the case {case.id} in “{owners[case.patient]}” and in "
                f"“{case.split}”. Divide it by patient instead."
            )
    if not owners:
        raise InputError(f"{cohort.spec} has no official split. Divide it by patient instead.")
    names = [name for name in (TRAINING, VALIDATION, TEST) if name in owners.values()]
    names += sorted(set(owners.values()) - set(names))
    given = [case for case in cohort.cases if case.split]
    return Split(cohort.spec, 0, _by_part(given, owners, names))


def _shuffled(cases: Iterable[Case], seed: int) -> list[str]:
    """The patients in an order drawn by the seed, those with labels first."""
    labelled: dict[str, bool] = {}
    for case in cases:
        labelled[case.patient] = labelled.get(case.patient, False) or case.labelled
    return sorted(labelled, key=lambda patient: (not labelled[patient], _lot(patient, seed), patient))


def _lot(patient: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}\n{patient}".encode("utf-8", "surrogatepass")).hexdigest()


def _counts(shares: Sequence[float], total: int) -> list[int]:
    """How many of ``total`` each share gets, at least one; the largest remainders get the odd ones."""
    wished = [share * total for share in shares]
    counts = [max(1, int(wish + _SUM_TOLERANCE)) for wish in wished]
    while sum(counts) < total:
        counts[max(range(len(counts)), key=lambda part: wished[part] - counts[part])] += 1
    while sum(counts) > total:
        large = [part for part in range(len(counts)) if counts[part] > 1]
        counts[max(large, key=lambda part: counts[part] - wished[part])] -= 1
    return counts


def _dealt(counts: Sequence[int]) -> list[int]:
    """A part for each place, so that any run of places holds the parts in about their shares."""
    total, given, dealt = sum(counts), [0] * len(counts), []
    for place in range(1, total + 1):
        left = [part for part in range(len(counts)) if given[part] < counts[part]]
        part = max(left, key=lambda part: counts[part] * place / total - given[part])
        given[part] += 1
        dealt.append(part)
    return dealt


def _by_part(cases: Iterable[Case], owner: Mapping[str, str], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    parts: dict[str, list[str]] = {name: [] for name in names}
    for case in cases:
        parts[owner[case.patient]].append(case.id)
    return {name: tuple(sorted(ids)) for name, ids in parts.items()}


def _typed(content: Mapping[str, Any], name: str, kind: type) -> Any:
    value = content.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"“{name}” cannot be {value!r}")
    return value


def _parts(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict) or not value or not all(isinstance(ids, list) for ids in value.values()):
        raise ValueError("“parts” is no table of names with lists of cases")
    for name, ids in value.items():
        if not name or not all(isinstance(case_id, str) and case_id for case_id in ids):
            raise ValueError(f"the part “{name}” is no list of case ids")
    return {name: tuple(ids) for name, ids in value.items()}
