"""The body phantom: a seeded patient's CT from neck to pelvis, or a slab of it, with lesions of DeepLesion's eight regions."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import CT, HU, PHANTOM, Geometry, Image
from LesionDetectionLib.core.progress import Progress

from .acquisition import Scanner, scan
from .body_anatomy import build_anatomy, draw_body_patient
from .body_fields import BodyFields
from .body_lesions import add_lesions, main_kind
from .body_liver import paint_liver_veins
from .body_liver_mimics import add_liver_mimics
from .body_mimics import add_normal
from .body_painting import Scene
from .body_settings import ABDOMEN_VIEW, DEFAULT, PRESETS, SLAB, TINY, BodySettings
from .chest_mimics import add_mimics
from .chest_paint import paint_chest, paint_tubes
from .chest_patient import Patient
from .chest_settings import ChestSettings
from .chest_site import Site
from .fields import Grid, centred
from .petct_body import paint_ureters
from .phantom import PhantomCase, random_stream

__all__ = ["DEFAULT", "PRESETS", "SLAB", "TINY", "BodySettings", "make_body"]

_TOP_MM, _BOTTOM_MM = 205.0, -468.0
"""Heights, S in mm for a patient of size 1, of the whole body's ends: the lower jaw and the pelvis."""
_ABOVE_DOME_MM, _BELOW_KIDNEYS_MM = 12.0, -256.0
"""Of an abdomen: how far it reaches above the diaphragm's dome, and the height where it ends."""
_CENTER_A_MM = -6.0
"""Middle of the field of view in the patient's frame, front to back."""


def make_body(seed: int, settings: BodySettings = DEFAULT, progress: Progress | None = None) -> PhantomCase:
    """One computer-made CT with exact truth; of a slab only what lies within it is computed.

    The same seed and settings give the same bits on any threads. ``kinds`` are DeepLesion's regions; what type each lesion
    is, is in its note.

    Args:
        seed: zero or more; other seeds are other patients.

    Raises:
        UsageError: the seed is negative.
        Cancelled: see ``progress``.
    """
    progress = progress or Progress()
    progress(0.0, "Drawing the patient")
    patient = draw_body_patient(seed, settings)
    first, middle = (main_kind(seed, settings, patient)) if settings.slices else (None, 0.0)
    grid = Grid(_geometry(seed, settings, patient, middle), settings.step_mm)
    anatomy = build_anatomy(grid, seed, patient, settings)
    body, great = anatomy.whole.body, anatomy.whole.great
    volume = paint_chest(grid, seed, patient, body, progress.part(0.2, 0.5))
    vessels = paint_tubes(grid, volume, patient, great, anatomy.trees, progress.part(0.5, 0.6))
    if anatomy.liver_veins is not None:
        paint_liver_veins(grid, volume, vessels, patient, body.liver, anatomy.liver_veins)
    paint_ureters(grid, volume, anatomy.whole.ureters)
    site = Site(grid, volume, vessels, body, patient, anatomy.trees)
    mimics = add_mimics(site, ChestSettings(mimics=settings.mimics), random_stream(seed, "mimics"), Progress())
    scene = Scene(grid, volume, vessels, patient, BodyFields(grid, anatomy))
    mimics += add_normal(scene, settings, seed)
    if settings.liver:
        mimics += add_liver_mimics(scene, settings, seed)
    lesions, kinds = add_lesions(scene, settings, seed, first, progress.part(0.6, 0.8))
    voxels = scan(volume, _scanner(seed, settings, grid.geometry), random_stream(seed, "noise"), progress.part(0.8, 1))
    name = f"body-phantom-{seed:04d}"
    image = Image(voxels, grid.geometry.ijk_to_ras, CT, HU, name, identifiers={PHANTOM: "body"})
    progress(1.0, "Done")
    return PhantomCase(
        image,
        tuple(lesions),
        tuple(kind.region for kind in kinds),
        tuple(mimics),
        settings,
        seed,
        landmarks={
            place: point for place, point in anatomy.whole.landmarks.items() if image.geometry.contains_ras(point)
        },
    )


def _geometry(seed: int, settings: BodySettings, patient: Patient, middle_s: float) -> Geometry:
    """Axial order; the pixels so large that the trunk just fits, within the settings' range."""
    rng = random_stream(seed, "geometry")
    width = 2 * (patient.half_width_mm + 16 + 14 * patient.muscle + 1.1 * patient.fat_mm) * rng.uniform(1.0, 1.2)
    pixel = float(np.round(np.clip(width / settings.columns, *settings.pixel_mm), 6))
    slices = settings.slices
    if not slices:
        top, bottom = _ends_mm(settings, patient)
        slices, middle_s = round((top - bottom) / settings.spacing_mm), (top + bottom) / 2
    center = np.array((0.0, _CENTER_A_MM, middle_s)) + np.round(rng.uniform(-5, 5, 3) * (1, 1, 0), 1)
    return centred((settings.columns, settings.columns, slices), np.array((pixel, pixel, settings.spacing_mm)), center)


def _ends_mm(settings: BodySettings, patient: Patient) -> tuple[float, float]:
    """S in mm of the upper and the lower end of an image that is no slab."""
    if settings.view == ABDOMEN_VIEW:
        return max(patient.dome_mm) + _ABOVE_DOME_MM, _BELOW_KIDNEYS_MM * patient.size
    return _TOP_MM * patient.size, _BOTTOM_MM * patient.size


def _scanner(seed: int, settings: BodySettings, geometry: Geometry) -> Scanner:
    rng = random_stream(seed, "scanner")
    return Scanner(
        spacing_mm=geometry.spacing_mm,
        slice_thickness_mm=settings.slice_thickness_mm,
        psf_mm=float(rng.uniform(*settings.psf_mm)),
        tube_current_mas=float(rng.uniform(*settings.tube_current_mas)),
        noise_hu=settings.noise_hu,
        grain=float(rng.uniform(*settings.kernel)),
    )
