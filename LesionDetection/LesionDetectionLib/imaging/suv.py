"""From the activity in a PET scan to the standardized uptake value by body weight (SUVbw).

The rules are the vendor-neutral pseudo-code of the Quantitative Imaging Biomarkers Alliance ("SUV vendor neutral
pseudo-code", RSNA QIBA FDG-PET/CT committee, robust version), extended by decay correction to the time of
administration and by the enhanced PET object, which states its reference time. Where a rule does not hold there is no
factor but a sentence that says why: a wrong SUV is worse than none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.core.image import BQ_PER_ML, SUV_BW

LEAST_DOSE_BQ = 1e6
"""A smaller "dose in Bq" is a unit mistake: patients get 1e8 to 1e9 Bq, and some files state MBq."""
WEIGHTS_KG = (0.5, 500.0)
"""Plausible patients; grams or pounds typed as kilograms mostly fall outside."""
LONGEST_DECAY_HALF_LIVES = 10.0
"""After ten half-lives 0.1 % is left: nobody scans then, so the times do not belong together."""


@dataclass(frozen=True)
class PetHeader:
    """What the header of a PET series says that matters for SUV; None or empty where it says nothing.

    Attributes:
        units: Units (0054,1001): BQML, CNTS, GML, ...
        suv_type: SUV Type (0054,1006): BW, LBM, ...
        corrections: Corrected Image (0028,0051).
        decay_correction: Decay Correction (0054,1102): START, ADMIN, NONE.
        weight_kg, dose_bq, half_life_s: patient's weight, injected activity, half-life of the nuclide.
        injection: Radiopharmaceutical Start DateTime (0018,1078).
        injection_time: Radiopharmaceutical Start Time (0018,1072), whose day is unknown.
        series: Series Date and Time.
        earliest_acquisition: earliest Acquisition Date and Time of all images of the series.
        frame_start: what the frame's Acquisition time, Frame Reference Time (0054,1300) and Actual Frame Duration
            (0018,1242) give as the scan's start, see :func:`start_from_frame`.
        ge_scan: GE's private scan date and time (0009,xx0D).
        decay_reference: Decay Correction DateTime (0018,9701), which the enhanced PET object states.
        philips_suv_factor, philips_activity_factor: private (7053,xx00) and (7053,xx09).
    """

    units: str = ""
    suv_type: str = ""
    corrections: tuple[str, ...] = ()
    decay_correction: str = ""
    weight_kg: float | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    injection: datetime | None = None
    injection_time: time | None = None
    series: datetime | None = None
    earliest_acquisition: datetime | None = None
    frame_start: datetime | None = None
    ge_scan: datetime | None = None
    decay_reference: datetime | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None


@dataclass(frozen=True)
class PetScale:
    """What to multiply rescaled PET values by, and what they then are.

    Attributes:
        factor: multiplies the values after rescale slope and intercept.
        unit: of the product: ``SUVbw``, ``Bq/ml``, or empty where unknown.
        reason: a sentence why it is not SUVbw; empty when it is.
    """

    factor: float
    unit: str
    reason: str = ""


def pet_scale(header: PetHeader) -> PetScale:
    """The factor to SUVbw where the header allows it, else to Bq/ml where it allows that, with the reason."""
    try:
        return PetScale(suv_factor(header), SUV_BW)
    except ModalityError as error:
        if header.units == "BQML":
            return PetScale(1.0, BQ_PER_ML, str(error))
        if header.units == "CNTS" and _positive(header.philips_activity_factor):
            assert header.philips_activity_factor is not None
            return PetScale(header.philips_activity_factor, BQ_PER_ML, str(error))
        return PetScale(1.0, "", str(error))


def suv_factor(header: PetHeader) -> float:
    """What rescaled values are to be multiplied by to become SUVbw in g/ml.

    Raises:
        ModalityError: the header does not allow it; the text is the reason.
    """
    if header.units == "GML":
        # The values are SUV already; converting again is the classic mistake. An empty type means body weight.
        if header.suv_type not in ("", "BW"):
            raise ModalityError(f"The values are SUV of the type {header.suv_type}, not by body weight.")
        return 1.0
    if header.units not in ("BQML", "CNTS"):
        raise ModalityError(f"The values are in “{header.units or 'unknown units'}”, from which no SUV follows.")
    missing = [name for code, name in (("ATTN", "attenuation"), ("DECY", "decay")) if code not in header.corrections]
    if missing:
        raise ModalityError(f"The images are not corrected for {' and '.join(missing)}, so no SUV follows from them.")
    if header.units == "CNTS":
        if _positive(header.philips_suv_factor):
            assert header.philips_suv_factor is not None
            return header.philips_suv_factor
        if not _positive(header.philips_activity_factor):
            raise ModalityError("The values are counts, and the scanner's private factor to SUV is not in the file.")
        assert header.philips_activity_factor is not None
        return header.philips_activity_factor * _factor_from_activity(header)
    return _factor_from_activity(header)


def decayed_dose(dose_bq: float, seconds: float, half_life_s: float) -> float:
    """Activity in Bq that is left of ``dose_bq`` after ``seconds``: A = A0 * 2^(-t / T)."""
    return float(dose_bq * 2.0 ** (-seconds / half_life_s))


def start_from_frame(acquisition: datetime, reference_ms: float, duration_ms: float, half_life_s: float) -> datetime:
    """The start of a scan from one of its frames (QIBA robust pseudo-code, last branch).

    Frame Reference Time is the offset from the scan's start to the moment within the frame at which the decaying
    activity has the frame's average count rate; that moment lies a little before the frame's middle.
    """
    decay_constant = math.log(2) / half_life_s
    during = decay_constant * duration_ms / 1000
    average_s = math.log(during / -math.expm1(-during)) / decay_constant
    return acquisition + timedelta(seconds=average_s - reference_ms / 1000)


def _factor_from_activity(header: PetHeader) -> float:
    weight = header.weight_kg
    if weight is None or weight <= 0:
        raise ModalityError("The patient's weight is not in the file, so no SUV by body weight follows.")
    if not WEIGHTS_KG[0] <= weight <= WEIGHTS_KG[1]:
        raise ModalityError(f"The patient's weight is given as {weight:g} kg, which cannot be right.")
    dose = header.dose_bq
    if dose is None or dose <= 0:
        raise ModalityError("The injected dose is not in the file, so no SUV follows.")
    if dose < LEAST_DOSE_BQ:
        raise ModalityError(f"The injected dose is given as {dose:g} Bq, which cannot be right (is it in MBq?).")
    return weight * 1000 / _dose_at_reference(header, dose)


def _dose_at_reference(header: PetHeader, dose_bq: float) -> float:
    """The injected activity, decayed to the moment that the images are corrected to."""
    if header.decay_correction == "ADMIN":
        return dose_bq
    if header.decay_correction != "START":
        raise ModalityError(
            "The images are not corrected for decay to the scan's start or the injection "
            f"(Decay Correction is “{header.decay_correction or 'empty'}”)."
        )
    half_life = header.half_life_s
    if half_life is None or half_life <= 0:
        raise ModalityError("The half-life of the radionuclide is not in the file, so no SUV follows.")
    seconds = _seconds_since_injection(header, _scan_start(header), half_life)
    return decayed_dose(dose_bq, seconds, half_life)


def _scan_start(header: PetHeader) -> datetime:
    if header.decay_reference is not None:
        return header.decay_reference
    series, acquisition = header.series, header.earliest_acquisition
    if series is not None and (acquisition is None or series <= acquisition):
        return series
    # A series time after the acquisition is when a workstation made the series.
    for candidate in (header.ge_scan, header.frame_start, acquisition):
        if candidate is not None:
            return candidate
    raise ModalityError("The time of the scan is not in the file, so the decay since the injection is unknown.")


def _seconds_since_injection(header: PetHeader, start: datetime, half_life_s: float) -> float:
    """From the injection to the scan's start; tried with the stated day first, then with the time of day alone."""
    if header.injection is None and header.injection_time is None:
        raise ModalityError("The time of the injection is not in the file, so no SUV follows.")
    longest = LONGEST_DECAY_HALF_LIVES * half_life_s
    candidates = []
    if header.injection is not None:
        candidates.append((start - header.injection).total_seconds())
    # De-identification may shift one date and not the other; the time of day survives it.
    clock = header.injection_time or (header.injection.time() if header.injection else None)
    if clock is not None:
        seconds = (start - datetime.combine(start.date(), clock)).total_seconds()
        candidates.append(seconds if seconds >= 0 else seconds + timedelta(days=1).total_seconds())
    for seconds in candidates:
        if 0 <= seconds <= longest:
            return seconds
    raise ModalityError(
        f"The times of injection and scan lie {candidates[0] / 3600:.1f} hours apart, which cannot be right."
    )


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
