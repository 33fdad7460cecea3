"""Where in a body the lesions of each type may lie: coarse signed distances in mm, negative where they may.

A place is two fields: where a lesion's middle may be, and the room that it may fill. Vessels that were painted are kept
free apart (see :mod:`.body_lesions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .body_fields import BodyFields, Field, most
from .fields import Float32

Fields = tuple[Field, Field]


@dataclass(frozen=True, eq=False)
class Place:
    """Attributes:
    middle: where the middle may lie.
    room: what the lesion may fill.
    """

    middle: Float32
    room: Float32


Maker = Callable[[BodyFields, float], Fields]
_MAKERS: dict[str, Maker] = {}


def _place(name: str) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        _MAKERS[name] = make
        return make

    return add


@_place("lung")
def _lung(at: BodyFields, radius: float) -> Fields:
    lung = at.body.lung
    return lung + min(radius + 1, 0.75 * max(-float(lung.min()), 2.0)), lung


@_place("pleura")
def _pleura(at: BodyFields, radius: float) -> Fields:
    lung = at.body.lung
    return np.maximum(np.abs(lung + 0.2 * radius) - 0.35 * radius, 2 - at.organs), lung


@_place("mediastinum")
def _mediastinum(at: BodyFields, radius: float) -> Fields:
    body = at.body
    solid = most([body.wall + 2, 1.5 - body.heart, 1 - at.backbone, 1 - at.organs])
    room = np.maximum(solid, -min(0.5 * radius, 6.0) - body.lung)  # it may bulge into the lung
    middle = most([solid + 1, 0.5 - body.lung, body.wall + 5, at.between(-50, 106)])
    middle = np.maximum(middle, at.vessels - 8 - 0.6 * radius)
    return np.asarray(np.maximum(middle, 0.35 * radius - at.vessels)), np.asarray(room)


@_place("front mediastinum")
def _front(at: BodyFields, radius: float) -> Fields:
    body, (r, a, _) = at.body, at.grid.coarse
    solid = most([body.wall + 1.5, 1.5 - body.heart, 1 - at.backbone])
    middle = most([solid + 2, -3 - body.lung, np.abs(r) - 34 * at.k, 16 * at.k - a, at.between(-30, 95)])
    return np.asarray(middle), np.asarray(np.maximum(solid, -0.8 * radius - body.lung))


@_place("hilum")
def _hilum(at: BodyFields, radius: float) -> Fields:
    hilum = at.pair(44, -10, 4, (15, 17, 24))
    solid = most([at.body.wall + 3, 1.5 - at.body.heart, 1 - at.backbone])
    beside = np.maximum(0.3 * radius - at.vessels, at.vessels - 7 - 0.5 * radius)
    return most([hilum, np.abs(at.body.lung) - 9, beside]), solid


@_place("liver")
def _liver(at: BodyFields, radius: float) -> Fields:
    room = np.maximum(at.body.liver + 0.5, 1 - at.organ("gall bladder", "kidney"))
    return np.maximum(room, at.body.liver + min(0.75 * radius, 18.0)), room


@_place("liver capsule")
def _liver_capsule(at: BodyFields, radius: float) -> Fields:
    """Under the capsule where it faces the body's wall."""
    room = np.maximum(at.body.liver + 0.5, 1 - at.organ("gall bladder", "kidney"))
    return most([np.abs(at.body.liver + 1) - 2.5, -14 - at.body.wall]), np.asarray(room)


@_place("kidney")
def _kidney(at: BodyFields, radius: float) -> Fields:
    kidney = at.organ("kidney")
    room = most(
        [
            at.body.wall + 2,
            1 - at.body.liver,
            1 - at.body.spleen,
            1 - at.backbone,
            2 - at.body.lung,
            kidney - 1.2 * radius,
        ]
    )
    middle = np.maximum(np.abs(kidney + 0.1 * radius + 1) - 0.35 * radius - 1, room + 0.4 * radius)
    return np.asarray(middle), np.asarray(room)


@_place("vertebra")
def _vertebra(at: BodyFields, radius: float) -> Fields:
    return at.vertebrae + min(0.4 * radius, 5.0), at.vertebrae - 0.8


@_place("pelvic bone")
def _pelvic_bone(at: BodyFields, radius: float) -> Fields:
    return np.maximum(at.bones + 1.5, at.between(-520, -262)), at.bones - 0.8


@_place("pelvic bone and beside")
def _beside_bone(at: BodyFields, radius: float) -> Fields:
    return np.maximum(at.bones + 1.0, at.between(-520, -262)), np.maximum(at.bones - 0.45 * radius, 1 - at.organs)


@_place("rib")
def _rib(at: BodyFields, radius: float) -> Fields:
    body = at.body
    pitch = at.patient.rib_pitch_mm
    first = np.floor(at.patient.apex_mm / pitch)
    number = np.clip(np.rint(body.rib_height / pitch), first - 11, first)
    beside = np.abs(body.rib_height - pitch * number)
    middle = most([np.abs(body.wall - 5) - 2.2, beside - 3.5, np.abs(body.around - 0.42) * 100 - 34])
    middle = np.maximum(middle, at.between(-170, 105))
    return np.asarray(middle), np.asarray(np.maximum(np.abs(body.wall - 5) - 9, body.skin + 3))


@_place("beside the aorta")
def _beside_aorta(at: BodyFields, radius: float) -> Fields:
    r, a, _ = at.grid.coarse
    middle = most([at.free + 1, at.vessels - 5 - 0.9 * radius, 0.45 * radius - at.vessels])
    middle = most([middle, np.abs(r) - 46 * at.k, np.abs(a - at.spine_center - 26) - 26, at.between(-288, -118)])
    return np.asarray(middle), at.free


