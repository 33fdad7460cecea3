"""Which image series a file of labels belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.progress import Progress

from ..cohort import LeftOut
from .records import RTSTRUCT, SEG, SeriesCatalogue, SeriesRecord, short

_ENOUGH = 16
"""So many referenced images tell the series."""


@dataclass(frozen=True)
class LabelRecord:
    """A SEG or RTSTRUCT file, and what it says of the images that it labels.

    Attributes:
        kind: SEG or RTSTRUCT.
        frames: Frame of Reference UIDs that it lies in.
        series: Series Instance UIDs that it refers to.
        instances: some of the images that it refers to, where it does not name their series.
        made: date and time, to tell the latest.
        patient: key of its patient, or empty where it has no Patient ID.
    """

    kind: str
    path: Path = field(repr=False)
    sop_uid: str
    series_uid: str
    frames: tuple[str, ...]
    series: tuple[str, ...]
    instances: tuple[str, ...]
    made: str
    patient: str = ""


def read_labels(records: Sequence[SeriesRecord], progress: Progress) -> tuple[list[LabelRecord], list[LeftOut]]:
    """The label files of these series, copies once; and those that cannot be read."""
    files = [(record, path) for record in records for path in record.files]
    found: dict[str, LabelRecord] = {}
    left_out = []
    for n, (record, path) in enumerate(files):
        progress(n / len(files), f"Reading labels' headers ({n + 1} of {len(files)})")
        try:
            label = _read(path, record)
            found.setdefault(label.sop_uid, label)
        except FileNotFoundError:
            left_out.append(LeftOut(record.series_uid, f"The {record.modality} file is missing. Was it moved?"))
        except Exception as error:  # damaged files bring errors of every kind
            reason = f"The {record.modality} is damaged ({type(error).__name__}). Copy or export it again."
            left_out.append(LeftOut(record.series_uid, reason))
    return list(found.values()), left_out


def assign(
    labels: Sequence[LabelRecord], cases: Sequence[tuple[SeriesRecord, ...]], catalogue: SeriesCatalogue
) -> tuple[dict[str, list[LabelRecord]], list[LeftOut]]:
    """The labels of each image series of the cases, by its UID; and those that belong nowhere.

    A label belongs to the series that it names, or else to that of the images that it names, or else, where it names none,
    to the one series in its frame of reference. Labels of series that are here but in no case are passed over.
    """
    here = {record.series_uid: record for record in catalogue.series()}
    of_cases = {record.series_uid: record for case in cases for record in case}
    mains = [case[0] for case in cases]
    found: dict[str, list[LabelRecord]] = defaultdict(list)
    left_out = []
    for label in labels:
        targets, reason = _targets(label, here, mains, catalogue)
        if reason:
            left_out.append(LeftOut(label.series_uid, reason))
        for uid in targets:
            if uid not in of_cases:
                continue
            reason = _mismatch(label, here[uid])
            if reason:
                left_out.append(LeftOut(label.series_uid, reason))
            else:
                found[uid].append(label)
    return dict(found), left_out


def _mismatch(label: LabelRecord, image: SeriesRecord) -> str:
    """Why a label cannot be of the series that it refers to; empty where it can."""
    refers = f"than the series {short(image.series_uid)} it refers to"
    frame = image.frame_of_reference
    if frame and label.frames and frame not in label.frames:
        return f"The {label.kind} lies in another frame of reference {refers}."
    if label.patient and image.patient_known and label.patient != image.patient_key:
        return f"The {label.kind} has another Patient ID {refers}. Is it of this patient? Correct one of the two."
    return ""


def _targets(
    label: LabelRecord, here: Mapping[str, SeriesRecord], mains: Sequence[SeriesRecord], catalogue: SeriesCatalogue
) -> tuple[tuple[str, ...], str]:
    """UIDs of the series, or the reason why there is none."""
    named = label.series or tuple(dict.fromkeys(filter(None, map(catalogue.series_of_instance, label.instances))))
    present = tuple(uid for uid in named if uid in here)
    if present:
        return present, ""
    if label.series or label.instances:
        return (), f"The {label.kind} refers to a series that is not here."
    same_frame = [record.series_uid for record in mains if record.frame_of_reference in label.frames]
    if len(same_frame) == 1:
        return (same_frame[0],), ""
    how_many = "none" if not same_frame else str(len(same_frame))
    return (), f"The {label.kind} names no image, and of the series chosen {how_many} lie in its frame of reference."


def _read(path: Path, record: SeriesRecord) -> LabelRecord:
    from LesionDetectionLib.io.dicom_headers import quiet_pydicom
    from pydicom import dcmread

    with quiet_pydicom():
        dataset = dcmread(path, stop_before_pixels=True)
        if record.modality == SEG:
            frames, series, instances = _of_segmentation(dataset)
        elif record.modality == RTSTRUCT:
            frames, series, instances = _of_contours(dataset)
        else:
            raise ValueError(f"{record.modality} holds no labels")
        made = "".join(
            _text(dataset, f"{prefix}Date").ljust(8, "0") + _text(dataset, f"{prefix}Time").ljust(6, "0")
            for prefix in ("StructureSet" if record.modality == RTSTRUCT else "Content", "Series", "InstanceCreation")
        )
        return LabelRecord(
            record.modality,
            path,
            str(dataset.SOPInstanceUID),
            record.series_uid,
            tuple(dict.fromkeys(filter(None, frames))),
            tuple(dict.fromkeys(filter(None, series))),
            tuple(dict.fromkeys(filter(None, instances)))[:_ENOUGH],
            made,
            record.patient_key if record.patient_known else "",
        )


References = tuple[list[str], list[str], list[str]]
"""Frames of reference, series, instances."""


def _of_segmentation(dataset: Any) -> References:
    series = [_text(item, "SeriesInstanceUID") for item in dataset.get("ReferencedSeriesSequence") or ()]
    sources = list(dataset.get("SourceImageSequence") or ())
    groups = [*(dataset.get("SharedFunctionalGroupsSequence") or ())]
    groups += [] if series else list(dataset.get("PerFrameFunctionalGroupsSequence") or ())
    for group in groups:
        for derivation in group.get("DerivationImageSequence") or ():
            sources += derivation.get("SourceImageSequence") or ()
    instances = [_text(item, "ReferencedSOPInstanceUID") for item in sources]
    return [_text(dataset, "FrameOfReferenceUID")], series, instances


def _of_contours(dataset: Any) -> References:
    frames = [_text(dataset, "FrameOfReferenceUID")]
    series, instances = [], []
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ():
        frames.append(_text(frame, "FrameOfReferenceUID"))
        for study in frame.get("RTReferencedStudySequence") or ():
            for item in study.get("RTReferencedSeriesSequence") or ():
                series.append(_text(item, "SeriesInstanceUID"))
    frames += [_text(roi, "ReferencedFrameOfReferenceUID") for roi in dataset.StructureSetROISequence]
    for roi in () if any(series) else dataset.get("ROIContourSequence") or ():
        for contour in roi.get("ContourSequence") or ():
            for image in contour.get("ContourImageSequence") or ():
                instances.append(_text(image, "ReferencedSOPInstanceUID"))
    return frames, series, instances


def _text(dataset: Any, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()
