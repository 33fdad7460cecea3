"""What a run tells beside its lesions, as sentences."""

from __future__ import annotations

from LesionDetectionLib.core.image import Image
from LesionDetectionLib.imaging.geometry import to_axial

from ..region import region_note
from .architecture import NONE
from .components import Found
from .looking import Looked
from .settings import PetWeakSettings

WHOLE_BODY_MM = 700.0
"""From the base of the skull to the thighs a small adult measures about this."""


def sentences(
    pet: Image, looked: Looked, found: Found, covered: float, left: int, settings: PetWeakSettings
) -> tuple[str, ...]:
    """All that must be shown with the result, but for what the bundle and the PET's values call for.

    Args:
        covered: share of the body's projection in which the maps count, in the view in which it is larger.
        left: so many lesions are more than are reported.
    """
    told = []
    if looked.probabilities:
        told.append(_kind(looked))
    if not found.components and not looked.says_none:
        told.append(
            "The maps of both projections meet at no uptake that could be a tumour's: nothing is marked, which rules out nothing. A "
            "click on a tumour outlines it."
        )
    if covered > settings.diffuse_share:
        told.append(
            f"The map is diffuse: it counts in {100 * covered:.0f} % of the body's projection, and so points nowhere. Do not rely "
            "on the places marked."
        )
    if found.least_suv > settings.least_suvmax:
        told.append(
            f"The map covers so much that only uptake with an SUVmax of {found.least_suv:.1f} or more was looked at there."
        )
    if found.unexplained:
        told.append(
            f"Left out: {found.unexplained} place(s) where both maps count, but where hotter uptake hides what lies there in both "
            "projections."
        )
    if (height := _height_mm(pet)) < WHOLE_BODY_MM:
        told.append(
            f"“{pet.name}” shows {height:.0f} mm of the body only; the model learned from whole bodies, and may miss or mark "
            "anything."
        )
    if settings.region_ras_mm is not None:
        told.append(region_note(settings.region_ras_mm, "Tumours"))
    if left:
        told.append(
            f"Only the {settings.most_lesions} highest scores of {settings.most_lesions + left} places are shown."
        )
    return (*told, *pet.notes)


def _kind(looked: Looked) -> str:
    odds = ", ".join(
        f"{name} {share:.2f}" for name, share in sorted(looked.probabilities.items(), key=lambda one: -one[1])
    )
    if looked.says_none:
        return (
            f"By its projections the network takes this scan for one without a tumour ({odds}): no place counts as one, which rules "
            f"out nothing. The map is that of {looked.kind}."
        )
    sure = "" if NONE in looked.probabilities else " It knows no scans without a tumour, and finds one in each."
    return f"By its projections the network takes this for {looked.kind} cancer ({odds}).{sure}"


def _height_mm(pet: Image) -> float:
    axial = to_axial(pet)
    return float(axial.shape_kji[0] * axial.spacing_mm[2])
