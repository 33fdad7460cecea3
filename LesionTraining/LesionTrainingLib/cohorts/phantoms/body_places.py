"""Where in a body the lesions of each type may lie: coarse signed distances in mm, negative where they may.

A place is two fields: where a lesion's middle may be, and the room that it may fill. Vessels that were painted are kept
free apart (see :mod:`.body_lesions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from .body_anatomy import Anatomy
from .chest_body import Body
from .chest_patient import LEFT, RIGHT, Patient, spine_a
from .fields import Float32, Grid, near_ellipsoid, near_polyline

Field = npt.NDArray[np.floating]
Fields = tuple[Field, Field]

_NO_ORGANS = ("", "fat", "fluid", "air", "white matter", "renal pelvis")
"""Names of what is painted as an organ but lies within another one."""
_WIDE = 45.0
"""How far from the great vessels their distance is told, in mm."""


def most(fields: Sequence[Field]) -> Float32:
    """The intersection of fields that broadcast."""
    return np.asarray(reduce(np.maximum, fields), dtype=np.float32)


def least(fields: Sequence[Field]) -> Float32:
    """The union of fields."""
    return np.asarray(reduce(np.minimum, fields), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Place:
    """Attributes:
    middle: where the middle may lie.
    room: what the lesion may fill.
    """

    middle: Float32
    room: Float32


class Places:
    """The coarse fields of one scan that places are made of, each computed when first asked for."""

    def __init__(self, grid: Grid, anatomy: Anatomy) -> None:
        self.grid = grid
        self.patient: Patient = anatomy.patient
        self.body: Body = anatomy.whole.body
        self.great = anatomy.whole.great
        self.k = self.patient.size

    def at(self, name: str, radius_mm: float) -> Place:
        """Where a lesion of about this radius may lie; ``name`` is one of :data:`PLACES`."""
        middle, room = _MAKERS[name](self, radius_mm)
        shape = self.grid.coarse_shape
        return Place(*(np.asarray(np.broadcast_to(x, shape), np.float32) for x in (middle, room)))

    def between(self, low: float, high: float) -> Field:
        """Below zero between two heights, S in mm of a patient of size 1: [k, 1, 1]."""
        s = self.grid.coarse[2]
        return np.asarray(np.maximum(low * self.k - s, s - high * self.k))

    def organ(self, *names: str) -> Float32:
        fields = [organ.field for organ in self.body.organs if organ.name in names]
        return least(fields) if fields else np.full(self.grid.coarse_shape, 60, np.float32)

    @cached_property
    def spine_center(self) -> Field:
        return spine_a(self.patient, self.grid.coarse[2])

    @cached_property
    def vertebra_size(self) -> Field:
        """[k, 1, 1]: size of the vertebra at each height, in mm for 1 mm of a chest's."""
        spine, s = self.patient.spine, self.grid.coarse[2]
        return np.asarray(np.interp(s, spine.heights, spine.scale) * self.k) if spine else np.full_like(s, self.k)

    @cached_property
    def vertebrae(self) -> Float32:
        """Vertebral bodies, without the discs between."""
        r, a, s = self.grid.coarse
        size = self.vertebra_size
        level = (np.hypot(r / (16.0 * size), (a - self.spine_center) / (14.0 * size)) - 1) * 14.0 * size
        level = np.maximum(level, 10.5 * size - np.hypot(r, a - self.spine_center + 22 * size))
        spine = self.patient.spine
        if spine is not None:
            phase = np.interp(s, spine.heights, spine.phase) % 1.0
            level = np.maximum(level, np.where((phase < 0.2) & (np.diff(spine.ends) > 0), 4.0, -60.0))
            level = np.maximum(level, np.maximum(spine.ends[0] - s, s - spine.ends[1]))
        return np.asarray(level, np.float32)

    @cached_property
    def backbone(self) -> Float32:
        """The spine with its arches, roughly."""
        r, a, _ = self.grid.coarse
        size = self.vertebra_size
        body = np.hypot(r, a - self.spine_center) - 17.5 * size
        arch = np.hypot(r / 1.4, a - self.spine_center + 27 * size) - 22 * size
        return np.asarray(np.minimum(body, arch), np.float32)

    @cached_property
    def bones(self) -> Float32:
        """Pelvis, sacrum, limbs and skull, not the chest's."""
        fields = [bone.field for bone in self.body.bones]
        return least(fields) if fields else np.full(self.grid.coarse_shape, 60, np.float32)

    @cached_property
    def organs(self) -> Float32:
        fields = [self.body.liver, self.body.spleen, self.body.stomach, self.body.heart]
        fields += [organ.field for organ in self.body.organs if organ.name not in _NO_ORGANS]
        return least(fields)

    @cached_property
    def vessels(self) -> Float32:
        """Distance of the great vessels' surface."""
        distances = [
            near_polyline(
                self.grid, points[::3] if len(points) > 12 else points, radii[::3] if len(points) > 12 else radii, _WIDE
            )
            for points, radii in self.great.blood
        ]
        return least(distances)

    @cached_property
    def free(self) -> Float32:
        """Within the body's wall, outside of organs, bones and lungs."""
        return most(
            [
                self.body.wall + 2,
                1 - self.organs,
                1 - self.backbone,
                1 - self.bones,
                0.5 - self.body.lung,
                0.5 - self.body.muscle,
            ]
        )

    @cached_property
    def cavity(self) -> Float32:
        """Within the pelvis: between its bones and muscles."""
        return most([self.body.wall + 3, 1 - self.bones, 1 - self.backbone, 0.5 - self.body.muscle])

    @cached_property
    def outside(self) -> Float32:
        """The body's flesh outside of its inner wall and ribs, under the skin, without bones."""
        return most([12.0 - self.body.wall, self.body.skin + 2.0, 1 - self.backbone, 1 - self.bones])

    @cached_property
    def neck(self) -> Float32:
        """The flesh of the neck: as :attr:`outside`, above the chest's wall."""
        return most([self.body.skin + 3.0, 1 - self.backbone, 1 - self.bones, 1 - self.organs, 1 - self.body.lung])

    def pair(self, r: float, a: float, s: float, radii: tuple[float, float, float]) -> Float32:
        """Two ellipsoids, right and left; in mm of a patient of size 1."""
        both = [
            near_ellipsoid(self.grid, np.array((side * r, a, s)) * self.k, np.array(radii) * self.k)
            for side in (RIGHT, LEFT)
        ]
        return np.minimum(*both)


