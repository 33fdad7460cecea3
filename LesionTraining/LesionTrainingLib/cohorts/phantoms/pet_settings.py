"""What can be set of a PET phantom."""

from __future__ import annotations

from dataclasses import dataclass, replace

from LesionDetectionLib.core.errors import UsageError

LUNG, OESOPHAGUS, METASTASIS, NO_TUMOUR = "lung", "oesophagus", "metastasis", "none"
"""Kinds of tumours; the first two and ``none`` are what a whole image shows."""
PLACES = ("parenchyma", "wall", "hilum")
"""Where in a lung its tumour lies: in the tissue, at the chest wall, at the hilum."""


@dataclass(frozen=True)
class TumourSettings:
    """Primary tumours and metastases; what is a range is drawn for each.

    Attributes:
        lung_mm, typical_lung_mm, lung_spread: least, greatest and median diameter (that of the sphere of the same volume) of a
            lung's tumour, and standard deviation of its logarithm.
        lung_places: how often it lies in each of :data:`PLACES`; in any unit.
        length_mm, width_mm: of a tumour of the oesophagus, along and across it.
        suv, typical_suv, suv_spread: least, greatest and median SUVbw of a tumour's hottest part, as painted, and standard
            deviation of its logarithm.
        texture: standard deviation of the uptake within a tumour, as a share of its mean, before necrosis.
        clump_mm: size of the texture (standard deviation of what white noise is smoothed with).
        necrotic, necrotic_from_mm: share of the tumours of this diameter and more that have a core without uptake.
        without: of five patients that follow each other, so many have no tumour.
        with_metastases: share of the patients with a tumour that have metastases too.
        metastases: least and greatest number of metastases, where there are any.
    """

    lung_mm: tuple[float, float] = (15.0, 80.0)
    typical_lung_mm: float = 36.0
    lung_spread: float = 0.42
    lung_places: tuple[tuple[str, float], ...] = (("parenchyma", 0.4), ("wall", 0.3), ("hilum", 0.3))
    length_mm: tuple[float, float] = (20.0, 90.0)
    width_mm: tuple[float, float] = (15.0, 40.0)
    suv: tuple[float, float] = (4.0, 20.0)
    typical_suv: float = 10.0
    suv_spread: float = 0.42
    texture: tuple[float, float] = (0.05, 0.45)
    clump_mm: tuple[float, float] = (4.0, 9.0)
    necrotic: float = 0.45
    necrotic_from_mm: float = 38.0
    without: int = 0
    with_metastases: float = 0.0
    metastases: tuple[int, int] = (1, 5)

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("lung_mm", "length_mm", "width_mm", "suv", "texture", "clump_mm", "metastases"):
            low, high = getattr(self, name)
            if low < 0 or low > high:
                raise UsageError(f"The range {name} runs from {low:g} to {high:g}: give the smaller number first.")
        if self.lung_mm[0] < 8 or self.lung_mm[1] > 100 or self.width_mm[0] < 8 or self.length_mm[1] > 150:
            raise UsageError(
                "Tumours of a PET phantom measure 8 to 100 mm in the lung, and 8 to 150 mm in the oesophagus."
            )
        if not 0 <= self.without <= 5:
            raise UsageError(f"Of five patients 0 to 5 can be without a tumour, not {self.without}.")
        if not all(0 <= share <= 1 for share in (self.necrotic, self.with_metastases)):
            raise UsageError("necrotic and with_metastases are shares: from 0 to 1.")
        if {name for name, _ in self.lung_places} - set(PLACES) or not sum(weight for _, weight in self.lung_places):
            raise UsageError(f"Tumours of the lung lie at one of: {', '.join(PLACES)}; change lung_places.")


