"""From a list of series to a cohort; the same for folders, databases and a running Slicer."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ..cohort import Cohort, LeftOut
from .dicom_case import DicomCase, ImageSeries, LabelFile
from .options import AUTO, LATEST, NONE, TABLE, DicomOptions
from .records import LABEL_MODALITIES, RTSTRUCT, SEG, SeriesCatalogue, SeriesRecord, short
from .references import LabelRecord, assign, read_labels
from .selection import select
from .table_labels import Mark, read_image_labels, read_marks

_TRIED = 3
"""So many headers are tried before a series counts as damaged."""


@dataclass
class _Labelling:
    """What is known of the lesions, by Series Instance UID of the image."""

    files: Mapping[str, Sequence[LabelRecord]] = field(default_factory=dict)
    marks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    of_images: Mapping[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def build(catalogue: SeriesCatalogue, options: DicomOptions, title: str, progress: Progress) -> Cohort:
    """The cohort of the series that the options mean, with the labels that refer to them.

    Of image series one header is read, of labels all; no pixels.

    Raises:
        InputError: the table of labels cannot be read.
        Cancelled: through ``progress``.
    """
    records = catalogue.series()
    chosen, left_out = select(records, options)
    if not chosen and not left_out:
        left_out.append(LeftOut("series", _none_meant(records)))
    sound = []
    for n, case in enumerate(chosen):
        progress.part(0.0, 0.7)(n / len(chosen), f"Looking at series ({n + 1} of {len(chosen)})")
        reason = next(filter(None, map(_fault, case)), "")
        if reason:
            left_out.append(LeftOut(case[0].series_uid, reason))
        else:
            sound.append(case)
    labelling = _labelling(records, sound, catalogue, options, progress.part(0.7, 1.0))
    cases = tuple(_case(case, labelling, options) for case in sound)
    notes = list(labelling.notes)
    without = sum(not case.labelled for case in cases)
    if without and options.labels != NONE:
        notes.append(f"Cases without labels: {without} of {len(cases)}.")
    progress(1.0, "Listed")
    unused = (*catalogue.left_out(), *left_out, *labelling.left_out)
    on_phantoms = bool(cases) and all(_is_phantom(case.series[0].files[0]) for case in cases)
    return Cohort("", title, cases, unused, tuple(notes), on_phantoms)


def _none_meant(records: Sequence[SeriesRecord]) -> str:
    there = ", ".join(f"{n} x {modality}" for modality, n in Counter(r.modality for r in records).most_common())
    return f"The options mean none of the {len(records)} series here ({there or 'it is empty'})."


def _fault(record: SeriesRecord) -> str:
    """Why a series cannot be used, as far as its files' presence and one header tell; empty where it can."""
    from LesionDetectionLib.io.dicom_headers import Skipped, quiet_pydicom, read_header

    which = f"the {record.modality} series {short(record.series_uid)}"
    missing = sum(not path.is_file() for path in record.files) + record.elsewhere
    if missing or not record.files:
        count = len(record.files) + record.elsewhere
        return f"{missing} of {count} files of {which} are not on this disk. Were they moved, deleted or never fetched?"
    with quiet_pydicom():
        for path in record.files[:_TRIED]:
            found = read_header(path)
            if isinstance(found, Skipped) and not found.damaged:
                return f"There is no volume in {which}: {found.kind}."
            if isinstance(found, list) and found:
                if found[0].series_uid != record.series_uid or found[0].modality != record.modality:
                    return f"The files of {which} now hold something else. Update the database, or import them again."
                return ""
    return f"The files of {which} are damaged or no DICOM. Copy or import them again."


def _is_phantom(path: Path) -> bool:
    """Whether an image says that it is of a phantom, as those that this program writes do. The first that does not ends
    the question for a cohort, so that it costs one header where there are patients."""
    import pydicom
    from LesionDetectionLib.io.dicom_headers import quiet_pydicom

    with quiet_pydicom(), contextlib.suppress(Exception):  # what is damaged is told when it is read
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["QualityControlImage"])
        return str(header.get("QualityControlImage", "")) == "YES"
    return False


def _labelling(
    records: Sequence[SeriesRecord],
    cases: Sequence[tuple[SeriesRecord, ...]],
    catalogue: SeriesCatalogue,
    options: DicomOptions,
    progress: Progress,
) -> _Labelling:
    if options.labels == NONE or not cases:
        return _Labelling()
    if options.labels.startswith(TABLE):
        path = _table_path(options.labels.removeprefix(TABLE), catalogue.folder)
        marks, left_out = read_marks(path, options.frame)
        mains = {case[0].series_uid for case in cases}
        others = len(set(marks) - mains)
        notes = [f"Series of the table that are no case here: {others} of {len(marks)}."] if others else []
        left_out = [left for left in left_out if left.case in mains or not _is_uid(left.case)]
        return _Labelling(marks=marks, of_images=read_image_labels(path), left_out=left_out, notes=notes)
    kinds = LABEL_MODALITIES if options.labels == AUTO else (options.labels.upper(),)
    patients = {record.patient_key for case in cases for record in case}
    images = [record for record in records if record.modality not in LABEL_MODALITIES and record.patient_known]
    other_patients = {record.patient_key for record in images} - patients
    # Labels with the key of no image may be of any case: without a Patient ID, the key is that of a study.
    meant = [record for record in records if record.modality in kinds and record.patient_key not in other_patients]
    labels, unreadable = read_labels(meant, progress)
    files, homeless = assign(labels, cases, catalogue)
    return _Labelling(files=files, left_out=[*unreadable, *homeless])


def _is_uid(text: str) -> bool:
    """Whether a row that was left out names a series, which may be none of this cohort."""
    return bool(text) and not text.strip("0123456789.")


def _table_path(name: str, folder: Path) -> Path:
    """Absolute, or in the DICOM folder, or where the program runs.

    Raises:
        InputError: in none of them.
    """
    for path in (folder / name, Path(name).expanduser()):
        if path.is_file():
            return path
    raise InputError(f"There is no table {name}, neither in the DICOM folder nor here. Write its whole path.")


def _case(records: tuple[SeriesRecord, ...], labelling: _Labelling, options: DicomOptions) -> DicomCase:
    main = records[0]
    found = {label.sop_uid: label for record in records for label in labelling.files.get(record.series_uid, ())}
    labels = _used(list(found.values()), options)
    marks = labelling.marks.get(main.series_uid)
    return DicomCase(
        id=main.series_uid,
        patient=main.patient_key,
        split="",
        modalities=tuple(record.modality for record in records),
        labelled=bool(labels) or marks is not None,
        series=tuple(ImageSeries(record.modality, record.series_uid, record.files) for record in records),
        label_files=tuple(LabelFile(label.kind, label.sop_uid, label.path) for label in labels),
        marks=marks or (),
        label=labelling.of_images.get(main.series_uid, ""),
        rules=options.rules,
    )


def _used(labels: Sequence[LabelRecord], options: DicomOptions) -> list[LabelRecord]:
    """The label files of one case that the options mean, the oldest first."""
    by_kind: dict[str, list[LabelRecord]] = defaultdict(list)
    for label in sorted(labels, key=lambda label: (label.made, label.sop_uid)):
        by_kind[label.kind].append(label)
    used = by_kind[SEG] or by_kind[RTSTRUCT]
    return used[-1:] if options.several == LATEST else used
