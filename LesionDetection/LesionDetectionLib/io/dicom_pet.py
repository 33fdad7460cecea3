"""From the header of a PET series to the few numbers that its standardized uptake values follow from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from LesionDetectionLib.imaging.pet_decay import start_from_frame
from LesionDetectionLib.imaging.pet_header import PetHeader

from .dicom_headers import Plane, quiet_pydicom
from .dicom_times import date_time, parse_datetime, parse_time
from .pet_facts import differing


@dataclass(frozen=True)
class _Private:
    """Where a vendor writes something: its name as manufacturer, group, creator of the block, and element in it."""

    vendor: str
    group: int
    creator: str
    element: int


_GE_SCAN_TIME = _Private("GE", 0x0009, "GEMS_PETD_01", 0x0D)
_SIEMENS_DECAY_TIME = _Private("SIEMENS", 0x0071, "SIEMENS MED PT", 0x22)
_PHILIPS_SUV = _Private("PHILIPS", 0x7053, "Philips PET Private Group", 0x00)
_PHILIPS_ACTIVITY = _Private("PHILIPS", 0x7053, "Philips PET Private Group", 0x09)

_UCUM_UNITS = {"Bq/ml": ("BQML", "")} | {
    code: (units, suv_type)
    for name, units, suv_type in (
        ("SUVbw", "GML", "BW"),
        ("SUVlbm", "GML", "LBM"),
        ("SUVlbm(James128)", "GML", "LBMJAMES128"),
        ("SUVlbm(Janma)", "GML", "LBMJANMA"),
        ("SUVibw", "GML", "IBW"),
        ("SUVbsa", "CM2ML", "BSA"),
    )
    for of in ("g/ml" if units == "GML" else "cm2/ml",)
    for code in (f"{{{name}}}{of}", f"{of}{{{name}}}")
}
"""Units of the enhanced PET object, which states them as UCUM codes; to the classic ones and the type of SUV."""


_HALF_LIVES_S = {
    (11, "c"): 1223.0,
    (13, "n"): 598.0,
    (15, "o"): 122.2,
    (18, "f"): 6586.0,
    (64, "c"): 45_721.0,
    (68, "g"): 4063.0,
    (82, "r"): 76.0,
    (89, "z"): 282_280.0,
    (124, "i"): 360_800.0,
}
"""Of the nuclides of PET, by mass number and initial of the element (Decay Data Evaluation Project)."""


def read_pet_header(planes: Sequence[Plane]) -> PetHeader:
    """What the files of these planes say about SUV. Raises what pydicom does of a damaged file: errors of every kind."""
    with quiet_pydicom():
        return pet_header(dcmread(planes[0].path, stop_before_pixels=True, force=True), planes)


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
    stated = parse_datetime(dataset.get("DecayCorrectionDateTime"))
    reference = stated or parse_datetime(_private(dataset, _SIEMENS_DECAY_TIME))
    return PetHeader(
        units=units,
        suv_type=suv_type,
        corrections=tuple(sorted(corrections)),
        decay_correction=str(dataset.get("DecayCorrection") or ("START" if stated else "")).strip().upper(),
        weight_kg=_number(dataset.get("PatientWeight")),
        height_m=_number(dataset.get("PatientSize")),
        sex=str(dataset.get("PatientSex") or "").strip().upper(),
        dose_bq=_number(dose.get("RadionuclideTotalDose")),
        doses=len(dataset.get("RadiopharmaceuticalInformationSequence") or ()),
        half_life_s=half_life,
        nuclide_half_life_s=_nuclide_half_life_s(dose),
        injection=parse_datetime(dose.get("RadiopharmaceuticalStartDateTime")),
        injection_time=parse_time(dose.get("RadiopharmaceuticalStartTime")),
        series=date_time(dataset.get("SeriesDate"), dataset.get("SeriesTime")),
        earliest_acquisition=min(times) if times else None,
        frame_start=_frame_start(dataset, planes, half_life),
        ge_scan=parse_datetime(_private(dataset, _GE_SCAN_TIME)),
        decay_reference=reference,
        philips_suv_factor=_number(_private(dataset, _PHILIPS_SUV)),
        philips_activity_factor=_number(_private(dataset, _PHILIPS_ACTIVITY)),
        mapped_otherwise=_mapped_otherwise(dataset, planes),
        differing=differing(plane.pet_facts for plane in planes),
    )


def _units(dataset: Dataset) -> tuple[str, str]:
    units = str(dataset.get("Units") or "").strip().upper()
    if units:
        return units, str(dataset.get("SUVType") or "").strip().upper()
    code = str(_first(_mapping(dataset), "MeasurementUnitsCodeSequence").get("CodeValue") or "")
    return _UCUM_UNITS.get(code, (code, ""))


def _mapping(dataset: Dataset) -> Dataset:
    """To real-world values, as the enhanced object has it for all frames; empty where there is none."""
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    return _first(shared, "RealWorldValueMappingSequence") or _first(dataset, "RealWorldValueMappingSequence")


def _mapped_otherwise(dataset: Dataset, planes: Sequence[Plane]) -> bool:
    if dataset.get("Units"):
        return False
    mapping = _mapping(dataset)
    slope, intercept = _number(mapping.get("RealWorldValueSlope")), _number(mapping.get("RealWorldValueIntercept"))
    return any(
        mapped is not None and rescaled is not None and not math.isclose(mapped, rescaled, rel_tol=1e-4, abs_tol=1e-9)
        for plane in planes
        for mapped, rescaled in ((slope, plane.slope), (intercept, plane.intercept))
    )


def _frame_start(dataset: Dataset, planes: Sequence[Plane], half_life_s: float | None) -> datetime | None:
    """The scan's start from the times of one frame; None where they do not tell it.

    GE counts Frame Reference Time to the frame's beginning, as its Decay Factor shows: that of a frame of 240 s at 1215 s is
    2^(1335 / T).
    """
    acquisition = date_time(dataset.get("AcquisitionDate"), dataset.get("AcquisitionTime"))
    reference, duration = _number(dataset.get("FrameReferenceTime")), _number(dataset.get("ActualFrameDuration"))
    if acquisition is None or not reference or not duration or not half_life_s:
        return None
    if min(reference, duration, half_life_s) <= 0:
        return None
    offsets = {plane.marks.get("FrameReferenceTime") for plane in planes}
    if len(offsets) > 1 and len({plane.acquired for plane in planes}) == 1:
        return None  # the acquisition time is that of the series, not of the bed
    if str(dataset.get("Manufacturer") or "").strip().upper().startswith(_GE_SCAN_TIME.vendor):
        return acquisition - timedelta(milliseconds=reference)
    return start_from_frame(acquisition, reference, duration, half_life_s)


def _nuclide_half_life_s(dose: Dataset) -> float | None:
    """Of the nuclide that a dose names, as ``18F``, ``^18^Fluorine`` or ``F-18``; None for names of another kind."""
    named = str(_first(dose, "RadionuclideCodeSequence").get("CodeMeaning") or "")
    mass, letters = re.search(r"\d+", named), re.search(r"[A-Za-z]+", named)
    if mass is None or letters is None or letters[0].lower().startswith("ge"):
        return None
    return _HALF_LIVES_S.get((int(mass[0]), letters[0][0].lower()))


def _private(dataset: Dataset, place: _Private) -> Any:
    try:
        value = dataset.private_block(place.group, place.creator)[place.element].value
    except KeyError:
        # De-identification often removes the creator of the block and leaves what is in it.
        tag = (place.group, 0x1000 | place.element)
        vendor = str(dataset.get("Manufacturer") or "").strip().upper()
        if (place.group, 0x10) in dataset or tag not in dataset or not vendor.startswith(place.vendor):
            return None
        value = dataset[tag].value
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
