"""What can be set for a run of ``active-pet-ct``. The method has no model: these are all its knowledge."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from ..region import check_region

FIXED, SHARE, PERCIST = RULES = ("fixed", "share", "percist")
EACH, BOTH = HULLS = ("each", "both")
BY_SHARE, BY_THRESHOLD = OUTLINES = ("share", "threshold")

RAISED_BY = 0.05
"""Steps in which an outline's share of its maximum is raised."""

_LEAST_SUV, _MOST_SUV = 0.1, 100.0


@dataclass(frozen=True)
class ActivePetCtSettings:
    """Choices that the paper leaves open [choice], and limits. SUV is always by body weight.

    Attributes:
        rule: which uptake is active [choice]: ``fixed``, a local maximum of ``seed_suv`` or more; ``share``, any of
            ``floor_suv`` or more, so that only the share of the lesion's own maximum counts; ``percist``, one of
            ``percist_factor`` times the liver's mean plus ``percist_deviations`` of its standard deviations or more.
        seed_suv: least SUVmax under the rule ``fixed``.
        floor_suv: least SUVmax under the rule ``share``, and of what ``all_candidates`` adds under any rule.
        outline: where a lesion ends [choice]: ``share``, at ``grow_share`` of its own SUVmax; ``threshold``, at the rule's
            least SUVmax, the usual fixed threshold of metabolic tumour volumes.
        grow_share: see ``outline``. 0.41 gives spheres in phantoms their volume at high contrast.
        grow_reach_mm: a lesion reaches so far beyond its voxels of the rule's least SUVmax. Where that is above
            ``grow_share`` of its maximum, it would else flow out into whatever takes up 1 to 2 SUV, as the mediastinum does.
        raised_share: where an outline flows out all the same, beyond its reach or out of the lungs' hull into an organ, the
            share at which it no longer does is looked for up to this one; the lesion then ends ``grow_share`` of the way
            from there to its maximum. At low contrast a share of the maximum alone is too low (J.F. Daisne et al.,
            Radiotherapy and Oncology 69 (2003) 247-250).
        split_share: two maxima are two lesions where uptake on every way between them falls below this share of the lower
            one's; noise makes dips of a few percent.
        lungs_only: look in the lungs' hull only, which needs the CT; else in the whole PET.
        hull: the convex hull, slice by slice, of ``each`` lung, or of ``both`` together with the mediastinum between them.
        hull_margin_mm: the hull is grown so much: PET is breathed through, and blurs by about as much.
        least_lung_share: lung base and apex are where a slice has less than this share of the largest slice's lung voxels.
        organs_thicker_mm: tissue in the hull in which a ball of this diameter has room, and from which it can roll on into
            the abdomen, is heart, liver, spleen or stomach, and is left out; 0 leaves nothing out.
        organ_margin_mm: so far around it is left out, too: a peak in the heart's wall may come to lie outside of it.
        least_share_inside: a lesion's peak, and this share of its volume, must lie in what is searched, if need be with a
            raised outline.
        region_ras_mm: only lesions whose peak lies in this box, axis-aligned in RAS mm (lowest and highest corner); None for
            everywhere.
        percist_factor, percist_deviations: of the liver reference (PERCIST 1.0: 1.5 means and 2 standard deviations).
        liver_sphere_mm: diameter of the sphere in the liver.
        liver_ras_mm: its centre, RAS mm; None to look for it below the right lung, which needs the CT.
        trust_positions: take CT and PET for aligned even where their frames of reference differ.
        least_overlap: of the smaller one's field of view, this share must lie in the other's.
        least_suvmax, least_volume_ml: what the controls begin with; 0 for the rule's least SUVmax. The default volume hides
            only specks: a point source at a resolution of 6 mm has 0.16 mL at 41 %.
        most_lesions: at most so many, the highest SUVmax, are reported.
        all_candidates: report uptake from ``floor_suv`` on, for a review that moves the controls.
        operating_point: a least SUVmax as text, or empty for ``least_suvmax``.
    """

    rule: str = FIXED
    seed_suv: float = 2.5
    floor_suv: float = 1.5
    outline: str = BY_SHARE
    grow_share: float = 0.41
    grow_reach_mm: float = 10.0
    raised_share: float = 0.7
    split_share: float = 0.6
    lungs_only: bool = True
    hull: str = EACH
    hull_margin_mm: float = 5.0
    least_lung_share: float = 0.05
    organs_thicker_mm: float = 60.0
    organ_margin_mm: float = 5.0
    least_share_inside: float = 0.5
    region_ras_mm: tuple[Point, Point] | None = None
    percist_factor: float = 1.5
    percist_deviations: float = 2.0
    liver_sphere_mm: float = 30.0
    liver_ras_mm: Point | None = None
    trust_positions: bool = False
    least_overlap: float = 0.25
    least_suvmax: float = 0.0
    least_volume_ml: float = 0.1
    most_lesions: int = 200
    all_candidates: bool = False
    operating_point: str = ""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("rule", self.rule, RULES),
            ("hull", self.hull, HULLS),
            ("outline", self.outline, OUTLINES),
        ):
            if value not in known:
                raise UsageError(f"There is no {name} “{value}” in active-pet-ct. Choose one of: {', '.join(known)}.")
        for name, suv in (("seed", self.seed_suv), ("lowest", self.floor_suv)):
            if not _LEAST_SUV <= suv <= _MOST_SUV:
                raise UsageError(f"The {name} SUV lies from {_LEAST_SUV:g} to {_MOST_SUV:g}, not at {suv:g}.")
        if not all(0 < share <= 1 for share in (self.grow_share, self.raised_share, self.split_share)):
            raise UsageError("The shares of a maximum, for outlines and between peaks, lie above 0 and at most at 1.")
        if not all(0 <= share <= 1 for share in (self.least_share_inside, self.least_lung_share, self.least_overlap)):
            raise UsageError("A least share lies from 0 to 1.")
        lengths = (self.grow_reach_mm, self.hull_margin_mm, self.organs_thicker_mm, self.organ_margin_mm)
        if not all(0 <= mm < math.inf for mm in lengths):
            raise UsageError("Distances in millimetres cannot be negative or without end.")
        if not (0 < self.percist_factor < math.inf and 0 <= self.percist_deviations < math.inf):
            raise UsageError("The factor of the liver's mean must be above 0, that of its deviation 0 or more.")
        if not 5 <= self.liver_sphere_mm <= 100:
            raise UsageError(f"A sphere of {self.liver_sphere_mm:g} mm in the liver is not between 5 and 100 mm.")
        if self.liver_ras_mm is not None and not all(map(math.isfinite, self.liver_ras_mm)):
            raise UsageError("The place in the liver needs three finite numbers (RAS mm).")
        if not (0 <= self.least_suvmax < math.inf and 0 <= self.least_volume_ml < math.inf):
            raise UsageError("The least SUVmax and the least volume are 0 or more.")
        if self.most_lesions < 1:
            raise UsageError("At least one lesion must be allowed.")
        check_region(self.region_ras_mm)

    @property
    def higher_shares(self) -> tuple[float, ...]:
        """The shares of a maximum, rising, at which it is tried whether an outline still flows out."""
        steps = math.floor((self.raised_share - self.grow_share) / RAISED_BY + 1e-6)
        return tuple(self.grow_share + RAISED_BY * (n + 1) for n in range(steps))

    def above_surroundings(self, share: float) -> float:
        """Where a lesion ends, as a share of its maximum, whose surroundings begin at ``share`` of it."""
        return share + self.grow_share * (1 - share)

    @property
    def chosen_suvmax(self) -> float | None:
        """The least SUVmax that the user asked for beyond the rule's; None where there is none.

        Raises:
            UsageError: the operating point is no number.
        """
        if not self.operating_point:
            return self.least_suvmax or None
        try:
            chosen = float(self.operating_point)
        except ValueError:
            chosen = math.nan
        if not 0 <= chosen < math.inf:
            raise UsageError(
                f"active-pet-ct has no operating point “{self.operating_point}”: give a least SUVmax, such as 4, or none."
            )
        return chosen


def settings_for(bundle: Bundle | None) -> ActivePetCtSettings:
    """The plain defaults: there is no model whose settings they could be.

    Raises:
        BundleError: a bundle of another method.
    """
    if bundle is not None:
        bundle.require_method("active-pet-ct")
    return ActivePetCtSettings()
