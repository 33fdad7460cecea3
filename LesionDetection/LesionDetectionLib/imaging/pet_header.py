"""What the header of a PET series says that matters for standardized uptake values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from .body_size import Body


@dataclass(frozen=True)
class PetHeader:
    """None or empty where the header says nothing.

    Attributes:
        units: Units (0054,1001): BQML, CNTS, GML, CM2ML, ...
        suv_type: SUV Type (0054,1006): BW, LBM, LBMJANMA, ...
        corrections: Corrected Image (0028,0051).
        decay_correction: Decay Correction (0054,1102): START, ADMIN, NONE.
        weight_kg, height_m, sex: of the patient, see :class:`~.body_size.Body`.
        dose_bq, half_life_s: injected activity, half-life of the nuclide.
        nuclide_half_life_s: that of the nuclide which the header names; None where that is not known.
        doses: number of items of the Radiopharmaceutical Information Sequence (0054,0016).
        injection: Radiopharmaceutical Start DateTime (0018,1078).
        injection_time: Radiopharmaceutical Start Time (0018,1072), whose day is unknown.
        series: Series Date and Time.
        earliest_acquisition: earliest Acquisition Date and Time of all images of the series.
        frame_start: what a frame's Acquisition time, Frame Reference Time (0054,1300) and Actual Frame Duration (0018,1242)
            give as the scan's start, see :func:`~.pet_decay.start_from_frame`.
        ge_scan: GE's private scan date and time (0009,xx0D).
        decay_reference: the moment that values are corrected to, where the file states it: Decay Correction DateTime
            (0018,9701) of the enhanced PET object, or Siemens' private (0071,xx22).
        philips_suv_factor, philips_activity_factor: private (7053,xx00) and (7053,xx09).
        mapped_otherwise: whether the units belong to other values than those after rescale slope and intercept.
        differing: what is not the same in all files of the series and has to be, in words.
    """

    units: str = ""
    suv_type: str = ""
    corrections: tuple[str, ...] = ()
    decay_correction: str = ""
    weight_kg: float | None = None
    height_m: float | None = None
    sex: str = ""
    dose_bq: float | None = None
    half_life_s: float | None = None
    nuclide_half_life_s: float | None = None
    doses: int = 1
    injection: datetime | None = None
    injection_time: time | None = None
    series: datetime | None = None
    earliest_acquisition: datetime | None = None
    frame_start: datetime | None = None
    ge_scan: datetime | None = None
    decay_reference: datetime | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None
    mapped_otherwise: bool = False
    differing: tuple[str, ...] = ()

    @property
    def body(self) -> Body:
        return Body(self.weight_kg, self.height_m, self.sex)
