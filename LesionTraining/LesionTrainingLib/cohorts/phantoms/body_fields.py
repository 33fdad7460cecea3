"""Parts of a body as coarse signed distances in mm, negative inside: what places for lesions are made of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from .body_anatomy import Anatomy
from .chest_body import Body
from .chest_patient import LEFT, RIGHT, Patient, spine_a
from .fields import Float32, Grid, near_ellipsoid, near_polyline

Field = npt.NDArray[np.floating]

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


class BodyFields:
    """The coarse fields of one scan, each computed when first asked for."""

    def __init__(self, grid: Grid, anatomy: Anatomy) -> None:
        self.grid = grid
        self.patient: Patient = anatomy.patient
        self.body: Body = anatomy.whole.body
        self.great = anatomy.whole.great
        self.k = self.patient.size

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
