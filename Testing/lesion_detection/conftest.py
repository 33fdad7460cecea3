"""A synthetic scan with lesions, for all tests of what comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Control, Detections, OperatingPoint
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import NODULE, Lesion, Mask, Recist
from scipy.spatial.transform import Rotation

SHAPE = (24, 40, 36)
SPACING = (0.8, 0.7, 1.5)


def oblique_matrix():
    """Left, posterior, superior, turned by three unequal angles: no axis is straight."""
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", (10, -20, 30), degrees=True).as_matrix()
    matrix[:3, :3] = turn @ np.diag([-1.0, -1.0, 1.0]) * SPACING
    matrix[:3, 3] = 40.0, -30.0, -500.25
    return matrix


@pytest.fixture
def make_run():
    """``make_run(count)`` -> an oblique chest-like image and its detections; ``overlap`` puts the first two together."""

    def make(count=3, *, overlap=False, name="scan", seed=0):
        random = np.random.default_rng(seed)
        voxels = random.normal(-800, 30, SHAPE).astype(np.int16)
        image = Image(voxels, oblique_matrix(), modality="CT", unit="HU", name=name)
        lesions = []
        for n in range(count):
            center = random.uniform((4, 6, 6), np.array(SHAPE) - (4, 6, 6)) if n or not overlap else (10.0, 20.0, 18.0)
            if n == 1 and overlap:
                center = (10.0, 20.0, 20.0)
            lesions.append(
                _ball(image, np.array(center), 2.5 if count > 20 else 4.0, score=0.95 - 0.5 * n / max(count, 1))
            )
        detections = Detections(
            tuple(lesions),
            image.geometry,
            method="made-up",
            image_name=name,
            modality="CT",
            unit="HU",
            operating_point=OperatingPoint("balanced", 0.3),
            provenance={"software": "test 0", "settings": {"tile": 96, "levels": [1, 2]}},
            warnings=("The model “m” was trained on computer-made phantoms only.",),
        )
        return image, detections

    return make


@pytest.fixture
def make_controlled_run(make_run):
    """``make_controlled_run(count)`` -> an image and detections with two controls and a map.

    A lesion of score s has a bright blob, (s, 5 px), and a large one, (s - 0.3, 30 px). The controls are at (0.5, 10 px).
    """

    def make(count=4, **options):
        image, detections = make_run(count, **options)
        lesions = tuple(
            replace(lesion, evidence=((lesion.score, 5.0), (lesion.score - 0.3, 30.0))) for lesion in detections.lesions
        )
        controls = (
            Control("least_response", "Least response", 0.5, 0.0, 1.0),
            Control("least_area", "Least area", 10.0, 0.0, 200.0, "px", 0),
        )
        box = image.crop((4, 6, 3), (20, 18, 10))
        values = np.random.default_rng(1).uniform(-1, 1, box.shape_kji).astype(np.float32)
        similarity = Image(values, box.ijk_to_ras, name="similarity")
        return image, replace(detections, lesions=lesions, controls=controls, maps={"Lesion similarity": similarity})

    return make


def _ball(image, center_kji, radius_mm, score):
    places = np.moveaxis(np.indices(SHAPE), 0, -1)
    distance = np.linalg.norm((places - center_kji) * SPACING[::-1], axis=-1)
    center = image.geometry.ras_from_ijk(center_kji[::-1])
    directions = image.ijk_to_ras[:3, :3] / np.array(SPACING)

    def axis(n, length):
        return tuple(tuple(map(float, center + sign * length / 2 * directions[:, n])) for sign in (-1, 1))

    return Lesion(
        tuple(map(float, center)),
        diameter_mm=2 * radius_mm,
        score=score,
        mask=Mask.from_full(distance < radius_mm),
        recist=Recist(axis(0, 8.0), axis(1, 6.0)),
        measurements={"mean_hu": -20.5, "max_hu": 90.0},
        meaning=NODULE,
        method="made-up",
        model="m",
    )
