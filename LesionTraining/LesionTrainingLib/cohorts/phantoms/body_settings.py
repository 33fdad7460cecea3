"""What can be set of a body phantom."""

from __future__ import annotations

from dataclasses import dataclass, replace

from LesionDetectionLib.core.errors import UsageError

REGIONS = ("bone", "abdomen", "mediastinum", "liver", "lung", "kidney", "soft tissue", "pelvis")
"""DeepLesion's regions, in the order of its coarse types 1 to 8."""
BODY, ABDOMEN_VIEW = "body", "abdomen"


@dataclass(frozen=True)
class BodySettings:
    """How body phantoms are made; what is a range is drawn for each seed.

    Attributes:
        columns: pixels along each side of a slice.
        pixel_mm: range of the pixel size; within it the field of view fits the patient.
        slices: how many; 0 for all of ``view``. A slab lies, by seed, where lesions are.
        view: what an image without a number of slices shows: ``body`` (neck to pelvis) or ``abdomen`` (from above the
            liver's dome to below the kidneys).
        spacing_mm: between the middles of slices.
        slice_thickness_mm: of the slice profile; what exceeds the spacing blurs.
        step_mm: about the size of the coarse voxels that hold the organs' shapes.
        psf_mm: range of the in-plane point spread's full width at half maximum.
        tube_current_mas: range; the noise goes with one over its root.
        noise_hu: noise at 100 mAs, 1 mm slices, behind 200 mm of water.
        kernel: range of the reconstruction kernel's sharpness, 0 (soft tissue) to 1 (lung).
        lesions: chances of 1, 2, 3, ... lesions, in any unit; a slab has at least one with its largest section within.
        without: share of the patients without any lesion; of slabs none.
        diameter_mm: least and greatest diameter of a lesion (that of the sphere of its volume).
        typical_diameter_mm, diameter_spread: median, and standard deviation of the logarithm, of the diameters; some types
            of lesion are larger or smaller than others.
        regions: how often a lesion lies in each region, in any unit.
        mimics: least and greatest number of things in the lungs that look like lesions.
        small_nodes: normal lymph nodes for each 100 mm of height.
        patient_size: range of the patient's size, 1 being a lung of about 240 mm height.
        contrast: share of patients with contrast medium, in the portal venous phase.
        liver: whether the liver is drawn for a study of its lesions: with its large veins, cleft and a gall bladder at its
            lower face, haematomas among the lesions, and more of what looks like a lesion (:mod:`.body_liver`).
        emphysema: greatest share of the lung that is emphysema.
        vessel_tips, vessel_exponent: of the lungs' vessels; see :class:`~.chest_settings.ChestSettings`.
    """

    columns: int = 512
    pixel_mm: tuple[float, float] = (0.65, 0.9)
    slices: int = 0
    view: str = BODY
    spacing_mm: float = 2.5
    slice_thickness_mm: float = 2.5
    step_mm: float = 4.0
    psf_mm: tuple[float, float] = (0.9, 1.5)
    tube_current_mas: tuple[float, float] = (100.0, 420.0)
    noise_hu: float = 30.0
    kernel: tuple[float, float] = (0.0, 0.55)
    lesions: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    without: float = 0.0
    diameter_mm: tuple[float, float] = (3.0, 100.0)
    typical_diameter_mm: float = 12.5
    diameter_spread: float = 0.52
    regions: tuple[tuple[str, float], ...] = (
        ("bone", 0.06),
        ("abdomen", 0.21),
        ("mediastinum", 0.17),
        ("liver", 0.15),
        ("lung", 0.22),
        ("kidney", 0.06),
        ("soft tissue", 0.08),
        ("pelvis", 0.1),
    )
    mimics: tuple[int, int] = (4, 9)
    small_nodes: float = 40.0
    patient_size: tuple[float, float] = (0.9, 1.06)
    contrast: float = 0.68
    liver: bool = False
    emphysema: float = 0.1
    vessel_tips: int = 1300
    vessel_exponent: float = 2.7

    def __post_init__(self) -> None:
        if self.columns < 64 or (self.slices != 0 and self.slices < 3):
            raise UsageError("A body phantom needs at least 64 columns and 3 slices (or 0 slices, for the whole body).")
        if self.view not in (BODY, ABDOMEN_VIEW):
            raise UsageError(f"The view of a body phantom is “{BODY}” or “{ABDOMEN_VIEW}”, not “{self.view}”.")
        if not 0 <= self.without <= 1:
            raise UsageError("The share of patients without lesions is from 0 to 1; change without.")
        for name in ("pixel_mm", "psf_mm", "tube_current_mas", "kernel", "diameter_mm", "mimics", "patient_size"):
            low, high = getattr(self, name)
            if low < 0 or low > high:
                raise UsageError(f"The range {name} runs from {low:g} to {high:g}: give the smaller number first.")
        if min(self.pixel_mm[0], self.spacing_mm, self.slice_thickness_mm, self.tube_current_mas[0], self.step_mm) <= 0:
            raise UsageError("Spacings, slice thickness and tube current must be greater than zero.")
        if self.diameter_mm[0] < 2 or self.diameter_mm[1] > 120:
            raise UsageError("Lesions of a body phantom are from 2 to 120 mm in diameter; change diameter_mm.")
        if not self.lesions or min(self.lesions) < 0 or sum(self.lesions) <= 0:
            raise UsageError("At least one number of lesions needs a chance above zero; change lesions.")
        if {name for name, _ in self.regions} - set(REGIONS) or sum(weight for _, weight in self.regions) <= 0:
            raise UsageError(f"Lesions lie in these regions: {', '.join(REGIONS)}; change regions.")


