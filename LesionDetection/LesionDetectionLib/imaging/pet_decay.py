"""How much of the injected activity is left at the moment that a PET's values are corrected to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from LesionDetectionLib.core.errors import ModalityError

from .pet_header import PetHeader

LONGEST_DECAY_HALF_LIVES = 6.0
"""[choice] After six half-lives 1.6 % is left: nobody scans then, so the times do not belong together."""
_MOST_HALF_LIFE_APART = 0.05
"""Published half-lives differ by less than one percent; rubidium-82 by three."""
_DAY_S = 86_400.0
_SAME_CLOCK_S = 60.0
"""So far the two statements of the injection's time may lie apart: one of them is often cut to minutes."""


@dataclass(frozen=True)
class Decay:
    """Attributes:
    seconds: from the injection to the moment that the values are corrected to.
    reference: what in the header says that moment.
    """

    seconds: float
    reference: str


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


def decay_of(header: PetHeader) -> Decay:
    """The time over which the injected activity decays; none where values are corrected to the injection.

    Raises:
        ModalityError: the header does not say it, or says what cannot be; the text is the reason.
    """
    if header.decay_correction == "ADMIN":
        return Decay(0.0, "the injection")
    if header.decay_correction != "START":
        raise ModalityError(
            "The images are not corrected for decay to the scan's start or the injection "
            f"(Decay Correction is “{header.decay_correction or 'empty'}”)."
        )
    half_life = header.half_life_s
    if half_life is None or not 0 < half_life < math.inf:
        raise ModalityError("The half-life of the radionuclide is not in the file, so no SUV follows.")
    known = header.nuclide_half_life_s
    if known is not None and abs(half_life / known - 1) > _MOST_HALF_LIFE_APART:
        raise ModalityError(
            f"The half-life is given as {half_life:g} s, and that of the nuclide that the header names is {known:g} s."
        )
    start, reference = _scan_start(header)
    return Decay(_seconds_since_injection(header, start, half_life), reference)


def _scan_start(header: PetHeader) -> tuple[datetime, str]:
    if header.decay_reference is not None:
        return header.decay_reference, "the stated time of decay correction"
    series, acquisition = header.series, header.earliest_acquisition
    if series is not None and (acquisition is None or series <= acquisition):
        return series, "the series' time"
    # A series time after the acquisition is when a workstation made the series.
    for candidate, said in (
        (header.ge_scan, "the scanner's private scan time"),
        (header.frame_start, "the frame's times"),
        (acquisition, "the earliest acquisition"),
    ):
        if candidate is not None:
            return candidate, said
    raise ModalityError("The time of the scan is not in the file, so the decay since the injection is unknown.")


def _seconds_since_injection(header: PetHeader, start: datetime, half_life_s: float) -> float:
    """From the injection to the scan's start; tried with the stated day first, then with the time of day alone."""
    if header.injection is None and header.injection_time is None:
        raise ModalityError("The time of the injection is not in the file, so no SUV follows.")
    _refuse_two_clocks(header)
    longest = LONGEST_DECAY_HALF_LIVES * half_life_s
    stated = None if header.injection is None else (start - header.injection).total_seconds()
    if stated is not None and 0 <= stated <= longest:
        return stated
    # De-identification may shift one date and not the other; the time of day survives it.
    clock = header.injection.time() if header.injection is not None else header.injection_time
    assert clock is not None
    by_clock = (start - datetime.combine(start.date(), clock)).total_seconds()
    if by_clock % _DAY_S <= longest and longest < _DAY_S:
        return by_clock % _DAY_S  # an injection before midnight
    if longest >= _DAY_S and stated is None:
        raise ModalityError(
            "The day of the injection is not in the file, and with a half-life of "
            f"{half_life_s / 3600:.0f} hours the scan may have been days after it."
        )
    apart = by_clock if stated is None else stated
    if apart < 0:
        raise ModalityError(f"The injection is given as {_span(-apart)} after the scan's start, which cannot be right.")
    raise ModalityError(f"The times of injection and scan lie {_span(apart)} apart, which cannot be right.")


def _refuse_two_clocks(header: PetHeader) -> None:
    if header.injection is None or header.injection_time is None:
        return
    same_day = datetime.combine(header.injection.date(), header.injection_time)
    apart = abs((header.injection - same_day).total_seconds())
    apart = min(apart, _DAY_S - apart)
    if apart > _SAME_CLOCK_S:
        raise ModalityError(f"The file gives two times of the injection, {_span(apart)} apart.")


def _span(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
