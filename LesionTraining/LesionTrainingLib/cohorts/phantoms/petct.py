"""The PET/CT phantom: a seeded patient with lung lesions, of which those that are active take up the tracer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from LesionDetectionLib.core.image import CT, HU, PET, PHANTOM, SUV_BW, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from .acquisition import Scanner, scan
from .chest_body import Body
from .chest_mimics import add_mimics
from .chest_paint import paint_chest, paint_tubes
from .chest_patient import Patient, draw_patient, with_whole_spine
from .chest_site import Site
from .chest_vessels import great_vessels, lung_trees
from .fields import Float32, Grid, centred, cover
from .pet_scanner import PetScanner, breathe, scan_pet
from .petct_body import add_body, chest_of, paint_ureters
from .petct_lesions import ACTIVE, INACTIVE, Painted, add_lesions
from .petct_settings import CHEST, DEFAULT, FAST, PRESETS, TINY, PetCtSettings
from .petct_uptake import add_lesions as add_lesion_uptake
from .petct_uptake import add_organs, draw_uptake, scene_grid, tissue_uptake
from .phantom import Mimic, PhantomCase, random_stream
from .tubes import Tubes

__all__ = ["CHEST", "DEFAULT", "FAST", "PRESETS", "TINY", "PetCtSettings", "make_petct"]

_CENTER_A_MM = -4.0
"""Middle of the field of view in the patient's frame, front to back."""


def make_petct(seed: int, settings: PetCtSettings = DEFAULT, progress: Progress | None = None) -> PhantomCase:
    """One computer-made PET/CT with exact truth. The same seed and settings give the same bits on any threads.

    The image is the CT; the PET, in SUVbw and on a grid of its own, is among the others. Lesions are the active ones;
    inactive ones are among the mimics, and exact in ``inactive``.

    Args:
        seed: zero or more; other seeds are other patients.

    Raises:
        UsageError: the seed is negative.
        Cancelled: see ``progress``.
    """
    progress = progress or Progress()
    progress(0.0, "Drawing the patient")
    ct = settings.ct
    patient = with_whole_spine(draw_patient(seed, ct.patient_size, ct.contrast))
    grid = Grid(_ct_geometry(seed, settings, patient), settings.step_mm)
    great = great_vessels(seed, patient)
    body = chest_of(grid, seed, patient, great, ct.emphysema)
    whole = add_body(grid, seed, patient, body, great)
    body, great = whole.body, whole.great
    progress(0.1, "Growing vessels")
    trees = lung_trees(grid, seed, body, great, ct.vessel_tips, ct.vessel_exponent)
    volume = paint_chest(grid, seed, patient, body, progress.part(0.15, 0.4))
    vessels = paint_tubes(grid, volume, patient, great, trees, progress.part(0.4, 0.5))
    paint_ureters(grid, volume, whole.ureters)
    site = Site(grid, volume, vessels, body, patient, trees)
    mimics = add_mimics(site, ct, random_stream(seed, "mimics"), progress.part(0.5, 0.52))
    uptake = draw_uptake(seed, settings.pet)
    scene = scene_grid(grid, settings.pet)
    activity = tissue_uptake(grid, scene, volume, body, uptake)
    painted = add_lesions(site, settings.lesions, seed, progress.part(0.55, 0.6))
    del vessels, site
    voxels = scan(
        volume, _ct_scanner(seed, settings, grid.geometry), random_stream(seed, "noise"), progress.part(0.6, 0.8)
    )
    del volume
    blood = Tubes.of([Tubes.along(*path) for path in great.blood]).cut_up(8.0)
    add_organs(scene, activity, body, patient, [("blood", blood), ("ureter", whole.ureters)], uptake, seed)
    add_lesion_uptake(grid, scene, activity, painted)
    pet = _scan_pet(seed, settings, scene, activity, body, patient, progress.part(0.85, 1))
    name = f"pet-ct-phantom-{seed:04d}"
    image = Image(voxels, grid.geometry.ijk_to_ras, CT, HU, name, identifiers={PHANTOM: "pet-ct"})
    lesions = [_measured(one, image.geometry, pet) for one in painted]
    active = tuple(lesion for lesion, one in zip(lesions, painted, strict=True) if one.active)
    inactive = tuple(lesion for lesion, one in zip(lesions, painted, strict=True) if not one.active)
    mimics += [Mimic(lesion.center_ras_mm, INACTIVE, lesion.diameter_mm) for lesion in inactive]
    progress(1.0, "Done")
    return PhantomCase(
        image,
        active,
        (ACTIVE,) * len(active),
        tuple(mimics),
        settings,
        seed,
        {PET: pet},
        inactive,
        {place: point for place, point in whole.landmarks.items() if image.geometry.contains_ras(point)},
    )


