"""What the tissues of a PET phantom take up: the scene that its scanner sees, in SUVbw, painted slice by slice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.progress import Progress

from .chest_patient import Patient, spine_a, vertebra
from .fields import Float32, Grid, cover
from .pet_anatomy import Anatomy
from .pet_settings import PetPhantomSettings
from .phantom import random_stream
from .tubes import Tubes, tube_cover

_PATCHY = {
    "bowel": 0.6,
    "small bowel": 0.5,
    "brain": 0.1,
    "liver": 0.04,
    "lung": 0.12,
    "soft tissue": 0.2,
    "muscle": 0.1,
    "marrow": 0.08,
    "stomach": 0.25,
    "myocardium": 0.12,
    "oesophagus": 0.25,
    "spleen": 0.04,
    "ureter": 0.4,
}
"""How much the uptake varies within an organ: share of its mean, one standard deviation."""
_WIDE_RANGE = ("renal pelvis", "ureter", "bladder", "bowel", "vein", "tonsils")
"""Of these most patients take up little and few very much: drawn evenly in the logarithm."""
_SEGMENTS = ("bowel", "small bowel", "ureter")
"""These take up unevenly: from the background to several times their mean."""
_AVID_BOWEL, _AVID_FACTOR = 0.1, 2.2
"""Some bowels take up much more, as on metformin."""
_URETER_SHOWS = 0.4
"""Share of the ureters' length in which urine stands."""
_STOMACH_WALL_MM = 8.0
_LUMEN_SUV = 0.7
_DISC = 0.35
"""What a disc takes up, as a share of the marrow: it is no hollow, and the ends of the vertebrae reach into its slices."""
_NEAR_SUV = 0.03
"""Air in the windpipe, scattered."""


def draw_uptake(seed: int, settings: PetPhantomSettings) -> dict[str, float]:
    """SUVbw of each organ of one patient; a heart that lives on fat takes up little, one on sugar much."""
    rng = random_stream(seed, "pet uptake")
    drawn = {}
    for name, low, high in settings.uptake:
        share = rng.beta(0.6, 0.9) if name == "myocardium" else rng.random()
        if name in _WIDE_RANGE and low > 0:
            drawn[name] = float(low * (high / low) ** share)
        else:
            drawn[name] = float(low + share * (high - low))
    if rng.random() < _AVID_BOWEL:
        drawn["bowel"] *= _AVID_FACTOR
    return drawn


def paint_scene(seed: int, anatomy: Anatomy, settings: PetPhantomSettings, progress: Progress) -> Float32:
    """Everything but tumours: [k, j, i] SUVbw on the scene's grid.

    Raises:
        Cancelled: see ``progress``.
    """
    painter = _Painter(seed, anatomy, draw_uptake(seed, settings))
    out = np.zeros(anatomy.grid.geometry.shape_kji, dtype=np.float32)
    for k in range(len(out)):
        if k % 32 == 0:
            progress(k / len(out), "Painting the uptake")
        painter.paint_tissue(out[k], k)
    painter.paint_tubes(out)
    for k in range(len(out)):
        painter.paint_organs(out[k], k)
    progress(1.0, "Painting the uptake")
    return out


