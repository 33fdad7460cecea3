"""The chest phantom: a seeded patient in CT with lung nodules whose truth is known."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import CT, HU, PHANTOM, Geometry, Image
from LesionDetectionLib.core.progress import Progress

from .acquisition import Scanner, scan
from .chest_body import build_body
from .chest_lesions import add_nodules
from .chest_mimics import add_mimics
from .chest_paint import paint_chest, paint_tubes
from .chest_patient import draw_patient
from .chest_settings import DEFAULT, FAST, PRESETS, ChestSettings
from .chest_site import Site
from .chest_vessels import great_vessels, lung_trees
from .fields import Grid
from .phantom import PhantomCase, random_stream

__all__ = ["DEFAULT", "FAST", "PRESETS", "ChestSettings", "make_chest"]

_CENTER_A_MM, _CENTER_S_MM = -4.0, -8.0
"""Middle of the field of view in the patient's frame: the lungs' middle."""


def make_chest(seed: int, settings: ChestSettings = DEFAULT, progress: Progress | None = None) -> PhantomCase:
    """One computer-made chest CT with exact truth. The same seed and settings give the same bits on any threads.

    Args:
        seed: zero or more; other seeds are other patients.

    Raises:
        UsageError: the seed is negative.
        Cancelled: see ``progress``.
    """
    progress = progress or Progress()
    progress(0.0, "Drawing the patient")
    patient = draw_patient(seed, settings.patient_size, settings.contrast)
    grid = Grid(_geometry(seed, settings))
    great = great_vessels(seed, patient)
    body = build_body(grid, seed, patient, [*great.blood[:6], *great.air], settings.emphysema)
    progress(0.1, "Growing vessels")
    trees = lung_trees(grid, seed, body, great, settings.vessel_tips, settings.vessel_exponent)
    volume = paint_chest(grid, seed, patient, body, progress.part(0.15, 0.5))
    vessels = paint_tubes(grid, volume, patient, great, trees, progress.part(0.5, 0.65))
    site = Site(grid, volume, vessels, body, patient, trees)
    mimics = add_mimics(site, settings, random_stream(seed, "mimics"), progress.part(0.65, 0.68))
    lesions, kinds = add_nodules(site, settings, random_stream(seed, "nodules"), progress.part(0.68, 0.72))
    del vessels, site
    voxels = scan(volume, _scanner(seed, settings, grid.geometry), random_stream(seed, "noise"), progress.part(0.72, 1))
    image = Image(voxels, grid.geometry.ijk_to_ras, CT, HU, f"chest-phantom-{seed:04d}", identifiers={PHANTOM: "chest"})
    progress(1.0, "Done")
    return PhantomCase(image, tuple(lesions), tuple(kinds), tuple(mimics), settings, seed)


def _geometry(seed: int, settings: ChestSettings) -> Geometry:
    """Axial order, the field of view centred on the lungs; the spacing a little different for each seed."""
    rng = random_stream(seed, "geometry")
    in_plane, along = 1 + settings.spacing_jitter * rng.uniform(-1, 1, 2)
    # Three decimals, as scanners write them.
    i, j, k = np.round(np.array(settings.spacing_mm) * (in_plane, in_plane, along), 3)
    ni, nj, nk = settings.shape_ijk
    center = np.array((0.0, _CENTER_A_MM, _CENTER_S_MM)) + np.round(rng.uniform(-6, 6, 3), 1)
    matrix = np.diag([-i, -j, k, 1.0])
    matrix[:3, 3] = center + np.array((i * (ni - 1), j * (nj - 1), -k * (nk - 1))) / 2
    return Geometry((nk, nj, ni), matrix)


def _scanner(seed: int, settings: ChestSettings, geometry: Geometry) -> Scanner:
    rng = random_stream(seed, "scanner")
    return Scanner(
        spacing_mm=geometry.spacing_mm,
        slice_thickness_mm=settings.slice_thickness_mm,
        psf_mm=settings.psf_mm,
        tube_current_mas=float(rng.uniform(*settings.tube_current_mas)),
        noise_hu=settings.noise_hu,
        grain=float(rng.uniform(*settings.kernel)),
    )