@_place("mesentery")
def _mesentery(at: BodyFields, radius: float) -> Fields:
    a = at.grid.coarse[1]
    middle = most([at.free + 1.5, at.body.wall + 8, at.spine_center + 26 * at.k - a, at.between(-345, -150)])
    bowel = at.organ("small bowel")
    room = np.maximum(at.body.wall + 2, 1 - at.organ("bowel", "kidney", "pancreas", "bladder", "rectum"))
    room = most([room, 1 - at.body.liver, 1 - at.body.spleen, 1 - at.body.stomach, 1 - at.backbone, -2 - bowel])
    return np.asarray(middle), np.asarray(room)


@_place("bowel")
def _bowel(at: BodyFields, radius: float) -> Fields:
    bowel = at.organ("bowel", "small bowel")
    room = most([at.body.wall + 1.5, 1 - at.body.liver, 1 - at.body.spleen, 1 - at.backbone, 1 - at.bones])
    room = np.maximum(room, 1 - at.organ("kidney", "bladder"))
    return np.asarray(most([np.abs(bowel) - 6, room + 3, at.between(-350, -165)])), np.asarray(room)


@_place("adrenal")
def _adrenal(at: BodyFields, radius: float) -> Fields:
    gland = at.organ("adrenal")
    room = most(
        [
            at.body.wall + 2,
            1 - at.body.liver,
            1 - at.body.spleen,
            1 - at.backbone,
            1 - at.organ("kidney"),
            1 - at.body.lung,
        ]
    )
    return np.asarray(np.maximum(gland - 0.35 * radius, room + 0.3 * radius)), np.asarray(room)


@_place("pancreas")
def _pancreas(at: BodyFields, radius: float) -> Fields:
    gland = at.organ("pancreas")
    room = most([gland - 0.5 * radius, 1 - at.body.liver, 1 - at.body.spleen, 1 - at.organ("kidney"), 1 - at.backbone])
    return gland + 2.0, np.asarray(room)


@_place("spleen")
def _spleen(at: BodyFields, radius: float) -> Fields:
    return at.body.spleen + min(0.8 * radius, 10.0), at.body.spleen + 0.3


@_place("under the skin")
def _under_skin(at: BodyFields, radius: float) -> Fields:
    fat = np.maximum(at.outside, 1.0 - at.body.muscle)
    middle = most([fat + 1, at.body.skin + 2 + 0.75 * radius, 0.3 * radius - at.body.muscle])
    return np.asarray(middle), np.asarray(np.maximum(at.outside, -1.5 - at.body.muscle))


@_place("muscle")
def _muscle(at: BodyFields, radius: float) -> Fields:
    muscle = np.maximum(at.body.muscle, at.outside)
    deepest = max(1.0, -float(muscle.min()))
    return muscle + min(0.8 * radius, 0.6 * deepest), np.maximum(at.body.muscle - 1.0, at.outside)


@_place("armpit")
def _armpit(at: BodyFields, radius: float) -> Fields:
    room = most([13.0 - at.body.wall, at.body.skin + 4, 1 - at.bones, 1 - at.backbone])
    return np.asarray(np.maximum(at.pair(140, 2, 62, (24, 30, 34)), room + 0.6 * radius)), np.asarray(room)


@_place("groin")
def _groin(at: BodyFields, radius: float) -> Fields:
    room = most([at.body.skin + 3.5, 1 - at.bones])
    middle = most([at.pair(70, 48, -422, (26, 26, 40)), room + 0.6 * radius, at.vessels - 9 - radius])
    return np.asarray(np.maximum(middle, 0.5 * radius - at.vessels)), np.asarray(room)


@_place("neck")
def _neck(at: BodyFields, radius: float) -> Fields:
    middle = most([at.neck + 0.5 * radius, at.vessels - 9 - radius, at.between(118, 240)])
    return np.asarray(np.maximum(middle, 0.5 * radius - at.vessels)), at.neck


@_place("beside iliac vessels")
def _iliac(at: BodyFields, radius: float) -> Fields:
    inside = np.maximum(at.free, at.body.wall + 1)
    middle = most([inside + 0.5, at.vessels - 5 - 0.9 * radius, 0.45 * radius - at.vessels])
    return np.asarray(np.maximum(middle, at.between(-430, -290))), np.asarray(np.maximum(at.free, at.body.wall))


@_place("pelvis")
def _pelvis(at: BodyFields, radius: float) -> Fields:
    r = at.grid.coarse[0]
    room = most([at.cavity, 1 - at.organ("bladder", "rectum", "bowel")])
    middle = most([room + 0.4 * radius, at.between(-440, -318), np.abs(r) - 62 * at.k])
    return np.asarray(middle), np.asarray(room)


@_place("before the sacrum")
def _presacral(at: BodyFields, radius: float) -> Fields:
    a = at.grid.coarse[1]
    room = np.maximum(at.cavity, 1 - at.organ("bladder"))
    middle = most([room + 0.4 * radius, at.between(-445, -330), a + 8 * at.k])
    return np.asarray(middle), np.asarray(room)


PLACES = tuple(_MAKERS)


def place_of(fields: BodyFields, name: str, radius_mm: float) -> Place:
    """Where a lesion of about this radius may lie; ``name`` is one of :data:`PLACES`."""
    middle, room = _MAKERS[name](fields, radius_mm)
    shape = fields.grid.coarse_shape
    return Place(*(np.asarray(np.broadcast_to(x, shape), np.float32) for x in (middle, room)))
