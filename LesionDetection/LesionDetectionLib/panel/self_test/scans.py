"""Scans that are made in a second, with lesions whose places are known, for the self-test."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import slicer

from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.lesion import Point


def ball_volume(diameter_mm: float = 20.0) -> tuple[Any, Point]:
    """A ball in lung-like surroundings as a volume node, and its centre (RAS mm)."""
    k, j, i = np.indices((40, 64, 64))
    distance = np.sqrt((i - 32.0) ** 2 + (j - 32.0) ** 2 + (k - 20.0) ** 2)
    noise = np.random.default_rng(0).normal(0, 20, distance.shape)
    voxels = (np.where(distance <= diameter_mm / 2, 40, -850) + noise).astype(np.int16)
    return slicer.util.addVolumeFromArray(voxels, name="ball"), (32.0, 32.0, 20.0)


def phantom_volume() -> tuple[Any, list[Point]]:
    """A small chest with nodules as a volume node, and the nodules' centres (RAS mm)."""
    if importlib.util.find_spec("LesionTrainingLib") is not None:
        from LesionDetectionLib.io.mrml import volume_node

        phantoms = "LesionTrainingLib.cohorts.phantoms"
        case = load(f"{phantoms}.chest:make_chest")(1, load(f"{phantoms}.chest_settings:TINY"))
        nk, nj, ni = case.image.shape_kji
        part = case.image.crop(
            (0, 0, nk // 2), (ni // 2, nj, nk // 2)
        )  # one lung's upper half, in a quarter of the time
        centers = [lesion.center_ras_mm for lesion in case.lesions]
        inside = [center for center in centers if part.geometry.contains_ras(center)]
        return volume_node(slicer.mrmlScene, part), inside
    return plain_chest()


def plain_chest() -> tuple[Any, list[Point]]:
    """Two lungs of noise in a body of noise, with four balls: what can be made without LesionTraining."""
    shape, spacing = (90, 120, 150), np.array([2.0, 2.0, 2.0])
    rng = np.random.default_rng(0)
    z, y, x = (np.indices(shape).T * spacing).T - (np.array(shape) * spacing / 2)[:, None, None, None]
    voxels = np.full(shape, -1000.0)
    voxels[(x / 140) ** 2 + (y / 105) ** 2 < 1] = 40
    for side in (-1, 1):
        voxels[((x - side * 65) / 52) ** 2 + (y / 75) ** 2 + (z / 78) ** 2 < 1] = -860
    centers = [(-65.0, 20.0, 10.0), (-60.0, -25.0, -20.0), (65.0, 15.0, -10.0), (70.0, -20.0, 25.0)]
    for center, radius in zip(centers, (5.0, 6.0, 7.0, 8.0), strict=True):
        away = np.sqrt(sum((axis - at) ** 2 for axis, at in zip((x, y, z), center, strict=True)))
        voxels = np.where(away < radius, 20, voxels)
    voxels = (voxels + rng.normal(0, 20, shape)).astype(np.int16)
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = -(np.array(shape[::-1]) * 2.0 / 2)
    return slicer.util.addVolumeFromArray(voxels, ijkToRAS=matrix, name="chest"), centers


def pet_ct_volumes() -> tuple[Any, Any, list[Point], list[Point]]:
    """A CT and a PET in SUV as volume nodes; places (RAS mm) of active lesions in the lungs, and of brighter kidneys.

    The plain chest, and uptake in its balls: made in a second, with or without LesionTraining.
    """
    ct, centers = plain_chest()
    kidneys = [(-45.0, -40.0, -84.0), (45.0, -40.0, -84.0)]
    k, j, i = np.indices((46, 60, 75), dtype=float)
    x, y, z = 4 * i - 148, 4 * j - 118, 4 * k - 90
    values = np.full(x.shape, 0.6)
    for center, suv in [*((center, 8.0) for center in centers), *((center, 20.0) for center in kidneys)]:
        away = (x - center[0]) ** 2 + (y - center[1]) ** 2 + (z - center[2]) ** 2
        values += suv * np.exp(-away / 100)
    matrix = np.diag([4.0, 4.0, 4.0, 1.0])
    matrix[:3, 3] = (-148, -118, -90)
    pet = slicer.util.addVolumeFromArray(values.astype(np.float32), ijkToRAS=matrix, name="uptake")
    unit = slicer.vtkCodedEntry()
    unit.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    pet.SetVoxelValueUnits(unit)
    return ct, pet, centers, kidneys
