"""What can be set of a PET/CT phantom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from LesionDetectionLib.core.errors import UsageError

from .chest_settings import ChestSettings

AS_DRAWN, SOME_ACTIVE, NONE_ACTIVE = "any", "yes", "no"
"""Whether a phantom has active lesions: as its seed has it, at least one, or none."""


@dataclass(frozen=True)
class LesionSettings:
    """The lesions of the lungs; what is a range is drawn for each lesion.

    Which of them are active is drawn after their sizes, places and mean attenuation, so that nothing of these tells the
    active from the inactive: only texture and margin do, and the uptake.

    Attributes:
        number: least and greatest number of lesions, active or not.
        active: whether there are active ones: ``any`` (as the seed has it), ``yes`` (at least one) or ``no``.
        without_active: share of the seeds that have no active lesion, where ``active`` is ``any``.
        active_share: chance of each lesion to be active, where there are active ones; there is at least one.
        diameter_mm: least and greatest diameter (that of the sphere of the lesion's volume).
        typical_diameter_mm, diameter_spread: median, and standard deviation of the logarithm, of the diameters.
        places: how often a lesion lies in the lung's tissue, at the chest wall, or at the mediastinum; in any unit.
        hu, hu_spread: mean and standard deviation over lesions of a lesion's mean attenuation.
        texture_hu: standard deviation within an active lesion.
        texture_mm: size of its clumps, the full width at half maximum of what white noise is smoothed with.
        smooth_hu: standard deviation within an inactive lesion.
        spicule_mm: range of the lengths of an active lesion's spicules.
        necrotic: share of the active lesions of 20 mm or more with a core that takes up nothing.
        suv_active, typical_suv: least, greatest and median SUVbw of active lesions.
        suv_inactive: least and greatest SUVbw of inactive lesions.
    """

    number: tuple[int, int] = (1, 5)
    active: str = AS_DRAWN
    without_active: float = 0.3
    active_share: float = 0.5
    diameter_mm: tuple[float, float] = (8.0, 60.0)
    typical_diameter_mm: float = 22.0
    diameter_spread: float = 0.5
    places: tuple[tuple[str, float], ...] = (("parenchyma", 0.5), ("wall", 0.28), ("mediastinum", 0.22))
    hu: float = 32.0
    hu_spread: float = 12.0
    texture_hu: tuple[float, float] = (25.0, 40.0)
    texture_mm: tuple[float, float] = (3.0, 6.0)
    smooth_hu: float = 3.0
    spicule_mm: tuple[float, float] = (2.5, 9.0)
    necrotic: float = 0.4
    suv_active: tuple[float, float] = (3.5, 15.0)
    typical_suv: float = 6.5
    suv_inactive: tuple[float, float] = (0.8, 2.0)

    def __post_init__(self) -> None:
        for name in ("number", "diameter_mm", "texture_hu", "texture_mm", "spicule_mm", "suv_active", "suv_inactive"):
            low, high = getattr(self, name)
            if low < 0 or low > high:
                raise UsageError(f"The range {name} runs from {low:g} to {high:g}: give the smaller number first.")
        if self.diameter_mm[0] < 4 or self.diameter_mm[1] > 80:
            raise UsageError("Lesions of a PET/CT phantom are from 4 to 80 mm in diameter; change diameter_mm.")
        if self.active not in (AS_DRAWN, SOME_ACTIVE, NONE_ACTIVE):
            raise UsageError(f"active is “{self.active}”; choose one of: {AS_DRAWN}, {SOME_ACTIVE}, {NONE_ACTIVE}.")
        if self.active == SOME_ACTIVE and self.number[0] < 1:
            raise UsageError("Active lesions are asked for, and number allows none at all.")
        if not all(0 <= share <= 1 for share in (self.without_active, self.active_share, self.necrotic)):
            raise UsageError("without_active, active_share and necrotic are shares: from 0 to 1.")
        if {name for name, _ in self.places} - {"parenchyma", "wall", "mediastinum"} or not sum(
            weight for _, weight in self.places
        ):
            raise UsageError("Lesions lie in the parenchyma, at the wall or the mediastinum; change places.")


@dataclass(frozen=True)
class PetSettings:
    """The PET scanner and what the organs take up; ranges are drawn for each seed.

    Attributes:
        shape_ijk: voxels along i, j, k.
        spacing_mm: between voxel centres along i, j, k.
        fwhm_mm: range of the point spread's full width at half maximum.
        noise: standard deviation at SUVbw 1; it goes with the root of the uptake.
        noise_fwhm_mm: full width at half maximum of what white noise is smoothed with.
        breathing_mm: range of how far the diaphragm moves during the scan.
        scene_mm: about the voxel size in which the uptake is painted, in plane and along k.
        uptake: (organ, least, greatest) SUVbw; an organ that is not named takes up as its tissue does, by its
            attenuation.
    """

    shape_ijk: tuple[int, int, int] = (168, 168, 324)
    spacing_mm: tuple[float, float, float] = (4.07, 4.07, 3.0)
    fwhm_mm: tuple[float, float] = (5.0, 7.0)
    noise: float = 0.12
    noise_fwhm_mm: float = 6.0
    breathing_mm: tuple[float, float] = (4.0, 14.0)
    scene_mm: tuple[float, float] = (2.1, 3.0)
    uptake: tuple[tuple[str, float, float], ...] = (
        ("blood", 1.5, 2.0),
        ("lung", 0.4, 0.7),
        ("muscle", 0.5, 0.75),
        ("fat", 0.2, 0.3),
        ("marrow", 1.0, 1.5),
        ("myocardium", 2.0, 12.0),
        ("liver", 1.8, 2.6),
        ("spleen", 1.6, 2.2),
        ("stomach", 1.2, 2.6),
        ("pancreas", 1.2, 1.8),
        ("kidney", 3.0, 8.0),
        ("renal pelvis", 8.0, 20.0),
        ("ureter", 3.0, 12.0),
        ("bladder", 10.0, 40.0),
        ("gall bladder", 0.5, 1.0),
        ("bowel", 1.5, 4.0),
        ("small bowel", 0.9, 2.0),
        ("rectum", 1.0, 2.5),
        ("brain", 8.0, 12.0),
        ("white matter", 3.0, 5.0),
        ("tonsils", 2.0, 4.5),
        ("salivary glands", 1.4, 2.6),
    )

    def __post_init__(self) -> None:
        if min(self.shape_ijk) < 4 or min(self.spacing_mm) <= 0 or min(self.scene_mm) <= 0:
            raise UsageError("A PET needs at least 4 voxels along each axis, and spacings above zero.")
        for name in ("fwhm_mm", "breathing_mm"):
            low, high = getattr(self, name)
            if low < 0 or low > high:
                raise UsageError(f"The range {name} runs from {low:g} to {high:g}: give the smaller number first.")
        if self.noise < 0 or self.noise_fwhm_mm < 0:
            raise UsageError("The noise of a PET and its width are zero or more.")


_WHOLE_BODY = ChestSettings(
    shape_ijk=(512, 512, 320),
    spacing_mm=(0.977, 0.977, 3.0),
    spacing_jitter=0.02,
    slice_thickness_mm=3.0,
    psf_mm=1.4,
    tube_current_mas=(40.0, 120.0),
    kernel=(0.1, 0.6),
    mimics=(2, 6),
    patient_size=(0.9, 1.03),
    contrast=0.3,
)


@dataclass(frozen=True)
class PetCtSettings:
    """How PET/CT phantoms are made.

    Attributes:
        ct: the CT's grid, its noise, the patient's size, vessels and mimics, as for a chest phantom; its nodules are not
            painted.
        center_s_mm: middle of the CT's field of view above the middle of the lungs' frame, for a patient of size 1.
        step_mm: about the size of the coarse voxels that hold the organs' shapes.
        lesions: the lungs' lesions.
        pet: the PET.
    """

    ct: ChestSettings = _WHOLE_BODY
    center_s_mm: float = -78.0
    step_mm: float = 4.0
    lesions: LesionSettings = LesionSettings()
    pet: PetSettings = PetSettings()

    @property
    def slice_thickness_mm(self) -> float:
        """Of the CT."""
        return self.ct.slice_thickness_mm


DEFAULT = PetCtSettings()
"""From head to thigh: CT 512 x 512 x 320 voxels of 0.98 x 0.98 x 3 mm, PET 168 x 168 x 324 of 4.07 x 4.07 x 3 mm."""

FAST = PetCtSettings(
    ct=replace(_WHOLE_BODY, shape_ijk=(280, 220, 176), spacing_mm=(1.6, 1.6, 3.0), psf_mm=1.8, vessel_tips=700),
    center_s_mm=-65.0,
    step_mm=5.0,
    pet=PetSettings(shape_ijk=(120, 100, 180)),
)
"""Chest and abdomen, 1.6 mm pixels."""

CHEST = PetCtSettings(
    ct=replace(_WHOLE_BODY, shape_ijk=(330, 260, 84), spacing_mm=(1.0, 1.0, 3.0), psf_mm=1.2, vessel_tips=420),
    center_s_mm=-12.0,
    step_mm=5.5,
    lesions=LesionSettings(number=(2, 6)),
    pet=PetSettings(shape_ijk=(84, 68, 86), scene_mm=(2.5, 3.0)),
)
"""The lungs only, 1 mm pixels and 3 mm slices, more lesions: to learn from."""

TINY = PetCtSettings(
    ct=replace(
        _WHOLE_BODY,
        shape_ijk=(128, 104, 160),
        spacing_mm=(3.6, 3.6, 6.0),
        slice_thickness_mm=6.0,
        psf_mm=3.0,
        vessel_tips=100,
    ),
    step_mm=9.0,
    lesions=LesionSettings(number=(2, 4)),
    pet=PetSettings(shape_ijk=(88, 72, 176), spacing_mm=(5.5, 5.5, 5.5), scene_mm=(4.0, 6.0)),
)
"""From head to thigh in coarse voxels, to try the machinery; too coarse to learn or judge anything."""

PRESETS = {"default": DEFAULT, "fast": FAST, "chest": CHEST, "tiny": TINY}


def with_activity(settings: Any, active: str) -> Any:
    """The settings of a phantom with :attr:`LesionSettings.active` changed; as they are for ``any``.

    Raises:
        UsageError: there is no such choice, or the phantom is no PET/CT.
    """
    if active == AS_DRAWN:
        return settings
    if not isinstance(settings, PetCtSettings):
        raise UsageError(f"Only a PET/CT phantom has active lesions: leave active={active} out.")
    return replace(settings, lesions=replace(settings.lesions, active=active))
