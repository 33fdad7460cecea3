"""What can be set of a chest phantom."""

from __future__ import annotations

from dataclasses import dataclass, replace

from LesionDetectionLib.core.errors import UsageError


@dataclass(frozen=True)
class ChestSettings:
    """How chest phantoms are made; what is a range is drawn for each seed.

    Attributes:
        shape_ijk: voxels along i, j, k.
        spacing_mm: between voxel centres along i, j, k.
        spacing_jitter: the spacing varies from seed to seed by up to this share (0.05: five per cent).
        slice_thickness_mm: of the slice profile; what exceeds the spacing along k blurs.
        psf_mm: full width at half maximum of the in-plane point spread.
        tube_current_mas: range; the noise goes with one over its root.
        noise_hu: noise at 100 mAs, 1 mm slices, behind 200 mm of water.
        kernel: range of the reconstruction kernel's sharpness, 0 (soft tissue) to 1 (lung).
        nodules: least and greatest number of nodules.
        diameter_mm: least and greatest diameter of a nodule (that of the sphere of its volume).
        typical_diameter_mm: median of the diameters, whose logarithms are normal within the range.
        kinds: how often each kind of nodule comes, in any unit.
        spiculated: share of the solid and part-solid nodules with spicules.
        calcified: share of the solid nodules with calcium.
        mimics: least and greatest number of things that look like nodules.
        patient_size: range of the patient's size, 1 being a lung of about 240 mm height.
        contrast: share of patients with contrast medium in the blood.
        emphysema: greatest share of the lung that is emphysema.
        vessel_tips: about the number of ends of arteries in each lung (veins: 0.8 of it); the trees' fineness.
        vessel_exponent: x in r_parent^x = sum of r_child^x (Murray 3; pulmonary arteries 2.4 to 2.7, Huang et al.,
            J Appl Physiol 1996, 81:2123-2133).
    """

    shape_ijk: tuple[int, int, int] = (512, 512, 280)
    spacing_mm: tuple[float, float, float] = (0.7, 0.7, 1.25)
    spacing_jitter: float = 0.05
    slice_thickness_mm: float = 1.25
    psf_mm: float = 1.1
    tube_current_mas: tuple[float, float] = (40.0, 250.0)
    noise_hu: float = 30.0
    kernel: tuple[float, float] = (0.2, 1.0)
    nodules: tuple[int, int] = (1, 8)
    diameter_mm: tuple[float, float] = (3.0, 40.0)
    typical_diameter_mm: float = 8.0
    kinds: tuple[tuple[str, float], ...] = (
        ("solid", 0.45),
        ("part-solid", 0.12),
        ("ground-glass", 0.13),
        ("juxtapleural", 0.17),
        ("vascular", 0.13),
    )
    spiculated: float = 0.3
    calcified: float = 0.08
    mimics: tuple[int, int] = (4, 10)
    patient_size: tuple[float, float] = (0.88, 1.06)
    contrast: float = 0.4
    emphysema: float = 0.12
    vessel_tips: int = 1800
    vessel_exponent: float = 2.7

    def __post_init__(self) -> None:
        if min(self.shape_ijk) < 16 or min(self.spacing_mm) <= 0:
            raise UsageError("A chest phantom needs at least 16 voxels along each axis, and a spacing above zero.")
        for name in ("tube_current_mas", "kernel", "nodules", "diameter_mm", "mimics", "patient_size"):
            low, high = getattr(self, name)
            if low < 0 or low > high:
                raise UsageError(f"The range {name} runs from {low:g} to {high:g}: give the smaller number first.")
        if self.diameter_mm[0] < 1 or self.diameter_mm[1] > 80:
            raise UsageError("Nodules are from 1 to 80 mm in diameter; change diameter_mm.")
        if not self.kinds or sum(weight for _, weight in self.kinds) <= 0:
            raise UsageError("At least one kind of nodule needs a weight above zero; change kinds.")
        if self.slice_thickness_mm <= 0 or self.tube_current_mas[0] <= 0 or self.psf_mm < 0:
            raise UsageError("Slice thickness and tube current must be above zero, and the point spread not below.")
        if not 0 <= self.spacing_jitter < 0.5 or self.vessel_tips < 1 or self.vessel_exponent < 1:
            raise UsageError("spacing_jitter lies in [0, 0.5), vessel_tips and vessel_exponent are at least 1.")


DEFAULT = ChestSettings()
"""A diagnostic scan: 512 x 512 x 280 voxels, field of view about 358 x 358 x 350 mm."""

FAST = ChestSettings(
    shape_ijk=(320, 256, 216),
    spacing_mm=(1.0, 1.0, 1.25),
    psf_mm=1.3,
    nodules=(4, 12),
    mimics=(6, 14),
    vessel_tips=1400,
)
"""For training cohorts: the lungs only, coarser, more nodules a scan."""

TINY = replace(FAST, shape_ijk=(170, 136, 100), spacing_mm=(1.9, 1.9, 2.7), slice_thickness_mm=2.7, vessel_tips=300)
"""To try the machinery of large cohorts in a second a case; too coarse to learn or judge anything."""

PRESETS = {"default": DEFAULT, "fast": FAST, "tiny": TINY}