DEFAULT = BodySettings()
"""From neck to pelvis: 512 x 512 x about 270 voxels of about 0.75 x 0.75 x 2.5 mm."""

SLAB = replace(DEFAULT, slices=9, step_mm=3.4, lesions=(0.4, 0.3, 0.2, 0.1), mimics=(0, 3))
"""The few slices about a lesion that DeepLesion keeps; :mod:`.body_protocols` varies their distance."""

TINY = replace(
    SLAB,
    columns=128,
    pixel_mm=(2.6, 3.6),
    slices=5,
    spacing_mm=5.0,
    slice_thickness_mm=5.0,
    step_mm=7.0,
    psf_mm=(3.0, 4.0),
    diameter_mm=(10.0, 100.0),
    typical_diameter_mm=20.0,
    small_nodes=10.0,
    vessel_tips=120,
)
"""To try the machinery; too coarse to learn or judge anything."""

LIVER = replace(
    SLAB,
    regions=(("liver", 1.0),),
    contrast=0.97,
    liver=True,
    lesions=(0.45, 0.25, 0.15, 0.1, 0.05),
    typical_diameter_mm=15.0,
    diameter_spread=0.55,
)
"""A slab about a liver lesion, nearly always in the portal venous phase."""

ABDOMEN = replace(
    LIVER, slices=0, view=ABDOMEN_VIEW, step_mm=4.0, lesions=(0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05), without=0.1
)
"""The whole liver: 512 x 512 voxels of about 0.75 mm, in some 80 slices of 2.5 mm; a tenth of the patients has no lesion."""

_COARSE = {
    name: getattr(TINY, name)
    for name in (
        "columns",
        "pixel_mm",
        "spacing_mm",
        "slice_thickness_mm",
        "step_mm",
        "psf_mm",
        "small_nodes",
        "vessel_tips",
    )
}
LIVER_TINY = replace(LIVER, **_COARSE, slices=5, diameter_mm=(10.0, 100.0), typical_diameter_mm=20.0)
ABDOMEN_TINY = replace(
    ABDOMEN,
    **(_COARSE | {"spacing_mm": 10.0, "slice_thickness_mm": 10.0}),
    diameter_mm=(10.0, 100.0),
    typical_diameter_mm=20.0,
)
"""As :data:`TINY`."""

PRESETS = {
    "default": DEFAULT,
    "slab": SLAB,
    "tiny": TINY,
    "liver": LIVER,
    "abdomen": ABDOMEN,
    "liver-tiny": LIVER_TINY,
    "abdomen-tiny": ABDOMEN_TINY,
}
