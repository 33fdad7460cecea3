"""The body of a PET phantom: the shapes of a PET/CT phantom's on a coarse grid, its arms, and where its gullet runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .chest_body import Body, Organ
from .chest_patient import LEFT, RIGHT, Patient, draw_patient, with_whole_spine
from .chest_vessels import Path, great_vessels, shoulder_bones
from .fields import Float32, Grid, centred, cut, join, near_ellipsoid, near_polyline
from .pet_settings import PetPhantomSettings
from .petct_abdomen import finer
from .petct_body import Whole, add_body, chest_of
from .petct_trunk import head_of
from .phantom import random_stream
from .tubes import Tubes

Float64 = npt.NDArray[np.float64]

_TOP_MM, _BASE_MM, _BOTTOM_MM = 388.0, 292.0, -530.0
"""Heights above the head, at the base of the skull and in the thighs, S in mm for a patient of size 1."""
_SCENE_DEPTH_MM = 400.0
"""Front to back, what holds every body; there is air beyond."""
_CENTER_A_MM = 0.0
_BLEND_MM = 30.0
_VEIN_IN = 0.14
"""Share of the patients whose vein shows where the tracer was given."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One patient's body within the field of view.

    Attributes:
        grid: of the scene: the PET's pixels, ``layers`` of its slices together, and only the rows that hold a body.
        first_row: of the PET's rows, the scene's first.
        patient, whole: measures and shapes.
        gullet: the oesophagus from the throat to the stomach: points, [n, 3] RAS mm, and radii, [n] mm.
        vein: where the tracer was given, an arm's vein up to the chest; None where it does not show.
        humeri: shoulders' bones.
    """

    grid: Grid
    first_row: int
    patient: Patient
    whole: Whole
    gullet: Path
    vein: Tubes | None
    humeri: Tubes

    @property
    def body(self) -> Body:
        return self.whole.body


def build_anatomy(seed: int, settings: PetPhantomSettings) -> Anatomy:
    """The body of one seed. Raises UsageError for a negative one."""
    patient = with_whole_spine(draw_patient(seed, settings.patient_size, 0.0))
    rng = random_stream(seed, "pet position")
    arms_up = bool(rng.random() < settings.arms_up)
    grid, first_row = _scene(settings, patient, rng)
    great = great_vessels(seed, patient)
    whole = add_body(grid, seed, patient, chest_of(grid, seed, patient, great, 0.0), great)
    body = whole.body
    if not arms_up:
        body = _arms_down(grid, patient, body)
    body = replace(body, organs=(*body.organs, *_more_organs(grid, patient)))
    whole = replace(whole, body=body)
    return Anatomy(
        grid,
        first_row,
        patient,
        whole,
        gullet_of(patient, great.gullet),
        _vein(patient, arms_up, rng),
        shoulder_bones(patient).cut_up(8.0),
    )


def gullet_of(patient: Patient, chest: Path) -> Path:
    """The chest's gullet with its beginning in the neck, in points about 4 mm apart."""
    k = patient.size
    head = head_of(patient)
    start = np.array([(0.0, head.a_mm + 14, head.s_mm - 128 * head.size), (-1 * k, -8 * k, 158 * k)])
    points, radii = np.concatenate([start, chest[0]]), np.concatenate([[6.0 * k, 6.0 * k], chest[1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0, along[-1], int(along[-1] / 4.0) + 1)
    return np.stack([np.interp(at, along, axis) for axis in points.T], axis=1), np.interp(at, along, radii)


def _scene(settings: PetPhantomSettings, patient: Patient, rng: np.random.Generator) -> tuple[Grid, int]:
    k = patient.size
    i, j, along = settings.spacing_mm
    columns, rows = settings.pixels
    top = _TOP_MM * k if rng.random() < settings.whole_head else _BASE_MM * k + float(rng.uniform(-14, 14))
    thick = along * settings.layers
    count = max(8, int((top - _BOTTOM_MM * k + float(rng.uniform(-15, 15))) / thick))
    kept = min(rows, 2 * int(_SCENE_DEPTH_MM / j / 2))
    first = (rows - kept) // 2
    shift = np.round(rng.uniform(-6, 6, 2), 2)
    center = np.array((shift[0], _CENTER_A_MM + shift[1], top - count * thick / 2))
    # The scene's rows lie in the middle of the PET's, to within one row.
    geometry = centred((columns, kept, count), np.array((i, j, thick)), center)
    return Grid(geometry, settings.step_mm), first


def _arms_down(grid: Grid, patient: Patient, body: Body) -> Body:
    """Nothing beside the head; arms that lie along the trunk."""
    r, a, s = grid.coarse
    k = patient.size
    x = np.abs(r)
    beside: Float32 = np.asarray(np.minimum(x - 98 * k, s - 118 * k) + 0 * a, dtype=np.float32)
    skin = cut(body.skin, beside, 18)
    muscle = np.maximum(body.muscle, beside)
    fat = 0.4 * patient.fat_mm
    for side in (RIGHT, LEFT):
        line, radii = _arm_line(patient, side, False)
        arm = near_polyline(grid, line, radii, _BLEND_MM + fat)
        skin = join(skin, np.asarray(arm - fat, dtype=np.float32), 14)
        muscle = np.minimum(muscle, np.asarray(arm + 3, dtype=np.float32))
    bones = body.bones[:-1] if grid.coarse[2].max() > 150 * k else body.bones  # the last one is the raised arms'
    return replace(body, skin=skin, muscle=np.asarray(muscle, dtype=np.float32), bones=bones)


def _arm_line(patient: Patient, side: float, up: bool) -> tuple[Float64, Float64]:
    """Middle of an arm from the shoulder to the wrist: points, [n, 3] RAS mm, and radii, [n] mm."""
    k = patient.size
    if up:
        points = np.array([(142, -22, 78), (170, -24, 150), (192, -28, 260), (192, -22, 480)], dtype=np.float64) * k
        radii = np.array((46.0, 44, 36, 32)) * k
    else:
        out = 0.75 * (patient.fat_mm - 12)
        points = np.array(
            [(150, -24, 92), (184, -32, 20), (205, -36, -80), (212, -34, -165), (206, -8, -300), (196, 16, -410)],
            dtype=np.float64,
        )
        points *= k
        points[2:, 0] += out
        radii = np.array((46.0, 44, 38, 34, 30, 22)) * k
    points[:, 0] *= side
    return points, radii


def _more_organs(grid: Grid, patient: Patient) -> list[Organ]:
    """What a CT hardly shows and a PET does."""
    k = patient.size
    cords = near_ellipsoid(grid, np.array((0, 6, 152)) * k, np.array((8, 8, 5)) * k)
    organs = [Organ("vocal cords", cords, 0.0)]
    if not patient.female:
        sides = [near_ellipsoid(grid, np.array((x, 30, -494)) * k, np.array((11, 12, 16)) * k) for x in (-14, 14)]
        organs.append(Organ("testes", np.minimum(*sides), 0.0))
    return organs


def _vein(patient: Patient, arms_up: bool, rng: np.random.Generator) -> Tubes | None:
    side = RIGHT if rng.random() < 0.5 else LEFT
    seen, first = rng.random() < _VEIN_IN, float(rng.uniform(0, 0.6))
    if not seen:
        return None
    k = patient.size
    line, radii = _arm_line(patient, side, arms_up)
    line[:, 0] -= 0.5 * side * radii
    line = line[: 4 if arms_up else 5]
    line = line[: max(2, round(len(line) * (1 - first)))]
    inner = np.array([(52.0 * side, 12, 110), (88 * side, 8, 104), (118 * side, -4, 96)]) * k
    points = finer(np.concatenate([inner, line]), 6)
    return Tubes.along(points, np.full(len(points), 2.6))