class _Painter:
    """Paints slices of one patient."""

    def __init__(self, seed: int, anatomy: Anatomy, uptake: Mapping[str, float]) -> None:
        self._grid, self._anatomy, self._uptake = anatomy.grid, anatomy, uptake
        self._body, self._patient = anatomy.body, anatomy.patient
        self._mm = anatomy.grid.geometry.spacing_mm[0]
        rng = random_stream(seed, "patchy uptake")
        self._patchy = np.float32(0.6) * self._grid.noise(rng, 10.0) + np.float32(0.8) * self._grid.noise(rng, 28.0)
        self._stands = random_stream(seed, "urine")
        self._myocardium = _Myocardium(self._grid, self._patient)

    def _suv(self, name: str, patchy: Float32) -> Float32 | np.float32:
        """SUVbw of a tissue in a slice, with its patches."""
        suv, vary = np.float32(self._uptake[name]), np.float32(_PATCHY.get(name, 0.0))
        if name in _SEGMENTS:
            return np.asarray(suv * np.exp(vary * (patchy - np.float32(0.3))), np.float32)
        return np.asarray(suv * np.maximum(1 + vary * patchy, 0.3), np.float32) if vary else suv

    def paint_tissue(self, out: Float32, k: int) -> None:
        """Skin, fat, muscles, bones, and what fills chest and belly."""
        grid, body, mm = self._grid, self._body, self._mm
        skin = grid.plane(body.skin, k)
        if skin.min() > mm:
            return
        patchy, wall = grid.plane(self._patchy, k), grid.plane(body.wall, k)
        out += cover(skin, mm) * self._uptake["fat"]
        rim = cover(np.abs(skin + 2) - 2, mm)
        out += rim * np.float32(0.25 * self._uptake["muscle"])
        inside = cover(wall + 2, mm)
        muscle = np.maximum(cover(grid.plane(body.muscle, k), mm), cover(np.maximum(-wall - 1, wall - 11.5), mm))
        muscle *= cover(skin + 3, mm)
        for share, name in ((muscle, "muscle"), (inside, "soft tissue")):
            out += share * (self._suv(name, patchy) - out)
        marrow = self._marrow(k, wall)
        out += marrow * (self._suv("marrow", patchy) - out)
        if grid.near(body.lung, k, mm):
            lung = grid.plane(body.lung, k)
            # Blood and tissue are denser in the dependent parts behind.
            dependent = 1 - np.float32(0.004) * (grid.axes[1][:, None] + 20)
            out += cover(lung, mm) * (self._suv("lung", patchy) * dependent - out)

    def _marrow(self, k: int, wall: Float32) -> Float32:
        grid, body, patient, mm = self._grid, self._body, self._patient, self._mm
        s = float(grid.axes[2][k])
        share = _spine(grid, patient, s, mm)
        if grid.near(body.wall, k, 12):
            around, height = grid.plane(body.around, k), grid.plane(body.rib_height, k)
            np.maximum(share, _ribs(patient, wall, around, height, mm), out=share)
            np.maximum(share, _breastbone(grid, patient, wall, s, mm), out=share)
        for bone in body.bones:
            if bone.cortex_mm <= 2.4 and grid.near(bone.field, k, mm):  # limbs and teeth hold no red marrow
                np.maximum(share, 0.65 * cover(grid.plane(bone.field, k) + bone.cortex_mm / 2, mm), out=share)
        return share

    def paint_tubes(self, out: Float32) -> None:
        """Bones of the shoulders, great vessels, windpipe, gullet, ureters, and a vein with the tracer in it, in place."""
        whole, patchy = self._anatomy.whole, self._patchy
        great = whole.great
        gullet = Tubes.along(*self._anatomy.gullet)
        pieces = whole.ureters
        stands = self._stands.random(len(pieces.start)) < _URETER_SHOWS
        # Urine stands in stretches of some centimetres.
        stands = np.convolve(stands, np.ones(3) / 3, mode="same") > 0.5
        parts = [
            ("marrow", self._anatomy.humeri.grown(-1.5), 0.35),
            ("blood", Tubes.of([Tubes.along(*path) for path in great.blood]).cut_up(10.0), 1.0),
            ("oesophagus", gullet, 1.0),
            ("air", Tubes.of([Tubes.along(*path) for path in great.air]).cut_up(10.0), 1.0),
            ("ureter", pieces.chosen(stands), 1.0),
        ]
        if self._anatomy.vein is not None:
            parts.append(("vein", self._anatomy.vein, 1.0))
        for name, tubes, share in parts:
            if not len(tubes.start):
                continue
            covered = np.zeros(out.shape, dtype=np.uint8)
            tube_cover(self._grid, tubes, covered)
            for k in np.flatnonzero(covered.any(axis=(1, 2))).tolist():
                value = _NEAR_SUV if name == "air" else self._suv(name, self._grid.plane(patchy, k))
                out[k] += covered[k] * np.float32(share / 255) * (value - out[k])

    def paint_organs(self, out: Float32, k: int) -> None:
        """Organs, the heart and what lies in the belly."""
        grid, body, mm = self._grid, self._body, self._mm
        fields = [("stomach", body.stomach), ("liver", body.liver), ("spleen", body.spleen), ("blood", body.heart)]
        fields += [(organ.name, organ.field) for organ in body.organs if organ.name in self._uptake]
        near = [(name, field) for name, field in fields if grid.near(field, k, mm)]
        if not near:
            return
        patchy = grid.plane(self._patchy, k)
        for name, field in near:
            distance = grid.plane(field, k)
            share = cover(distance, mm)
            out += share * (self._suv(name, patchy) - out)
            if name == "stomach":
                out += cover(distance + _STOMACH_WALL_MM, mm) * (np.float32(_LUMEN_SUV) - out)
            elif name == "blood":
                wall = self._myocardium.share(k, distance, grid.plane(body.chambers, k))
                # The right ventricle's thin wall and the atria take up about as much as blood does.
                out += wall * (self._suv("myocardium", patchy) - out)


