"""A published phantom, lesions with and without texture, and tables of features with and without anything to learn."""

from __future__ import annotations

import csv

import numpy as np
import SimpleITK as sitk
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionTrainingLib.radiomics.table import FeatureTable

IBSI = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [1, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 9, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    dtype=np.float32,
)
"""[k, j, i] the digital phantom of the IBSI reference manual (arXiv:1612.07003, section 5.1), voxels of 2 mm."""
IBSI_MASK = np.ones(IBSI.shape, dtype=bool)
IBSI_MASK[1, 2, 0] = IBSI_MASK[2, 2, 2] = False
IBSI_MASK[2, 0, 3:] = IBSI_MASK[3, 0, 3:] = False


def image_of(voxels, spacing=4.0, **more):
    return Image(
        np.asarray(voxels, dtype=np.float32),
        np.diag([spacing] * 3 + [1.0]),
        **{"modality": PET, "unit": SUV_BW, **more},
    )


def ball(radius=3.0, side=14, centre=None):
    """[side, side, side] bool."""
    away = np.indices((side,) * 3) - np.reshape(centre or [(side - 1) / 2] * 3, (3, 1, 1, 1))
    return (away**2).sum(axis=0) <= radius**2


def lesion(textured, seed, side=14):
    """SUV of a ball that is even or of two kinds of voxels, on a quiet ground, and its mask."""
    random = np.random.default_rng(seed)
    mask = ball(random.uniform(2.9, 3.6), side)
    inner = 6 + random.normal() + (2.5 if textured else 0.3) * random.choice([-1, 1], size=mask.shape)
    return np.where(mask, inner, 0.4).astype(np.float32), mask


def table_of(count=40, features=12, effect=0.0, seed=0, share=0.5):
    """Features of which the first is shifted by ``effect`` in positive patients, and the outcomes."""
    random = np.random.default_rng(seed)
    patients = tuple(f"p{number:03}" for number in range(count))
    positive = np.arange(count) < round(share * count)
    values = random.normal(size=(count, features))
    values[:, 0] += effect * positive
    names = tuple(f"f{number}" for number in range(features))
    return FeatureTable(patients, names, values), dict(zip(patients, map(bool, positive), strict=True))


def write_cohort(folder, count=18):
    """``table:FOLDER`` with labels and outcomes.csv: every other patient is textured; one outcome is not known, and one lesion is
    too small."""
    cases, outcomes = [], []
    for number in range(count):
        voxels, mask = lesion(number % 2, number)
        if number == count - 1:
            mask = ball(0.5, centre=[7, 7, 7])
        for name, values in ((f"c{number}", voxels), (f"c{number}-mask", mask.astype(np.uint8))):
            image = sitk.GetImageFromArray(values)
            image.SetSpacing((4.0, 4.0, 4.0))
            sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
        cases.append((f"c{number}", f"Doe-{number}", f"c{number}.nrrd", "PT", f"c{number}-mask.nrrd"))
        outcomes.append((f"Doe-{number}", "" if number == 0 else number % 2))
    outcomes.append(("Stranger", 1))
    for name, heading, rows in (
        ("cases", ("id", "patient", "image", "modality", "mask"), cases),
        ("outcomes", ("patient", "response"), outcomes),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([heading, *rows])
    return f"table:{folder}"
