"""A small computer-made chest and a model bundle of random weights for the tests of the whole method."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.methods.nodule_ct.model import weights_of
from LesionDetectionLib.methods.nodule_ct.network import (
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
)
from torch import nn

SCREENING = ScreeningArchitecture(widths=(3, 4, 5, 6))
REDUCTION = ReductionArchitecture(trunk_widths=(3, 4, 5), widths=(4, 8), hidden=8)


@functools.cache
def a_chest(nodules_mm=((35.0, 0.0, 5.0, 12.0),), seed=0) -> Image:
    """A body of 0 HU with two lungs of -850 HU, 60 x 90 x 90 mm each, and nodules (right, anterior, superior, diameter)."""
    spacing = np.array([2.0, 2.0, 2.5])
    size_ijk = np.array([100, 80, 36])
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -np.diag(matrix)[:3] * (size_ijk - 1) / 2
    k, j, i = np.indices(size_ijk[::-1])
    ras = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]

    def ellipsoid(center, diameters):
        return ((2 * (ras - center) / diameters) ** 2).sum(axis=-1) < 1

    hu = np.full(size_ijk[::-1], -1000.0)
    hu[((2 * ras[..., :2] / (170, 130)) ** 2).sum(axis=-1) < 1] = 0
    for side in (-1, 1):
        hu[ellipsoid((35 * side, 0, 0), (60, 90, 80))] = -850
    for *center, diameter in nodules_mm:
        hu[ellipsoid(center, diameter)] = 40
    hu += np.random.default_rng(seed).normal(0, 20, hu.shape)
    return Image(np.round(hu).astype(np.int16), matrix, CT, HU, "chest")


def networks(seed=0, regression=True) -> tuple[ScreeningFCN, ReductionResNet]:
    torch.manual_seed(seed)
    screening = ScreeningFCN(SCREENING)
    for layer in screening.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    return screening.eval(), ReductionResNet(dataclasses.replace(REDUCTION, regression=regression)).eval()


def manifest(**changes) -> Manifest:
    regression = changes.pop("regression", True)
    plain = Manifest(
        method="nodule-ct",
        name="random",
        version="1",
        architecture={
            "screening": dataclasses.asdict(SCREENING),
            "reduction": dataclasses.asdict(dataclasses.replace(REDUCTION, regression=regression)),
        },
        settings={
            "nodule_settings": {
                "spacing_mm": [1.5, 1.5, 2.5],
                "candidate_threshold": 0.0,
                "candidate_distance_mm": 20.0,
                "most_candidates": 10,
                "measure": False,
            },
            "operating_points": {"strict": 0.9, "all": 0.0},
            "default_operating_point": "all",
        },
        training={"data": "none"},
        trained_on_phantoms=True,
    )
    return dataclasses.replace(plain, **changes)


def bundle_in(folder, change=lambda weights: weights, **entries) -> Bundle:
    weights = change(weights_of(*networks(regression=entries.get("regression", True))))
    write_bundle(folder / "bundle", manifest(**entries), weights, "card", overwrite=True)
    return Bundle.open(folder / "bundle")


@pytest.fixture
def a_bundle(tmp_path):
    """``a_bundle(weights changed by a function, manifest entries)``: opened from disk, as users have it."""
    return functools.partial(bundle_in, tmp_path)


@pytest.fixture
def chest():
    return a_chest