@dataclass(frozen=True)
class PetPhantomSettings:
    """The scanner, the field of view, what organs take up, and the tumours; ranges are drawn for each patient.

    Attributes:
        pixels: columns and rows.
        spacing_mm: between voxel centres along i, j, k.
        layers: slices that are painted together: one of the scene is so many of the PET.
        step_mm: about the size of the coarse voxels that hold the organs' shapes.
        patient_size: least and greatest; 1 is the usual.
        whole_head: share of the scans that begin above the head; others begin at the base of the skull.
        arms_up: share of the patients with their arms beside the head; others have them beside the trunk.
        fwhm_mm: of the point spread, the same along all axes.
        noise: standard deviation at SUVbw 1 in a body of usual thickness; it goes with the root of the uptake.
        noise_fwhm_mm: full width at half maximum of what white noise is smoothed with.
        breathing_mm: how far the diaphragm moves during the scan.
        tumours: the tumours.
        uptake: (organ, least, greatest) SUVbw.
    """

    pixels: tuple[int, int] = (144, 144)
    spacing_mm: tuple[float, float, float] = (4.06, 4.06, 2.0)
    layers: int = 2
    step_mm: float = 7.5
    patient_size: tuple[float, float] = (0.9, 1.1)
    whole_head: float = 0.7
    arms_up: float = 0.75
    fwhm_mm: tuple[float, float] = (5.5, 7.5)
    noise: tuple[float, float] = (0.1, 0.26)
    noise_fwhm_mm: float = 6.5
    breathing_mm: tuple[float, float] = (4.0, 14.0)
    tumours: TumourSettings = TumourSettings()
    uptake: tuple[tuple[str, float, float], ...] = (
        ("blood", 1.3, 2.0),
        ("lung", 0.35, 0.6),
        ("muscle", 0.5, 0.85),
        ("fat", 0.15, 0.32),
        ("soft tissue", 0.45, 0.8),
        ("marrow", 0.9, 1.9),
        ("myocardium", 1.6, 13.0),
        ("liver", 1.8, 2.9),
        ("spleen", 1.5, 2.2),
        ("stomach", 1.4, 3.6),
        ("oesophagus", 1.5, 2.6),
        ("pancreas", 1.2, 1.8),
        ("kidney", 2.2, 4.0),
        ("renal pelvis", 4.0, 22.0),
        ("ureter", 4.0, 20.0),
        ("bladder", 6.0, 50.0),
        ("gall bladder", 0.5, 1.0),
        ("bowel", 1.1, 3.4),
        ("small bowel", 0.9, 2.4),
        ("rectum", 1.0, 2.5),
        ("pelvic organ", 0.9, 1.7),
        ("brain", 7.0, 13.0),
        ("white matter", 3.0, 5.0),
        ("eye", 0.5, 0.8),
        ("tonsils", 2.0, 6.0),
        ("salivary glands", 1.4, 2.8),
        ("thyroid", 1.0, 2.0),
        ("vocal cords", 1.2, 4.5),
        ("testes", 1.6, 3.0),
        ("vein", 3.0, 15.0),
    )

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if min(self.pixels) < 16 or min(self.spacing_mm) <= 0 or self.layers < 1 or self.step_mm <= 0:
            raise UsageError("A PET needs at least 16 x 16 pixels, spacings above zero, and one layer or more.")
        for name in ("patient_size", "fwhm_mm", "noise", "breathing_mm"):
            low, high = getattr(self, name)
            if low < 0 or low > high:
                raise UsageError(f"The range {name} runs from {low:g} to {high:g}: give the smaller number first.")
        if not all(0.7 <= size <= 1.3 for size in self.patient_size):
            raise UsageError("Patients are of size 0.7 to 1.3.")
        if not all(0 <= share <= 1 for share in (self.whole_head, self.arms_up)) or self.noise_fwhm_mm < 0:
            raise UsageError("whole_head and arms_up are shares: from 0 to 1; the noise's width is zero or more.")
        for organ, low, high in self.uptake:
            if low < 0 or low > high:
                raise UsageError(f"The uptake of {organ} runs from {low:g} to {high:g}: give the smaller number first.")

    @property
    def slice_thickness_mm(self) -> float:
        return self.spacing_mm[2]


_SEVERAL = TumourSettings(without=1, with_metastases=1 / 3)

DEFAULT = PetPhantomSettings()
"""From the head or the base of the skull to the thighs in the voxels of the paper's scanner, 4.06 x 4.06 x 2.0 mm, 144 x 144 x
about 470: one tumour of lung or oesophagus a patient."""

MIXED = replace(DEFAULT, tumours=_SEVERAL)
"""As the default; a fifth of the patients has no tumour, and of the others a third has metastases."""

TINY = replace(DEFAULT, pixels=(96, 72), spacing_mm=(5.6, 5.6, 5.6), layers=1, step_mm=12.0)
"""The same body in coarse voxels, to try the machinery."""

TINY_MIXED = replace(TINY, tumours=_SEVERAL)

PRESETS = {"default": DEFAULT, "mixed": MIXED, "tiny": TINY, "tiny-mixed": TINY_MIXED}