class _Myocardium:
    """The left ventricle's wall: the thick part of the heart's wall, and the septum, up to the valves."""

    def __init__(self, grid: Grid, patient: Patient) -> None:
        k = patient.size
        self._grid, self._size, self._mm = grid, k, grid.geometry.spacing_mm[0]
        self._r = grid.axes[0][None, :] + 30 * k
        self._a = grid.axes[1][:, None] - 22 * k
        self._s = grid.axes[2] - np.float32(patient.dome_mm[0] + 26 * k)

    def share(self, k: int, heart: Float32, chambers: Float32) -> Float32:
        r, a, s, size = self._r, self._a, self._s[k], self._size
        side = 0.75 * (r - 8 * size) + 0.6 * (a - 6 * size) + 0.25 * s
        up = 0.64 * r - 0.62 * a + 0.46 * s - 26 * size  # along the ventricle, from its tip to its base
        wall = np.maximum(np.maximum(heart, -chambers), np.maximum(side - 5, up))
        return np.asarray(cover(wall, self._mm), dtype=np.float32)


def _spine(grid: Grid, patient: Patient, s: float, mm: float) -> Float32:
    """Share of a slice's pixels that are marrow of a vertebra's body or arch; discs hold none."""
    here = vertebra(patient, s)
    if here is None:
        return np.zeros(grid.geometry.shape_kji[1:], dtype=np.float32)
    k, phase = here
    # A slice of some millimetres lies partly in the disc.
    thick = grid.geometry.spacing_mm[2] / (23.0 * k)
    bone = float(np.clip((phase - 0.2) / thick + 0.5, 0, 1)) * float(np.clip((1 - phase) / thick + 0.5, 0.5, 1))
    bone = _DISC + (1 - _DISC) * bone
    x, y = np.abs(grid.axes[0])[None, :], grid.axes[1][:, None] - float(spine_a(patient, s))
    body = (((x / (16.0 * k)) ** 2.4 + (np.abs(y) / (14.0 * k)) ** 2.4) ** (1 / 2.4) - 1) * 14.0 * k
    arch = np.maximum(np.abs(np.hypot(x / 1.15, y + 21 * k) - 11.8 * k) - 3.4 * k, y + 16 * k)
    spinous = np.maximum(x - 3.5 * k, np.maximum(y + 30 * k, -(y + 52 * k)))
    share = np.maximum(bone * cover(body, mm), 0.6 * cover(np.minimum(arch, spinous), mm))
    return np.asarray(share, dtype=np.float32)


def _ribs(patient: Patient, wall: Float32, around: Float32, height: Float32, mm: float) -> Float32:
    """As the chest's phantom paints them: in (depth in the wall, height along it) every rib is the same ellipse."""
    out = np.zeros(wall.shape, dtype=np.float32)
    where = np.flatnonzero((wall > -1) & (wall < 12))
    depth, turn, high = wall.reshape(-1)[where], around.reshape(-1)[where], height.reshape(-1)[where]
    pitch = np.float32(patient.rib_pitch_mm)
    first = np.floor(patient.apex_mm / pitch)
    number = np.clip(np.rint(high / pitch), first - 11, first)
    flat = 3.2 * patient.size
    level = np.hypot((depth - 5.0) / flat, (high - pitch * number) * 0.93 / (6.0 * patient.size)) - 1
    share = cover(level * flat, mm) * np.clip((turn - 0.04) * 60, 0, 1) * np.clip((0.83 - turn) * 40, 0, 1)
    out.reshape(-1)[where] = 0.45 * share
    return out


def _breastbone(grid: Grid, patient: Patient, wall: Float32, s: float, mm: float) -> Float32 | np.float32:
    top, bottom = 72 * patient.size, -62 * patient.size
    if not bottom < s < top:
        return np.float32(0)
    half = (24 if s > top - 42 * patient.size else 15) * patient.size
    x = np.abs(grid.axes[0])[None, :] / half
    distance = ((x**3 + (np.abs(wall - 5) / 5.4) ** 3) ** (1 / 3) - 1) * 5.4
    distance[wall.shape[0] // 2 :] = 50  # in front only
    return np.asarray(cover(distance, mm), dtype=np.float32)


def moving(anatomy: Anatomy, amplitude_mm: float) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """How far each of the scene's slices moves with the breath, [k] mm, and which do, [k]."""
    patient = anatomy.patient
    top, dome = patient.apex_mm, min(patient.dome_mm) - 30
    heights = (dome - 180 * patient.size, dome - 30, dome, top)
    moved = np.interp(anatomy.grid.axes[2], heights, (0, amplitude_mm, amplitude_mm, 0)).astype(np.float32)
    return moved, moved > 0