Maker = Callable[[Places, float], Fields]
_MAKERS: dict[str, Maker] = {}


def _place(name: str) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        _MAKERS[name] = make
        return make

    return add


@_place("lung")
def _lung(at: Places, radius: float) -> Fields:
    lung = at.body.lung
    return lung + min(radius + 1, 0.75 * max(-float(lung.min()), 2.0)), lung


@_place("pleura")
def _pleura(at: Places, radius: float) -> Fields:
    lung = at.body.lung
    return np.maximum(np.abs(lung + 0.2 * radius) - 0.35 * radius, 2 - at.organs), lung


@_place("mediastinum")
def _mediastinum(at: Places, radius: float) -> Fields:
    body = at.body
    solid = most([body.wall + 2, 1.5 - body.heart, 1 - at.backbone, 1 - at.organs])
    room = np.maximum(solid, -min(0.5 * radius, 6.0) - body.lung)  # it may bulge into the lung
    middle = most([solid + 1, 0.5 - body.lung, body.wall + 5, at.between(-50, 106)])
    middle = np.maximum(middle, at.vessels - 8 - 0.6 * radius)
    return np.asarray(np.maximum(middle, 0.35 * radius - at.vessels)), np.asarray(room)


@_place("front mediastinum")
def _front(at: Places, radius: float) -> Fields:
    body, (r, a, _) = at.body, at.grid.coarse
    solid = most([body.wall + 1.5, 1.5 - body.heart, 1 - at.backbone])
    middle = most([solid + 2, -3 - body.lung, np.abs(r) - 34 * at.k, 16 * at.k - a, at.between(-30, 95)])
    return np.asarray(middle), np.asarray(np.maximum(solid, -0.8 * radius - body.lung))


@_place("hilum")
def _hilum(at: Places, radius: float) -> Fields:
    hilum = at.pair(44, -10, 4, (15, 17, 24))
    solid = most([at.body.wall + 3, 1.5 - at.body.heart, 1 - at.backbone])
    beside = np.maximum(0.3 * radius - at.vessels, at.vessels - 7 - 0.5 * radius)
    return most([hilum, np.abs(at.body.lung) - 9, beside]), solid


@_place("liver")
def _liver(at: Places, radius: float) -> Fields:
    room = np.maximum(at.body.liver + 0.5, 1 - at.organ("gall bladder", "kidney"))
    return np.maximum(room, at.body.liver + min(0.75 * radius, 18.0)), room


@_place("kidney")
def _kidney(at: Places, radius: float) -> Fields:
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
def _vertebra(at: Places, radius: float) -> Fields:
    return at.vertebrae + min(0.4 * radius, 5.0), at.vertebrae - 0.8


@_place("pelvic bone")
def _pelvic_bone(at: Places, radius: float) -> Fields:
    return np.maximum(at.bones + 1.5, at.between(-520, -262)), at.bones - 0.8


@_place("pelvic bone and beside")
def _beside_bone(at: Places, radius: float) -> Fields:
    return np.maximum(at.bones + 1.0, at.between(-520, -262)), np.maximum(at.bones - 0.45 * radius, 1 - at.organs)


@_place("rib")
def _rib(at: Places, radius: float) -> Fields:
    body = at.body
    pitch = at.patient.rib_pitch_mm
    first = np.floor(at.patient.apex_mm / pitch)
    number = np.clip(np.rint(body.rib_height / pitch), first - 11, first)
    beside = np.abs(body.rib_height - pitch * number)
    middle = most([np.abs(body.wall - 5) - 2.2, beside - 3.5, np.abs(body.around - 0.42) * 100 - 34])
    middle = np.maximum(middle, at.between(-170, 105))
    return np.asarray(middle), np.asarray(np.maximum(np.abs(body.wall - 5) - 9, body.skin + 3))


