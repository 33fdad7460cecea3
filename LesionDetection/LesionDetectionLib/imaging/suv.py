"""From the values in a PET scan to the standardized uptake value by body weight (SUVbw), the unit inside this program.

The rules are the vendor-neutral pseudo-code of the Quantitative Imaging Biomarkers Alliance ("SUV vendor neutral
pseudo-code", RSNA QIBA FDG-PET/CT committee, robust version), extended by decay correction to the time of
administration, by the enhanced PET object, which states its reference time, and by scans that are in SUV of another type.
Where a rule does not hold, or the header contradicts itself, there is no factor but a sentence that says why: a wrong SUV
is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.core.image import BQ_PER_ML, SUV_BSA, SUV_BW, SUV_LBM

from .body_size import BSA, BW, LBM, LBM_JANMA, TYPE_WORDS, plausible_weight_kg, suv_per_suvbw
from .pet_decay import decay_of, decayed_dose
from .pet_header import PetHeader

DOSES_BQ = (1e6, 2e10)
"""Patients get 1e8 to 1e9 Bq, of nuclides that live for minutes a little more; a smaller "dose in Bq" is mostly in MBq."""
MOST_VENDORS_APART = 0.05
"""[choice] Two ways to SUV in one file that differ by more were not made from the same weight, dose or times."""
HIGHEST_BULK_SUV, LOWEST_SUV = 1000.0, -100.0
"""One voxel in a hundred of a PET never lies above: bladder and injection site are small. Activity in Bq/ml lies above."""

NOT_CONVERTED = "Not converted to SUV"
"""What the note of an image begins with whose PET values could not become SUV; the reason follows."""

_IN_SUV = {"GML": tuple(kind for kind in TYPE_WORDS if kind != BSA), "CM2ML": (BSA,)}
"""Units of values that are SUV already, and the types that have this unit; the first is meant where none is given."""
_LBM_NOTE = (
    "SUV of the type LBM was read with 120 for men in James' equation, as the type LBMJAMES128 beside it implies; some scanners "
    "wrote LBM for the one with 128, which is 1 to 4 % away."
)
_ADVICE = "Export the series in Bq/ml (BQML) or in SUV."


@dataclass(frozen=True)
class PetScale:
    """What to multiply rescaled PET values by, and what they then are.

    Attributes:
        factor: multiplies the values after rescale slope and intercept.
        unit: of the product: ``SUVbw``, ``Bq/ml``, or empty where unknown.
        reason: a sentence why it is not SUVbw; empty when it is.
        suv_factors: from SUVbw to other types, as :class:`~LesionDetectionLib.core.image.Image` has them.
        note: a sentence about what had to be assumed; empty for none.
    """

    factor: float
    unit: str
    reason: str = ""
    suv_factors: dict[str, float] = field(default_factory=dict)
    note: str = ""


def pet_scale(header: PetHeader) -> PetScale:
    """The factor to SUVbw where the header allows it, else to Bq/ml where it allows that, with the reason."""
    try:
        factor = suv_factor(header)
    except ModalityError as error:
        return without_suv(header, str(error))
    note = _LBM_NOTE if header.units == "GML" and header.suv_type == LBM else ""
    return PetScale(factor, SUV_BW, suv_factors=other_types(header)[0], note=note)


def without_suv(header: PetHeader, reason: str) -> PetScale:
    """The factor to Bq/ml where the header allows it, for values that do not become SUV for this reason."""
    if "units" not in header.differing and not header.mapped_otherwise:
        if header.units == "BQML":
            return PetScale(1.0, BQ_PER_ML, reason)
        if header.units == "CNTS" and _positive(header.philips_activity_factor) and not header.differing:
            assert header.philips_activity_factor is not None
            return PetScale(header.philips_activity_factor, BQ_PER_ML, reason)
    return PetScale(1.0, "", reason)


def suv_factor(header: PetHeader) -> float:
    """What rescaled values are to be multiplied by to become SUVbw in g/ml.

    Raises:
        ModalityError: the header does not allow it; the text is the reason.
    """
    if header.differing:
        raise ModalityError(
            f"The files of the series differ in {_listed(header.differing)}: they are not of one measurement. Separate them, or "
            "export the series again."
        )
    if header.mapped_otherwise:
        raise ModalityError(
            "The header maps the stored values to their unit in another way than by rescale slope and intercept, so it is not "
            "known what they are."
        )
    if header.units in _IN_SUV:
        return _factor_from_suv(header)
    if header.units not in ("BQML", "CNTS"):
        unit = f"“{header.units}”" if header.units else "unknown units"
        raise ModalityError(f"The values are in {unit}, from which no SUV follows. {_ADVICE}")
    missing = [name for code, name in (("ATTN", "attenuation"), ("DECY", "decay")) if code not in header.corrections]
    if missing:
        raise ModalityError(f"The images are not corrected for {' and '.join(missing)}, so no SUV follows from them.")
    return _factor_from_counts(header) if header.units == "CNTS" else _factor_from_activity(header)


def other_types(header: PetHeader) -> tuple[dict[str, float], tuple[str, ...]]:
    """Factors from SUVbw to the other types that lesions are measured in, and sentences why one is not known."""
    factors, reasons = {}, []
    for name, suv_type in ((SUV_LBM, LBM_JANMA), (SUV_BSA, BSA)):
        try:
            factors[name] = suv_per_suvbw(suv_type, header.body)
        except ModalityError as error:
            reasons.append(f"No SUV by {TYPE_WORDS[suv_type].split(' (')[0]}: {error}")
    return factors, tuple(reasons)


def impossible_values(slices: Sequence[npt.NDArray[Any]], factor: float) -> str:
    """Why values, times ``factor``, cannot be SUV, in a sentence; empty where they can.

    Args:
        slices: [rows, columns] each, rescaled; every fourth row and column of large ones is looked at.
    """
    steps = [max(1, min(values.shape) // 32) for values in slices]
    looked_at = [values[::step, ::step].ravel() for values, step in zip(slices, steps, strict=True)]
    sample = np.concatenate(looked_at).astype(np.float64) * factor
    if not np.isfinite(sample).all():
        return ""  # refused where the image is used, with what to do
    low, high = float(sample.min()), float(np.percentile(sample, 99))
    if low >= LOWEST_SUV and high <= HIGHEST_BULK_SUV:
        return ""
    what = f"one in a hundred lies above {high:.0f}" if high > HIGHEST_BULK_SUV else f"they reach down to {low:.0f}"
    return f"By the header the values would be SUV, and {what}, which cannot be right. Header and values do not belong together."


def _factor_from_suv(header: PetHeader) -> float:
    """For values that are SUV already; converting SUVbw again is the classic mistake."""
    known = _IN_SUV[header.units]
    suv_type = header.suv_type or known[0]
    if suv_type in TYPE_WORDS and suv_type not in known:
        raise ModalityError(
            f"The header contradicts itself: SUV by {TYPE_WORDS[suv_type]} is not in the units {header.units}. {_ADVICE}"
        )
    # A scan without attenuation correction is sometimes exported in SUV, too. Old converters list no corrections at all.
    if header.corrections and "ATTN" not in header.corrections:
        raise ModalityError("The images are not corrected for attenuation, so they are no SUV.")
    try:
        return 1.0 / suv_per_suvbw(suv_type, header.body)
    except ModalityError as error:
        words = TYPE_WORDS.get(suv_type, "")
        by = f" by {words}" if words else f" of the type {suv_type}"
        raise ModalityError(
            f"The values are SUV{by}, and do not follow by body weight: {error} Export the series in SUV by body weight or in Bq/ml."
        ) from error


def _factor_from_counts(header: PetHeader) -> float:
    """Philips' private factors: to SUVbw, or to Bq/ml (then as from there); where there are both, they have to agree."""
    to_suv, to_activity = header.philips_suv_factor, header.philips_activity_factor
    computed = None
    if _positive(to_activity):
        assert to_activity is not None
        try:
            computed = to_activity * _factor_from_activity(header)
        except ModalityError:
            if not _positive(to_suv):
                raise
    if not _positive(to_suv):
        if computed is None:
            raise ModalityError(
                f"The values are counts, and the scanner's private factor to SUV is not in the file. {_ADVICE}"
            )
        return computed
    assert to_suv is not None
    if header.suv_type not in ("", BW):
        raise ModalityError(
            f"The header contradicts itself: the scanner's factor is to SUV by body weight, the type given is {header.suv_type}."
        )
    if computed is not None and abs(computed / to_suv - 1) > MOST_VENDORS_APART:
        raise ModalityError(
            f"The header contradicts itself: the scanner's own factor to SUV and that from weight, dose and times differ by "
            f"{100 * abs(computed / to_suv - 1):.0f} %."
        )
    return to_suv


def _factor_from_activity(header: PetHeader) -> float:
    weight = plausible_weight_kg(header.body)
    if header.doses > 1:
        raise ModalityError(
            f"The header lists {header.doses} injections, so it is not known what the values stand for."
        )
    dose = header.dose_bq
    if dose is None or not dose > 0:
        raise ModalityError("The injected dose is not in the file, so no SUV follows.")
    if not DOSES_BQ[0] <= dose <= DOSES_BQ[1]:
        hint = " (is it in MBq?)" if dose < DOSES_BQ[0] else ""
        raise ModalityError(f"The injected dose is given as {dose:g} Bq, which cannot be right{hint}.")
    decay = decay_of(header)
    if decay.seconds == 0:
        return weight * 1000 / dose
    assert header.half_life_s is not None
    return weight * 1000 / decayed_dose(dose, decay.seconds, header.half_life_s)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
