"""What uptake is related to besides body weight: lean body mass, ideal body weight, body surface area.

Sources: the types of SUV of DICOM (PS3.3 C.8.9.1, SUV Type (0054,1006), and the definitions of its calculation methods in
PS3.16), which the manual of the Image Biomarker Standardisation Initiative for SUV follows. The equations were fitted to
adults.

- ``LBMJANMA``: S. Janmahasatian et al., Quantification of lean bodyweight, Clinical Pharmacokinetics 44 (2005) 1051-1065.
- ``LBMJAMES128``: W.P.T. James, Research on obesity, HMSO 1976. For the very obese it falls with weight, even below zero.
- ``LBM``: the same with 120 in place of 128 for men (D.J. Morgan, K.M. Bray, Clinical Pharmacokinetics 26 (1994) 292-307), as
  that manual has it. PS3.3 says of both types that they are James's, and only of the other that it has 128.
- ``IBW``: Y. Sugawara et al., Radiology 213 (1999) 521-525.
- ``BSA``: D. Du Bois, E.F. Du Bois, Archives of Internal Medicine 17 (1916) 863-871.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from LesionDetectionLib.core.errors import ModalityError

BW, LBM, LBM_JAMES, LBM_JANMA, IBW, BSA = "BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW", "BSA"
"""Types of SUV by their DICOM terms."""
TYPE_WORDS = {
    BW: "body weight",
    LBM: "lean body mass (James, multiplier 120 for men)",
    LBM_JAMES: "lean body mass (James, multiplier 128 for men)",
    LBM_JANMA: "lean body mass (Janmahasatian)",
    IBW: "ideal body weight",
    BSA: "body surface area",
}

WEIGHTS_KG = (0.5, 500.0)
"""Plausible patients; grams or pounds typed as kilograms mostly fall outside."""
HEIGHTS_M = (0.3, 2.6)
"""Centimetres or inches typed as metres fall outside."""
_KG_PER_M2 = (8.0, 100.0)
"""Body mass indices that occur; beyond, weight and height are not of one person, or a unit is wrong."""
MALE, FEMALE = "M", "F"


@dataclass(frozen=True)
class Body:
    """A patient's size as a header gives it; None or empty where it says nothing.

    Attributes:
        weight_kg: Patient's Weight (0010,1030).
        height_m: Patient's Size (0010,1020).
        sex: Patient's Sex (0010,0040): ``M`` or ``F``; ``O`` and others choose no equation.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: str = ""


def suv_per_suvbw(suv_type: str, body: Body) -> float:
    """What SUV by body weight is to be multiplied by to be SUV of another type.

    Masses relate as they are: lean body mass over weight. SUV by surface area is in cm2/ml: the area in cm2 over the weight
    in g.

    Args:
        suv_type: a term of DICOM, see :data:`TYPE_WORDS`.

    Raises:
        ModalityError: the type is unknown, or the patient's size does not give it; the text is the reason.
    """
    if suv_type == BW:
        return 1.0
    if suv_type not in TYPE_WORDS:
        raise ModalityError(f"The type of SUV “{suv_type}” is not known.")
    weight = plausible_weight_kg(body)
    if suv_type == BSA:
        return body_surface_area_m2(body) * 1e4 / (weight * 1e3)
    if suv_type == IBW:
        return ideal_body_weight_kg(body) / weight
    if suv_type == LBM_JANMA:
        return lean_body_mass_janmahasatian_kg(body) / weight
    return lean_body_mass_james_kg(body, 120.0 if suv_type == LBM else 128.0) / weight


def lean_body_mass_janmahasatian_kg(body: Body) -> float:
    """9270 W / (6680 + 216 B) for men, 9270 W / (8780 + 244 B) for women, with the body mass index B in kg/m2.

    Raises:
        ModalityError: weight, height or sex is missing or cannot be right.
    """
    weight, height, sex = plausible_weight_kg(body), _height_m(body), _sex(body)
    index = weight / height**2
    constant, slope = (6680.0, 216.0) if sex == MALE else (8780.0, 244.0)
    return _lean(9270.0 * weight / (constant + slope * index), weight)


def lean_body_mass_james_kg(body: Body, men: float = 128.0) -> float:
    """1.10 W - ``men`` (W/H)2 for men, 1.07 W - 148 (W/H)2 for women, with the height H in cm.

    Raises:
        ModalityError: as above; or the patient is so heavy that the equation gives nothing that is left.
    """
    weight, height, sex = plausible_weight_kg(body), _height_m(body), _sex(body)
    slope, multiplier = (1.10, men) if sex == MALE else (1.07, 148.0)
    return _lean(slope * weight - multiplier * (weight / (100.0 * height)) ** 2, weight)


def ideal_body_weight_kg(body: Body) -> float:
    """48.0 + 1.06 (H - 152) for men, 45.5 + 0.91 (H - 152) for women, with the height H in cm.

    Raises:
        ModalityError: height or sex is missing or cannot be right; or nobody so small has an ideal weight by it.
    """
    height, sex = _height_m(body), _sex(body)
    least, slope = (48.0, 1.06) if sex == MALE else (45.5, 0.91)
    ideal = least + slope * (100.0 * height - 152.0)
    if ideal < WEIGHTS_KG[0]:
        raise ModalityError(f"There is no ideal body weight for a height of {height:g} m.")
    return ideal


def body_surface_area_m2(body: Body) -> float:
    """0.007184 W^0.425 H^0.725, with the height H in cm.

    Raises:
        ModalityError: weight or height is missing or cannot be right.
    """
    weight, height = plausible_weight_kg(body), _height_m(body)
    return float(0.007184 * weight**0.425 * (100.0 * height) ** 0.725)


def plausible_weight_kg(body: Body) -> float:
    """Raises ModalityError: it is missing or cannot be right."""
    weight = body.weight_kg
    if weight is None or not weight > 0:
        raise ModalityError("The patient's weight is not in the file, so no SUV by body weight follows.")
    if not WEIGHTS_KG[0] <= weight <= WEIGHTS_KG[1]:
        raise ModalityError(f"The patient's weight is given as {weight:g} kg, which cannot be right.")
    return weight


def _height_m(body: Body) -> float:
    height = body.height_m
    if height is None or not height > 0:
        raise ModalityError("The patient's height is not in the file.")
    if not HEIGHTS_M[0] <= height <= HEIGHTS_M[1]:
        raise ModalityError(f"The patient's height is given as {height:g} m, which cannot be right.")
    if body.weight_kg is not None and math.isfinite(body.weight_kg):
        index = body.weight_kg / height**2
        if not _KG_PER_M2[0] <= index <= _KG_PER_M2[1]:
            raise ModalityError(
                f"The patient's weight of {body.weight_kg:g} kg and height of {height:g} m do not belong together."
            )
    return height


def _sex(body: Body) -> str:
    if body.sex not in (MALE, FEMALE):
        said = f"given as “{body.sex}”" if body.sex else "not in the file"
        raise ModalityError(f"The patient's sex is {said}, and the equations are of men and of women.")
    return body.sex


def _lean(lean_kg: float, weight_kg: float) -> float:
    if not 0 < lean_kg <= weight_kg:
        raise ModalityError(
            f"The equation of lean body mass gives {lean_kg:.1f} kg for a weight of {weight_kg:g} kg: it does not hold for this "
            "patient's size."
        )
    return lean_kg
