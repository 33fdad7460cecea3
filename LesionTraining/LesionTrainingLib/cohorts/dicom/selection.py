"""Which series become cases: picked by what their records say, put together where a case has two images."""

from __future__ import annotations

from collections.abc import Sequence

from ..cohort import LeftOut
from .options import DicomOptions
from .patterns import fits, parts_of
from .records import SeriesRecord, patient_key, short


def select(
    records: Sequence[SeriesRecord], options: DicomOptions
) -> tuple[list[tuple[SeriesRecord, ...]], list[LeftOut]]:
    """The series of each case, the main one first, in the order of ``records``; and what was left out.

    Left out are series that were asked for by name and cannot be used, and main images without their partner. Series that
    the options simply do not mean are not mentioned.
    """
    wanted = parts_of(options.series)
    left_out = _wrongly_wanted(records, wanted, options)
    chosen: list[tuple[SeriesRecord, ...]] = []
    for main in records:
        if not _is_meant(main, options.modalities[0], options) or (wanted and main.series_uid not in wanted):
            continue
        case, reason = _with_partners(main, records, options)
        if reason:
            left_out.append(LeftOut(main.series_uid, reason))
        else:
            chosen.append(case)
    return chosen, left_out


def _is_meant(record: SeriesRecord, modality: str, options: DicomOptions) -> bool:
    patients, studies = parts_of(options.patient), parts_of(options.study)
    return (
        record.modality == modality
        and fits(record.description, options.descriptions(modality))
        and (not patients or any(record.patient_key in (name, patient_key(name, "")) for name in patients))
        and (not studies or record.study_uid in studies or fits(record.study_description, studies))
    )


def _with_partners(
    main: SeriesRecord, records: Sequence[SeriesRecord], options: DicomOptions
) -> tuple[tuple[SeriesRecord, ...], str]:
    """The series of one case, or the reason why it is none."""
    case = [main]
    for modality in options.modalities[1:]:
        found = [
            record
            for record in records
            if record.study_uid == main.study_uid
            and record.frame_of_reference == main.frame_of_reference
            and _is_meant(record, modality, options)
        ]
        if not main.frame_of_reference:
            return (), f"It has no frame of reference, so no {modality} is known to lie in the same place."
        if not found:
            return (), f"Its study has no {modality} in the same frame of reference that the options mean."
        if len(found) > 1:
            named = ", ".join(f"“{record.description}”" for record in found)
            return (), f"{len(found)} {modality} series fit it: {named}. Name one: description={modality}:..."
        case += found
    return tuple(case), ""


def _wrongly_wanted(records: Sequence[SeriesRecord], wanted: Sequence[str], options: DicomOptions) -> list[LeftOut]:
    by_uid = {record.series_uid: record for record in records}
    left_out = []
    for uid in wanted:
        modality = options.modalities[0]
        if uid not in by_uid:
            left_out.append(LeftOut(uid, f"There is no series {short(uid)} here."))
        elif by_uid[uid].modality != modality:
            left_out.append(LeftOut(uid, f"The series is of modality {by_uid[uid].modality}, not {modality}."))
    return left_out
