"""What a user can pick from: patients, their studies and series, and which series have labels; plain values for a tree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from LesionDetectionLib.core.progress import Progress

from .records import LABEL_MODALITIES, SeriesCatalogue, SeriesRecord
from .references import assign, read_labels


@dataclass(frozen=True)
class SeriesEntry:
    """A series of images. ``files`` counts them; ``labels`` are the kinds of labels that refer to it (SEG, RTSTRUCT)."""

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


def tree(catalogue: SeriesCatalogue, progress: Progress | None = None) -> tuple[PatientEntry, ...]:
    """Everything that is not itself a label, in order. Of label files the headers are read; damaged ones do not count.

    Raises:
        Cancelled: through ``progress``.
    """
    records = catalogue.series()
    images = [record for record in records if record.modality not in LABEL_MODALITIES]
    meant = [record for record in records if record.modality in LABEL_MODALITIES]
    files, _ = read_labels(meant, progress or Progress())
    labels, _ = assign(files, [(record,) for record in images], catalogue)
    patients: dict[str, dict[str, list[SeriesRecord]]] = defaultdict(lambda: defaultdict(list))
    for record in images:
        patients[record.patient_key][record.study_uid].append(record)
    kinds = {uid: tuple(dict.fromkeys(label.kind for label in found)) for uid, found in labels.items()}
    return tuple(
        PatientEntry(key, tuple(_study(series, kinds) for series in studies.values()))
        for key, studies in patients.items()
    )


def _study(records: list[SeriesRecord], kinds: dict[str, tuple[str, ...]]) -> StudyEntry:
    first = records[0]
    series = tuple(
        SeriesEntry(r.series_uid, r.modality, r.description, len(r.files) + r.elsewhere, kinds.get(r.series_uid, ()))
        for r in records
    )
    return StudyEntry(first.study_uid, first.study_date, first.study_description, series)