def _ct_geometry(seed: int, settings: PetCtSettings, patient: Patient) -> Geometry:
    """Axial order; the spacing a little different for each seed."""
    rng = random_stream(seed, "geometry")
    ct = settings.ct
    in_plane, along = 1 + ct.spacing_jitter * rng.uniform(-1, 1, 2)
    spacing = np.round(np.array(ct.spacing_mm) * (in_plane, in_plane, along), 3)
    center = np.array((0.0, _CENTER_A_MM, settings.center_s_mm * patient.size)) + np.round(rng.uniform(-4, 4, 3), 1)
    return centred(ct.shape_ijk, spacing, center)


def _pet_geometry(seed: int, settings: PetCtSettings, ct: Geometry) -> Geometry:
    """The PET's own grid, some millimetres off the CT's."""
    rng = random_stream(seed, "pet geometry")
    middle = ct.ras_from_ijk((np.array(ct.shape_kji[::-1]) - 1) / 2)
    center = middle + np.round(rng.uniform(-3, 3, 3), 2)
    return centred(settings.pet.shape_ijk, np.array(settings.pet.spacing_mm), center)


def _ct_scanner(seed: int, settings: PetCtSettings, geometry: Geometry) -> Scanner:
    rng = random_stream(seed, "scanner")
    ct = settings.ct
    return Scanner(
        spacing_mm=geometry.spacing_mm,
        slice_thickness_mm=ct.slice_thickness_mm,
        psf_mm=ct.psf_mm,
        tube_current_mas=float(rng.uniform(*ct.tube_current_mas)),
        noise_hu=ct.noise_hu,
        grain=float(rng.uniform(*ct.kernel)),
    )


def _scan_pet(
    seed: int,
    settings: PetCtSettings,
    scene: Grid,
    activity: Float32,
    body: Body,
    patient: Patient,
    progress: Progress,
) -> Image:
    rng = random_stream(seed, "pet scanner")
    pet = settings.pet
    scanner = PetScanner(float(rng.uniform(*pet.fwhm_mm)), pet.noise, pet.noise_fwhm_mm)
    amplitude = float(rng.uniform(*pet.breathing_mm))
    activity = breathe(
        activity, _movement(scene, patient, amplitude), scene.geometry.spacing_mm[2], _moving(scene, body, patient)
    )
    geometry = _pet_geometry(seed, settings, scene.geometry)
    voxels = scan_pet(activity, scene.geometry, geometry, scanner, random_stream(seed, "pet noise"), progress)
    return Image(
        voxels, geometry.ijk_to_ras, PET, SUV_BW, f"pet-ct-phantom-{seed:04d}", identifiers={PHANTOM: "pet-ct"}
    )


def _movement(scene: Grid, patient: Patient, amplitude: float) -> Float32:
    """[k] mm: none at the lungs' tops, all at the diaphragm, and less and less in the belly."""
    top, dome = patient.apex_mm, min(patient.dome_mm) - 30
    heights = (dome - 180 * patient.size, dome - 30, dome, top)
    return np.asarray(np.interp(scene.axes[2], heights, (0, amplitude, amplitude, 0)), dtype=np.float32)


def _moving(scene: Grid, body: Body, patient: Patient) -> Float32:
    """[k, j, i]: what lies within the chest wall moves with the breath."""
    out = np.zeros(scene.geometry.shape_kji, dtype=np.float32)
    for k in range(out.shape[0]):
        if scene.near(body.wall, k, 0):
            out[k] = cover(scene.plane(body.wall, k) + 6, 8.0)
    return out


def _measured(one: Painted, geometry: Geometry, pet: Image) -> Lesion:
    """The truth with the greatest SUVbw of the PET's voxels that lie in the lesion's mask."""
    assert one.lesion.mask is not None
    mask = one.lesion.mask
    k, j, i = np.nonzero(mask.voxels)
    points = geometry.ras_from_ijk(np.stack([i, j, k], axis=1) + np.array(mask.start_ijk))
    at = np.rint(pet.geometry.ijk_from_ras(points)).astype(int)
    inside = np.all((at >= 0) & (at < np.array(pet.shape_kji[::-1])), axis=1)
    if not inside.any():
        return one.lesion
    values = pet.voxels[at[inside, 2], at[inside, 1], at[inside, 0]]
    measurements = {**one.lesion.measurements, "max_suvbw": float(values.max()), "mean_suvbw": float(values.mean())}
    return replace(one.lesion, measurements=measurements)
