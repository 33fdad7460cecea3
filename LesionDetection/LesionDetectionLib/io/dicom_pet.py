"""From the header of a PET series to the few numbers that its standardized uptake values follow from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset

from LesionDetectionLib.imaging.suv import PetHeader, start_from_frame

from .dicom_headers import Plane
from .dicom_times import date_time, parse_datetime, parse_time

GE_GROUP, GE_CREATOR, GE_SCAN_DATETIME = 0x0009, "GEMS_PETD_01", 0x0D
PHILIPS_GROUP, PHILIPS_CREATOR = 0x7053, "Philips PET Private Group"
PHILIPS_SUV_FACTOR, PHILIPS_ACTIVITY_FACTOR = 0x00, 0x09

_UCUM_UNITS = {"Bq/ml": ("BQML", ""), "{SUVbw}g/ml": ("GML", "BW"), "g/ml{SUVbw}": ("GML", "BW")}
"""Units of the enhanced PET object, which states them as UCUM codes; to the classic ones."""


def pet_header(dataset: Dataset, planes: Sequence[Plane]) -> PetHeader:
    """What ``dataset`` (the header of one file) and the times of all planes of its series say about SUV.

    Malformed values count as missing: they end in a reason, not in an error.
    """
    dose = _first(dataset, "RadiopharmaceuticalInformationSequence")
    units, suv_type = _units(dataset)
    half_life = _number(dose.get("RadionuclideHalfLife"))
    times = [plane.acquired for plane in planes if plane.acquired is not None]
    corrected = dataset.get("CorrectedImage") or ()
    corrections = {str(code).upper() for code in ([corrected] if isinstance(corrected, str) else corrected)}
    if "DECAY" in corrections or dataset.get("DecayCorrected") == "YES":
        corrections.add("DECY")
    if dataset.get("AttenuationCorrected") == "YES":
        corrections.add("ATTN")
    reference = parse_datetime(dataset.get("DecayCorrectionDateTime"))
    return PetHeader(
        units=units,
        suv_type=suv_type,
        corrections=tuple(sorted(corrections)),
        decay_correction=str(dataset.get("DecayCorrection") or ("START" if reference else "")).strip().upper(),
        weight_kg=_number(dataset.get("PatientWeight")),
        dose_bq=_number(dose.get("RadionuclideTotalDose")),
        half_life_s=half_life,
        injection=parse_datetime(dose.get("RadiopharmaceuticalStartDateTime")),
        injection_time=parse_time(dose.get("RadiopharmaceuticalStartTime")),
        series=date_time(dataset.get("SeriesDate"), dataset.get("SeriesTime")),
        earliest_acquisition=min(times) if times else None,
        frame_start=_frame_start(dataset, half_life),
        ge_scan=parse_datetime(_private(dataset, GE_GROUP, GE_CREATOR, GE_SCAN_DATETIME)),
        decay_reference=reference,
        philips_suv_factor=_number(_private(dataset, PHILIPS_GROUP, PHILIPS_CREATOR, PHILIPS_SUV_FACTOR)),
        philips_activity_factor=_number(_private(dataset, PHILIPS_GROUP, PHILIPS_CREATOR, PHILIPS_ACTIVITY_FACTOR)),
    )


def _units(dataset: Dataset) -> tuple[str, str]:
    units = str(dataset.get("Units") or "").strip().upper()
    if units:
        return units, str(dataset.get("SUVType") or "").strip().upper()
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    mapping = _first(shared, "RealWorldValueMappingSequence") or _first(dataset, "RealWorldValueMappingSequence")
    code = str(_first(mapping, "MeasurementUnitsCodeSequence").get("CodeValue") or "")
    return _UCUM_UNITS.get(code, (code, ""))


def _frame_start(dataset: Dataset, half_life_s: float | None) -> datetime | None:
    acquisition = date_time(dataset.get("AcquisitionDate"), dataset.get("AcquisitionTime"))
    reference, duration = _number(dataset.get("FrameReferenceTime")), _number(dataset.get("ActualFrameDuration"))
    if acquisition is None or not reference or not duration or not half_life_s:
        return None
    if min(reference, duration, half_life_s) <= 0:
        return None
    return start_from_frame(acquisition, reference, duration, half_life_s)


def _private(dataset: Dataset, group: int, creator: str, element: int) -> Any:
    try:
        value = dataset.private_block(group, creator)[element].value
    except KeyError:
        return None
    # Implicit VR files leave private values as bytes (UN).
    return value.decode("ascii", errors="ignore").strip("\0 ") if isinstance(value, bytes) else value


def _first(dataset: Dataset, keyword: str) -> Dataset:
    items = dataset.get(keyword)
    return items[0] if items else Dataset()


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