@_place("beside the aorta")
def _beside_aorta(at: Places, radius: float) -> Fields:
    r, a, _ = at.grid.coarse
    middle = most([at.free + 1, at.vessels - 5 - 0.9 * radius, 0.45 * radius - at.vessels])
    middle = most([middle, np.abs(r) - 46 * at.k, np.abs(a - at.spine_center - 26) - 26, at.between(-288, -118)])
    return np.asarray(middle), at.free


@_place("mesentery")
def _mesentery(at: Places, radius: float) -> Fields:
    a = at.grid.coarse[1]
    middle = most([at.free + 1.5, at.body.wall + 8, at.spine_center + 26 * at.k - a, at.between(-345, -150)])
    bowel = at.organ("small bowel")
    room = np.maximum(at.body.wall + 2, 1 - at.organ("bowel", "kidney", "pancreas", "bladder", "rectum"))
    room = most([room, 1 - at.body.liver, 1 - at.body.spleen, 1 - at.body.stomach, 1 - at.backbone, -2 - bowel])
    return np.asarray(middle), np.asarray(room)


@_place("bowel")
def _bowel(at: Places, radius: float) -> Fields:
    bowel = at.organ("bowel", "small bowel")
    room = most([at.body.wall + 1.5, 1 - at.body.liver, 1 - at.body.spleen, 1 - at.backbone, 1 - at.bones])
    room = np.maximum(room, 1 - at.organ("kidney", "bladder"))
    return np.asarray(most([np.abs(bowel) - 6, room + 3, at.between(-350, -165)])), np.asarray(room)


@_place("adrenal")
def _adrenal(at: Places, radius: float) -> Fields:
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
def _pancreas(at: Places, radius: float) -> Fields:
    gland = at.organ("pancreas")
    room = most([gland - 0.5 * radius, 1 - at.body.liver, 1 - at.body.spleen, 1 - at.organ("kidney"), 1 - at.backbone])
    return gland + 2.0, np.asarray(room)


@_place("spleen")
def _spleen(at: Places, radius: float) -> Fields:
    return at.body.spleen + min(0.8 * radius, 10.0), at.body.spleen + 0.3


@_place("under the skin")
def _under_skin(at: Places, radius: float) -> Fields:
    fat = np.maximum(at.outside, 1.0 - at.body.muscle)
    middle = most([fat + 1, at.body.skin + 2 + 0.75 * radius, 0.3 * radius - at.body.muscle])
    return np.asarray(middle), np.asarray(np.maximum(at.outside, -1.5 - at.body.muscle))


@_place("muscle")
def _muscle(at: Places, radius: float) -> Fields:
    muscle = np.maximum(at.body.muscle, at.outside)
    deepest = max(1.0, -float(muscle.min()))
    return muscle + min(0.8 * radius, 0.6 * deepest), np.maximum(at.body.muscle - 1.0, at.outside)


@_place("armpit")
def _armpit(at: Places, radius: float) -> Fields:
    room = most([13.0 - at.body.wall, at.body.skin + 4, 1 - at.bones, 1 - at.backbone])
    return np.asarray(np.maximum(at.pair(140, 2, 62, (24, 30, 34)), room + 0.6 * radius)), np.asarray(room)


@_place("groin")
def _groin(at: Places, radius: float) -> Fields:
    room = most([at.body.skin + 3.5, 1 - at.bones])
    middle = most([at.pair(70, 48, -422, (26, 26, 40)), room + 0.6 * radius, at.vessels - 9 - radius])
    return np.asarray(np.maximum(middle, 0.5 * radius - at.vessels)), np.asarray(room)


@_place("neck")
def _neck(at: Places, radius: float) -> Fields:
    middle = most([at.neck + 0.5 * radius, at.vessels - 9 - radius, at.between(118, 240)])
    return np.asarray(np.maximum(middle, 0.5 * radius - at.vessels)), at.neck


@_place("beside iliac vessels")
def _iliac(at: Places, radius: float) -> Fields:
    inside = np.maximum(at.free, at.body.wall + 1)
    middle = most([inside + 0.5, at.vessels - 5 - 0.9 * radius, 0.45 * radius - at.vessels])
    return np.asarray(np.maximum(middle, at.between(-430, -290))), np.asarray(np.maximum(at.free, at.body.wall))


@_place("pelvis")
def _pelvis(at: Places, radius: float) -> Fields:
    r = at.grid.coarse[0]
    room = most([at.cavity, 1 - at.organ("bladder", "rectum", "bowel")])
    middle = most([room + 0.4 * radius, at.between(-440, -318), np.abs(r) - 62 * at.k])
    return np.asarray(middle), np.asarray(room)


@_place("before the sacrum")
def _presacral(at: Places, radius: float) -> Fields:
    a = at.grid.coarse[1]
    room = np.maximum(at.cavity, 1 - at.organ("bladder"))
    middle = most([room + 0.4 * radius, at.between(-445, -330), a + 8 * at.k])
    return np.asarray(middle), np.asarray(room)


PLACES = tuple(_MAKERS)
