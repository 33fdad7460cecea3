"""What a user can pick from: patients, their studies and series, and which series have labels; plain values for a tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from LesionDetectionLib.core.progress import Progress

from ..cohort import LeftOut
from .records import LABEL_MODALITIES, SeriesCatalogue, SeriesRecord, short
from .references import assign, read_labels

NO_IMAGES = ("AU", "DOC", "ECG", "FID", "HD", "KO", "PLAN", "PR", "REG", "RTDOSE", "RTPLAN", "RTRECORD", "SR")
"""Modalities of series that hold neither scans nor labels: reports, plans, registrations, key images."""
IN_TABLE = "table"
"""The kind of labels that a table of marks gives, beside SEG and RTSTRUCT."""


@dataclass(frozen=True)
class SeriesEntry:
    """A series of images. ``files`` counts them; ``labels`` are the kinds of labels that refer to it (SEG, RTSTRUCT, table)."""

    uid: str
    modality: str
    description: str
    files: int
    labels: tuple[str, ...]


@dataclass(frozen=True)
class StudyEntry:
    """A study; ``date`` as YYYYMMDD."""

    uid: str
    date: str
    description: str
    series: tuple[SeriesEntry, ...]


@dataclass(frozen=True)
class PatientEntry:
    """A patient by the key that the option ``patient`` takes."""

    key: str
    studies: tuple[StudyEntry, ...]

    @property
    def series_count(self) -> int:
        return sum(len(study.series) for study in self.studies)

    @property
    def labelled_count(self) -> int:
        return sum(bool(series.labels) for study in self.studies for series in study.series)


@dataclass(frozen=True)
class Listing:
    """All series of images, in order; and what is wrong with the collection, as far as listing tells."""

    patients: tuple[PatientEntry, ...]
    problems: tuple[LeftOut, ...]


def listing(catalogue: SeriesCatalogue, progress: Progress | None = None, marked: Collection[str] = ()) -> Listing:
    """All patients, studies and series of images. Of label files the headers are read, of images nothing.

    Args:
        marked: Series Instance UIDs that a table of marks names.

    Raises:
        Cancelled: through ``progress``.
    """
    records = catalogue.series()
    images = [record for record in records if record.modality not in (*LABEL_MODALITIES, *NO_IMAGES)]
    meant = [record for record in records if record.modality in LABEL_MODALITIES]
    files, unreadable = read_labels(meant, progress or Progress())
    labels, homeless = assign(files, [(record,) for record in images], catalogue)
    kinds = {uid: tuple(dict.fromkeys(label.kind for label in found)) for uid, found in labels.items()}
    for uid in marked:
        kinds[uid] = (*kinds.get(uid, ()), IN_TABLE)
    patients: dict[str, dict[str, list[SeriesRecord]]] = defaultdict(lambda: defaultdict(list))
    for record in images:
        patients[record.patient_key][record.study_uid].append(record)
    return Listing(
        tuple(
            PatientEntry(key, tuple(_study(series, kinds) for series in studies.values()))
            for key, studies in patients.items()
        ),
        (
            *catalogue.left_out(),
            *(problem for record in images for problem in _not_here(record)),
            *unreadable,
            *homeless,
        ),
    )


def tree(catalogue: SeriesCatalogue, progress: Progress | None = None) -> tuple[PatientEntry, ...]:
    """The patients of :func:`listing`."""
    return listing(catalogue, progress).patients


def _not_here(record: SeriesRecord) -> list[LeftOut]:
    """Images that the list knows of, and that were never fetched from their archive."""
    if not record.elsewhere and record.files:
        return []
    count = len(record.files) + record.elsewhere
    reason = f"{record.elsewhere} of {count} images of the {record.modality} series {short(record.series_uid)} were never fetched."
    return [LeftOut(record.series_uid, reason if count else "The series has no images.")]


def _study(records: list[SeriesRecord], kinds: dict[str, tuple[str, ...]]) -> StudyEntry:
    first = records[0]
    series = tuple(
        SeriesEntry(r.series_uid, r.modality, r.description, len(r.files) + r.elsewhere, kinds.get(r.series_uid, ()))
        for r in records
    )
    return StudyEntry(first.study_uid, first.study_date, first.study_description, series)
