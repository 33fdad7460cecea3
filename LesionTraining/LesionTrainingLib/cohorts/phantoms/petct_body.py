"""What a PET/CT phantom has beyond the chest: head, belly, pelvis and their organs, round the chest's own shapes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.lesion import Point

from .chest_body import Body, Bone, Organ, build_body
from .chest_patient import LEFT, RIGHT, Patient
from .chest_vessels import GreatVessels
from .fields import Float32, Grid, Layers
from .petct_abdomen import bowel, glands, kidneys, lower_vessels, pelvic_organs, upper_organs, ureters
from .petct_head import head_organs, head_skin, neck_vessels, throat
from .petct_pelvis import arm_bones, pelvic_bones
from .petct_trunk import head_of, whole_outline
from .phantom import random_stream
from .tubes import Tubes, blend, tube_cover

_URINE_HU = 8.0
_CHEST_S_MM = (-250.0, 170.0)
"""Heights between which the chest's shapes are computed, for a patient of size 1."""


@dataclass(frozen=True, eq=False)
class Whole:
    """A whole body.

    Attributes:
        body, great: shapes and vessels, the chest's among them.
        ureters: from kidneys to bladder.
        landmarks: places in RAS mm of ``heart`` (left ventricle), ``liver``, ``spleen``, ``left kidney``, ``right kidney``,
            ``bladder`` and ``brain``; whether or not they lie in the field of view.
    """

    body: Body
    great: GreatVessels
    ureters: Tubes
    landmarks: dict[str, Point]


def add_body(grid: Grid, seed: int, patient: Patient, body: Body, great: GreatVessels) -> Whole:
    """The chest's body with all else that lies in the field of view."""
    k = patient.size
    low, high = float(grid.coarse[2].min()), float(grid.coarse[2].max())
    body = whole_outline(grid, seed, patient, body)
    body = upper_organs(grid, seed, patient, body)
    places = {
        "heart": np.array((-38 * k, 16 * k, patient.dome_mm[0] + 20 * k)),
        "liver": np.array((62 * k, 8 * k, patient.dome_mm[0] - 50 * k)),
        "spleen": np.array((-88 * k, -42 * k, patient.dome_mm[1] - 58 * k)),
    }
    blood, air = list(great.blood), list(great.air)
    organs, bones = list[Organ](), list[Bone]()
    renal, middles, starts = kidneys(grid, seed, patient)
    places |= {"right kidney": middles[RIGHT], "left kidney": middles[LEFT]}
    pelvic, middle = pelvic_organs(grid, seed, patient)
    places["bladder"] = middle
    belly = [*glands(grid, seed, patient, body.liver), *renal]
    if low < -170 * k:
        belly = [*bowel(grid, seed, patient, body, [*belly, *pelvic]), *belly]
        blood += lower_vessels(seed, patient)
    if low < -260 * k:
        belly += pelvic
        bones += pelvic_bones(grid, patient)
    organs += [replace(organ, field=np.maximum(organ.field, 2 - body.lung)) for organ in belly]
    head = head_of(patient)
    places["brain"] = np.array((0.0, head.a_mm, head.s_mm))
    if high > 150 * k:
        above, skull, muscle = head_organs(grid, seed, head)
        organs += above
        bones += [*skull, arm_bones(grid, patient)]
        body = replace(
            body,
            skin=head_skin(grid, head, body.skin, patient.fat_mm),
            muscle=np.minimum(body.muscle, muscle),
        )
        air.append(throat(patient, head))
        blood += neck_vessels(patient, head)
    body = replace(body, organs=tuple(organs), bones=tuple(bones))
    urine = Tubes.of([Tubes.along(*path) for path in ureters(seed, patient, starts)]).cut_up(8.0)
    great = replace(great, blood=tuple(blood), air=tuple(air))
    return Whole(body, great, urine, {name: _point(place) for name, place in places.items()})


def chest_of(grid: Grid, seed: int, patient: Patient, great: GreatVessels, emphysema: float) -> Body:
    """The chest's shapes on the whole grid, computed where the chest is."""
    part = Layers.between(grid, _CHEST_S_MM[0] * patient.size, _CHEST_S_MM[1] * patient.size)
    body = build_body(part, seed, patient, [*great.blood[:6], *great.air], emphysema)
    whole: dict[str, Any] = {
        f.name: part.on_whole(getattr(body, f.name)) for f in fields(body) if f.name not in ("organs", "bones")
    }
    whole["patchy"] = grid.noise(random_stream(seed, "patchy"), 5)
    return Body(**whole)


def paint_ureters(grid: Grid, volume: Float32, ureters: Tubes) -> None:
    """In place, as urine."""
    covered = np.zeros(volume.shape, dtype=np.uint8)
    tube_cover(grid, ureters, covered)
    blend(volume, covered, _URINE_HU)


def _point(place: npt.NDArray[np.float64]) -> Point:
    r, a, s = (float(n) for n in place)
    return r, a, s
