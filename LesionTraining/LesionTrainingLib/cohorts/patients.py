"""Whose scan a file is, as far as its path tells. Splits keep a patient's scans together: where two scans of one patient count
as two patients, a model is tested on whom it has learned from, so what is a guess is said."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
"""A patient in BIDS: a folder of this name, or the beginning of a file's name."""
_DATE = re.compile(r"((19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d|[0-3]?\d[-_.][0-3]?\d[-_.](19|20)\d\d)(?!\d)")
_VISIT = re.compile(r"(ses|session|visit|timepoint|tp|baseline|follow[-_ ]?up)[-_ ]?\d*", re.IGNORECASE)
_BEGINNING = re.compile(r"(.*?\d[A-Za-z0-9]*)[-_. ]+(.+)")
"""A name up to the end of its first word with a digit, and what follows."""


def patient_of(folders: Sequence[str], case_id: str) -> str:
    """The patient of a case that lies in ``folders`` (outermost first, without those that only say images, labels or split).

    It is the folder of a subject (``sub-01``), or what lies above one of a visit (``session-2``, ``2019-03-08``), or the
    innermost folder with its path; without folders the subject that the file's name begins with, or the case itself.
    """
    for n, folder in enumerate(folders):
        if _SUBJECT.fullmatch(folder):
            return "/".join(folders[: n + 1])
        if n and (_DATE.match(folder) or _VISIT.fullmatch(folder)):
            return "/".join(folders[:n])
    subject = _SUBJECT.match(case_id)
    return "/".join(folders) or (subject.group() if subject else case_id)


def doubts(patients: Iterable[str], how: str) -> tuple[str, ...]:
    """Sentences where patients of :func:`patient_of` may be one: folders in one folder, names that begin alike.

    Args:
        how: to say who is who, for the end of a sentence.
    """
    inside, alike = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for patient in dict.fromkeys(patients):
        folder, slash, _ = patient.rpartition("/")
        beginning = _BEGINNING.fullmatch(patient)
        if slash:
            inside[folder].append(patient)
        elif beginning:
            alike[beginning[1]].append(patient)
    notes = []
    if several := [folder for folder, found in inside.items() if len(found) > 1]:
        notes.append(
            f"Each innermost folder counts as a patient, those in “{several[0]}” too. If a folder that holds several is one "
            f"patient, say so: {how}."
        )
    if len(alike) > 1 and (several := [beginning for beginning, found in alike.items() if len(found) > 1]):
        first, second = alike[several[0]][:2]
        notes.append(
            f"Each scan counts as a patient, “{first}” and “{second}” too. If names that begin alike are of one patient, say "
            f"so: {how}."
        )
    return tuple(notes)
