"""The types of lesion of a body phantom: where they lie, how large they are, what shape and attenuation they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body_anatomy import enhanced
from .chest_patient import Patient

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """One type of lesion.

    Attributes:
        name: in words.
        region: of :data:`~.body_settings.REGIONS`.
        share: how often it comes among the lesions of its region, in any unit.
        place: of :data:`~.body_places.PLACES`.
        heights: range of S in mm, for a patient of size 1, where such lesions are: where slabs are placed.
        plain_hu, enhanced_hu: mean attenuation without and with contrast medium; of an organ's lesion (``over_organ``) the
            difference to the organ's.
        size: the diameters' factor.
        least_mm, most_mm: diameters.
        long: range of the ratio of the longest to the shortest axis.
        rough: share of the radius by which the outline varies; 0 is an ellipsoid.
        texture_hu: standard deviation within.
        edge_mm: range of the border's blur (standard deviation).
        rim: chance of a bright rim; of large ones ``core`` that the middle is fluid.
        spiculated: chance of spicules.
        halo_mm: fat round it that sets it off from muscle.
        lost: greatest share that bones, organs and the air outside may cut off.
        covers: whether it is painted over vessels; if not, these keep free of it.
        over_organ: ``liver``, ``spleen``, or empty.
        only: ``enhanced`` or ``plain`` where it is seen in this phase only.
        flat: range of how many times wider than thick it lies along the organ's capsule; (0, 0) if it does not.
    """

    name: str
    region: str
    share: float
    place: str
    heights: Range
    plain_hu: Range
    enhanced_hu: Range
    size: float = 1.0
    least_mm: float = 3.0
    most_mm: float = 100.0
    long: Range = (1.0, 1.7)
    rough: float = 0.12
    texture_hu: Range = (4.0, 10.0)
    edge_mm: Range = (0.2, 0.7)
    rim: float = 0.0
    core: float = 0.0
    spiculated: float = 0.0
    halo_mm: float = 0.0
    lost: float = 0.22
    covers: bool = False
    over_organ: str = ""
    only: str = ""
    flat: Range = (0.0, 0.0)


_LUNGS, _CHEST, _LIVER, _BELLY, _PELVIS = (
    (-95.0, 100.0),
    (-45.0, 98.0),
    (-190.0, -80.0),
    (-300.0, -130.0),
    (-435.0, -300.0),
)
_NODE, _LIT_NODE = (22.0, 50.0), (55.0, 105.0)

KINDS = (
    Kind("lung nodule", "lung", 0.45, "lung", _LUNGS, (-60, 55), (-40, 85), 0.85, most_mm=32, long=(1, 1.6), rough=0.16, texture_hu=(8, 25), edge_mm=(0.2, 0.9), spiculated=0.35, covers=True),
    Kind("pleural nodule", "lung", 0.2, "pleura", _LUNGS, (-10, 55), (20, 90), 1.0, most_mm=50, long=(1, 2.2), rough=0.12, lost=0.6, covers=True),
    Kind("ground-glass nodule", "lung", 0.08, "lung", _LUNGS, (-680, -420), (-680, -400), 1.1, least_mm=6, most_mm=35, rough=0.18, texture_hu=(40, 90), edge_mm=(0.8, 2.0), covers=True),
    Kind("lung mass", "lung", 0.2, "lung", _LUNGS, (15, 50), (30, 90), 2.8, least_mm=22, most_mm=95, long=(1, 1.8), rough=0.22, texture_hu=(6, 18), spiculated=0.5, core=0.35, covers=True),
    Kind("mediastinal node", "mediastinum", 0.66, "mediastinum", _CHEST, _NODE, _LIT_NODE, 0.95, least_mm=5, most_mm=45, long=(1.1, 2.3), rough=0.1, core=0.2, rim=0.1),
    Kind("hilar node", "mediastinum", 0.16, "hilum", (-25, 35), _NODE, _LIT_NODE, 1.05, least_mm=8, most_mm=45, long=(1.1, 2.0)),
    Kind("mediastinal mass", "mediastinum", 0.18, "front mediastinum", (-25, 92), (25, 55), (40, 100), 2.6, least_mm=20, long=(1.1, 2.2), rough=0.2, texture_hu=(6, 16), core=0.35),
    Kind("liver metastasis", "liver", 0.72, "liver", _LIVER, (-28, -10), (-65, -22), 1.15, least_mm=5, long=(1, 1.5), rough=0.12, texture_hu=(4, 14), edge_mm=(0.6, 2.2), rim=0.35, core=0.25, covers=True, over_organ="liver"),
    Kind("liver cyst", "liver", 0.16, "liver", _LIVER, (2, 14), (0, 16), 0.9, most_mm=80, long=(1, 1.25), rough=0.03, texture_hu=(0, 2), edge_mm=(0.2, 0.5), covers=True),
    Kind("bright liver lesion", "liver", 0.12, "liver", _LIVER, (-15, -6), (18, 55), 1.0, least_mm=6, long=(1, 1.4), rough=0.1, texture_hu=(6, 16), edge_mm=(0.5, 1.5), covers=True, over_organ="liver", only="enhanced"),
    Kind("kidney cyst", "kidney", 0.45, "kidney", (-225, -128), (0, 18), (2, 22), 1.2, most_mm=90, long=(1, 1.2), rough=0.02, texture_hu=(0, 2), edge_mm=(0.2, 0.5), covers=True),
    Kind("kidney mass", "kidney", 0.55, "kidney", (-225, -128), (22, 46), (60, 125), 1.5, least_mm=8, most_mm=95, long=(1, 1.4), rough=0.1, texture_hu=(8, 24), edge_mm=(0.3, 1.0), core=0.4, covers=True),
    Kind("lytic vertebra", "bone", 0.3, "vertebra", (-318, 150), (30, 75), (45, 105), 1.2, least_mm=8, most_mm=40, rough=0.16, texture_hu=(10, 25), edge_mm=(0.4, 1.2), covers=True),
    Kind("sclerotic vertebra", "bone", 0.22, "vertebra", (-318, 150), (420, 850), (420, 850), 0.9, least_mm=5, most_mm=35, rough=0.18, texture_hu=(30, 90), edge_mm=(0.4, 1.5), covers=True),
    Kind("lytic pelvic bone", "bone", 0.2, "pelvic bone and beside", (-470, -268), (30, 65), (45, 100), 1.5, least_mm=8, most_mm=70, rough=0.16, texture_hu=(8, 20), covers=True),
    Kind("sclerotic pelvic bone", "bone", 0.1, "pelvic bone", (-470, -268), (420, 850), (420, 850), 1.0, least_mm=6, most_mm=40, rough=0.18, texture_hu=(30, 90), edge_mm=(0.4, 1.5), covers=True),
    Kind("rib lesion", "bone", 0.18, "rib", (-120, 95), (35, 80), (50, 105), 1.3, least_mm=8, most_mm=50, long=(1.2, 2.2), rough=0.12, texture_hu=(10, 30), covers=True),
    Kind("retroperitoneal node", "abdomen", 0.28, "beside the aorta", (-285, -122), _NODE, _LIT_NODE, 1.0, least_mm=5, most_mm=60, long=(1, 2.0), rough=0.1, core=0.15),
    Kind("mesenteric node", "abdomen", 0.22, "mesentery", (-330, -165), _NODE, _LIT_NODE, 1.0, least_mm=5, most_mm=60, long=(1, 2.2), rough=0.12),
    Kind("bowel mass", "abdomen", 0.16, "bowel", (-335, -175), (25, 50), (55, 105), 1.9, least_mm=14, long=(1, 2.0), rough=0.18, texture_hu=(6, 18), core=0.3, covers=True),
    Kind("adrenal mass", "abdomen", 0.14, "adrenal", (-155, -122), (5, 42), (45, 95), 1.4, least_mm=8, most_mm=70, long=(1, 1.6), rough=0.08, core=0.2),
    Kind("pancreatic mass", "abdomen", 0.1, "pancreas", (-188, -142), (25, 42), (30, 62), 1.6, least_mm=10, most_mm=60, long=(1, 1.8), rough=0.14, edge_mm=(0.6, 1.8), core=0.3),
    Kind("splenic lesion", "abdomen", 0.1, "spleen", (-170, -85), (-22, -8), (-65, -22), 1.1, least_mm=5, most_mm=60, long=(1, 1.5), edge_mm=(0.4, 1.6), covers=True, over_organ="spleen"),
    Kind("nodule under the skin", "soft tissue", 0.3, "under the skin", (-430, 100), (5, 50), (20, 80), 0.95, most_mm=50, long=(1, 2.0), rough=0.12, halo_mm=0.0),
    Kind("muscle lesion", "soft tissue", 0.24, "muscle", (-440, 110), (12, 30), (10, 36), 1.6, least_mm=11, most_mm=80, long=(1, 2.2), edge_mm=(0.3, 1.2), rim=0.5, core=0.3, covers=True),
    Kind("axillary node", "soft tissue", 0.2, "armpit", (35, 92), _NODE, _LIT_NODE, 1.0, least_mm=6, most_mm=45, long=(1.1, 2.2), halo_mm=4.0),
    Kind("inguinal node", "soft tissue", 0.14, "groin", (-452, -390), _NODE, _LIT_NODE, 1.0, least_mm=6, most_mm=45, long=(1.1, 2.2), halo_mm=4.0),
    Kind("cervical node", "soft tissue", 0.12, "neck", (125, 200), _NODE, _LIT_NODE, 1.0, least_mm=5, most_mm=45, long=(1.1, 2.2), halo_mm=3.0),
    Kind("iliac node", "pelvis", 0.45, "beside iliac vessels", (-425, -295), _NODE, _LIT_NODE, 1.0, least_mm=5, most_mm=60, long=(1, 2.1), rough=0.1, core=0.2),
    Kind("pelvic mass", "pelvis", 0.25, "pelvis", _PELVIS, (28, 55), (50, 110), 2.2, least_mm=18, long=(1, 1.8), rough=0.2, texture_hu=(6, 20), core=0.4, covers=True),
    Kind("ovarian cyst", "pelvis", 0.14, "pelvis", (-415, -330), (2, 20), (2, 24), 2.0, least_mm=15, long=(1, 1.4), rough=0.06, texture_hu=(0, 3), rim=0.6, covers=True),
    Kind("presacral lesion", "pelvis", 0.16, "before the sacrum", (-440, -340), (25, 50), (40, 95), 1.5, least_mm=10, most_mm=70, long=(1, 2.0), rough=0.14, core=0.2),
)  # fmt: skip

HAEMATOMAS = (
    Kind("liver haematoma", "liver", 0.07, "liver", _LIVER, (60, 80), (34, 60), 1.9, least_mm=12, most_mm=90, long=(1.1, 2.0), rough=0.24, texture_hu=(4, 12), edge_mm=(0.5, 2.0), covers=True),
    Kind("subcapsular liver haematoma", "liver", 0.06, "liver capsule", _LIVER, (52, 78), (28, 56), 2.4, least_mm=18, most_mm=80, rough=0.08, texture_hu=(3, 10), edge_mm=(0.3, 1.0), lost=0.8, covers=True, flat=(2.6, 4.5)),
)  # fmt: skip
"""Blood in and under the liver's capsule, where the settings want a liver study: it takes up no contrast medium, so it is
brighter than the liver without and darker with it (Casillas et al., RadioGraphics 2000;20:367). Clotted blood measures
45 to 70 HU, and fresh or old blood 30 to 45 HU."""


@dataclass(frozen=True)
class Look:
    """How one lesion is painted.

    Attributes:
        hu: mean attenuation.
        texture_hu, texture_mm: standard deviation, and size of clumps (full width at half maximum), within.
        edge_mm: blur of the border (standard deviation).
        rim_hu, rim_mm: what is added near the border; none where 0.
        core_hu: attenuation of a fluid core; NaN where there is none.
        core_size: its radius as a share of the lesion's.
    """

    hu: float
    texture_hu: float
    texture_mm: float
    edge_mm: float
    rim_hu: float
    rim_mm: float
    core_hu: float
    core_size: float


def kinds_of(region: str, patient: Patient, liver_study: bool = False) -> tuple[Kind, ...]:
    """The types of a region that are seen in this phase; of a liver study with haematomas."""
    phase = "enhanced" if enhanced(patient) else "plain"
    kinds = KINDS + HAEMATOMAS if liver_study else KINDS
    return tuple(kind for kind in kinds if kind.region == region and kind.only in ("", phase))


def draw_look(kind: Kind, patient: Patient, diameter_mm: float, rng: np.random.Generator) -> Look:
    lit = enhanced(patient)
    hu = float(rng.uniform(*(kind.enhanced_hu if lit else kind.plain_hu)))
    hu += {"liver": patient.liver_hu, "spleen": patient.spleen_hu, "": 0.0}[kind.over_organ]
    rim = bool(rng.random() < kind.rim)
    core = bool(rng.random() < kind.core) and diameter_mm >= 14
    return Look(
        hu=hu,
        texture_hu=float(rng.uniform(*kind.texture_hu)),
        texture_mm=float(rng.uniform(2.0, 5.0)),
        edge_mm=float(rng.uniform(*kind.edge_mm)) * min(1.0, diameter_mm / 12),
        rim_hu=(float(rng.uniform(15, 45)) if lit else float(rng.uniform(4, 12))) if rim else 0.0,
        rim_mm=float(rng.uniform(1.5, 3.5)),
        core_hu=float(rng.uniform(8, 28)) if core and hu > 30 else float("nan"),
        core_size=float(rng.uniform(0.35, 0.75)),
    )
