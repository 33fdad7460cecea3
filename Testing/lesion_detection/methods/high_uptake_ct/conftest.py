"""A tiny computer-made chest, and models whose response is known: it rises with the CT value of the pixel itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.methods.high_uptake_ct.model import weights_of
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture, PatchNetwork

WINDOW_HU = (-1024.0, 3071.0)
LIMIT_HU = 150.0
"""Above this the known network sees a lesion."""
STEEP = 20.0
KNOWN = PatchArchitecture(filters=(1, 1), hidden=(1, 1))
LESIONS_MM = ((33.0, 0.0, 5.0, 16.0, 300.0), (-36.0, 10.0, -8.0, 10.0, 500.0))
"""Right, anterior, superior, diameter, HU."""


def a_chest(lesions_mm=LESIONS_MM, seed=0, slices=14, spacing=(2.5, 2.5, 4.0)) -> Image:
    """A body of 0 HU with two lungs of -850 HU, 60 x 90 x 50 mm each, and lesions."""
    spacing = np.array(spacing)
    size_ijk = np.array([72, 58, slices])
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -np.diag(matrix)[:3] * (size_ijk - 1) / 2
    k, j, i = np.indices(size_ijk[::-1])
    ras = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]

    def ellipsoid(center, diameters):
        return ((2 * (ras - center) / diameters) ** 2).sum(axis=-1) < 1

    hu = np.full(size_ijk[::-1], -1000.0)
    hu[((2 * ras[..., :2] / (170, 130)) ** 2).sum(axis=-1) < 1] = 0
    for side in (-1, 1):
        hu[ellipsoid((35 * side, 0, 0), (60, 90, 50))] = -850
    for *center, diameter, value in lesions_mm:
        hu[ellipsoid(center, diameter)] = value
    hu += np.random.default_rng(seed).normal(0, 8, hu.shape)
    return Image(np.round(hu).astype(np.int16), matrix, CT, HU, "chest")


def known_network(limit_hu=LIMIT_HU, window_hu=WINDOW_HU, slices=(0, 0, 1, 0, 0)) -> PatchNetwork:
    """R = tanh(STEEP (x - limit) / 2), x being the pixel's value in [0, 1]; or the mean over slices with these weights.

    Row and column 37 of a patch are row and column 5 of what filter (16, 16) of the first layer sees, and that is row and
    column 4 of what filter (4, 4) of the second sees.
    """
    network = PatchNetwork(KNOWN)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.conv1.weight[0, :, 5, 5] = torch.tensor(slices, dtype=torch.float32) / sum(slices)
        network.conv2.weight[0, 0, 4, 4] = 1
        network.fc1.weight[0, 4 * 10 + 4] = 1
        network.fc2.weight[0, 0] = 1
        network.fc3.weight[1, 0] = STEEP
        network.fc3.bias[0] = STEEP * (limit_hu - window_hu[0]) / (window_hu[1] - window_hu[0])
    return network.eval()


def expected_response(hu, limit_hu=LIMIT_HU, window_hu=WINDOW_HU):
    low, high = window_hu
    return np.tanh(STEEP / 2 * (np.clip((hu - low) / (high - low), 0, 1) - (limit_hu - low) / (high - low)))


def manifest(**changes) -> Manifest:
    plain = Manifest(
        method="high-uptake-ct",
        name="known",
        version="1",
        architecture=dataclasses.asdict(KNOWN),
        settings={
            "high_uptake_settings": {"hull_margin_mm": 0.0, "least_shared": 0.0},
            "operating_points": {"verified": 0.2, "every candidate": 0.0},
        },
        training={"data": "none"},
        trained_on_phantoms=True,
    )
    return dataclasses.replace(plain, **changes)


@pytest.fixture(scope="module")
def a_bundle(tmp_path_factory):
    """``a_bundle(weights changed by a function, network, manifest entries)``: opened from disk, as users have it."""
    folder = tmp_path_factory.mktemp("bundle")

    def make(change=lambda weights: weights, network=None, settings=None, **entries) -> Bundle:
        if settings is not None:
            entries["settings"] = {**manifest().settings, **settings}
        write_bundle(
            folder / "it", manifest(**entries), change(weights_of(network or known_network())), "card", overwrite=True
        )
        return Bundle.open(folder / "it")

    return make


@pytest.fixture(scope="module")
def chest():
    return a_chest()


@pytest.fixture(scope="session")
def make_chest():
    return a_chest


@pytest.fixture(scope="session")
def make_network():
    return known_network


@pytest.fixture(scope="session")
def response():
    """R of the known network, of HU."""
    return expected_response
