"""The PET phantom: a seeded patient from head to thighs with a tumour of lung or oesophagus, without a CT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from LesionDetectionLib.core.image import PET, PHANTOM, SUV_BW, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from .pet_anatomy import Anatomy, build_anatomy
from .pet_scan import scan_scene
from .pet_scene import paint_scene
from .pet_settings import DEFAULT, MIXED, PRESETS, TINY, TINY_MIXED, PetPhantomSettings
from .pet_tumours import add_tumours, label_of
from .phantom import PhantomCase

__all__ = ["DEFAULT", "MIXED", "PRESETS", "TINY", "TINY_MIXED", "PetPhantomSettings", "make_pet"]

_STEP_SUV = np.float32(1 / 256)
"""Scanners store whole numbers; files of such values are a quarter of the size."""


def make_pet(seed: int, settings: PetPhantomSettings = DEFAULT, progress: Progress | None = None) -> PhantomCase:
    """One computer-made PET with exact truth. The same seed and settings give the same bits on any threads.

    The image is the PET in SUVbw. Masks are exact: the voxels of the PET of which the painted tumour holds half or more. The
    primary tumour comes first and is the largest.

    Args:
        seed: zero or more; other seeds are other patients.

    Raises:
        UsageError: the seed is negative.
        Cancelled: see ``progress``.
    """
    progress = progress or Progress()
    progress(0.0, "Drawing the patient")
    anatomy = build_anatomy(seed, settings)
    geometry = _pet_geometry(anatomy, settings)
    scene = paint_scene(seed, anatomy, settings, progress.part(0.4, 0.7))
    painted = add_tumours(seed, anatomy, settings, scene, geometry)
    kept = scan_scene(seed, anatomy, settings, scene, progress.part(0.75, 1.0))
    voxels = np.zeros(geometry.shape_kji, dtype=np.float32)
    voxels[:, anatomy.first_row : anatomy.first_row + kept.shape[1]] = np.rint(kept / _STEP_SUV) * _STEP_SUV
    image = Image(voxels, geometry.ijk_to_ras, PET, SUV_BW, f"pet-phantom-{seed:04d}", identifiers={PHANTOM: "pet"})
    places = {place: at for place, at in anatomy.whole.landmarks.items() if geometry.contains_ras(at)}
    progress(1.0, "Done")
    return PhantomCase(
        image,
        tuple(_measured(one.lesion, image) for one in painted),
        tuple(one.kind for one in painted),
        (),
        settings,
        seed,
        landmarks=places,
        label=label_of(seed, settings.tumours),
    )


def _pet_geometry(anatomy: Anatomy, settings: PetPhantomSettings) -> Geometry:
    """Of the scene's voxels, ``layers`` slices each, and with the rows of air before and behind."""
    scene, layers = anatomy.grid.geometry, settings.layers
    matrix = np.array(scene.ijk_to_ras)
    matrix[:3, 2] /= layers
    matrix[:3, 3] = scene.ras_from_ijk((0.0, -float(anatomy.first_row), 0.5 / layers - 0.5))
    columns, rows = settings.pixels
    return Geometry((scene.shape_kji[0] * layers, rows, columns), matrix)


def _measured(lesion: Lesion, image: Image) -> Lesion:
    """With the SUVbw of the PET's voxels in its mask."""
    assert lesion.mask is not None
    values = image.voxels[lesion.mask.slices_kji][lesion.mask.voxels]
    own = {"max_suvbw": float(values.max()), "mean_suvbw": float(values.mean())}
    return replace(lesion, measurements={**lesion.measurements, **own})
