"""A body of ellipsoids in SUV, and who marks what has the SUV of a tumour in place of a network."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.methods.pet_weak.architecture import PetWeakArchitecture
from LesionDetectionLib.methods.pet_weak.looking import Looked
from scipy import ndimage

BODY = ((0.0, 0.0, 0.0), (300.0, 200.0, 760.0), 1.0)
BRAIN = ((0.0, 0.0, 340.0), (120.0, 140.0, 60.0), 12.0)
BLADDER = ((0.0, 20.0, -300.0), (70.0, 60.0, 60.0), 25.0)
TUMOUR = ((60.0, 10.0, 150.0), (36.0, 36.0, 36.0), 7.0)
"""Centre and diameters in RAS mm, SUV."""
OF_A_TUMOUR = (4.0 / 30, 9.0 / 30)
"""As the network sees them."""
TINY = PetWeakArchitecture(widths=(2, 2, 2, 2), classes=("lung", "oesophagus", "none"))


def painted(parts, spacing=(6.0, 6.0, 5.0), order=(0, 1, 2), flips=(False,) * 3, dtype="float32", **facts):
    """A PET of 330 x 240 x 800 mm."""
    spacing = np.array(spacing)
    size = np.round(np.array((330.0, 240.0, 800.0)) / spacing).astype(int)[list(order)]
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag([-1.0, -1.0, 1.0])[:, order] * np.where(flips, -1, 1) * spacing[list(order)]
    matrix[:3, 3] = -matrix[:3, :3] @ ((size - 1) / 2)
    axes = [np.arange(n) for n in size[::-1]]
    i, j, k = np.meshgrid(*axes[::-1], indexing="ij", sparse=True)
    suv = np.zeros(size)
    for center, diameters, value in parts:
        place = [m[0] * i + m[1] * j + m[2] * k + m[3] - c for m, c in zip(matrix[:3], center, strict=True)]
        suv[sum((2 * n / d) ** 2 for n, d in zip(place, diameters, strict=True)) < 1] = value
    suv = ndimage.gaussian_filter(suv.transpose(), 3.0 / np.abs(matrix[:3, :3]).sum(axis=0)[::-1])
    return Image(suv.astype(dtype), matrix, **{"modality": PET, "unit": SUV_BW, "name": "PET", **facts})


class BrightLooker:
    """Marks the cells of 16 pixels in which a view has the SUV of a tumour; all the more, the nearer they are to them."""

    def __init__(self, probabilities=None, everywhere=False):
        self.probabilities = {"lung": 0.8, "oesophagus": 0.1, "none": 0.1} if probabilities is None else probabilities
        self.everywhere, self.inputs = everywhere, []

    def look(self, inputs):
        self.inputs.append(inputs)
        low, high = OF_A_TUMOUR
        n, _, h, w = inputs.shape
        marked = ((inputs > low) & (inputs < high)) | self.everywhere
        cells = marked.reshape(n, h // 16, 16, w // 16, 16).mean(axis=(2, 4)).astype(np.float32)
        maps = np.stack([ndimage.gaussian_filter(one, 0.7) for one in cells])
        maps /= np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9)
        return Looked(maps, "lung" if self.probabilities else "", self.probabilities)


def manifest(architecture=TINY, **changes):
    plain = Manifest(
        method="pet-weak",
        name="tiny",
        version="1",
        architecture=dataclasses.asdict(architecture),
        settings={
            "pet_weak_settings": {"canvas_px": [64, 64]},
            "operating_points": {"balanced": 0.3, "sensitive": 0.0},
            "default_operating_point": "balanced",
        },
        training={"data": "none"},
        trained_on_phantoms=True,
    )
    return dataclasses.replace(plain, **changes)


@pytest.fixture(scope="session")
def paint():
    """``paint(parts, spacing, ...)``."""
    return painted


@pytest.fixture(scope="session")
def patient():
    return painted((BODY, BRAIN, BLADDER, TUMOUR))


@pytest.fixture(scope="session")
def bright_looker():
    return BrightLooker


@pytest.fixture(scope="session")
def described():
    """``described(architecture, manifest entries)``: a manifest."""
    return manifest


@pytest.fixture(scope="session")
def a_bundle(tmp_path_factory):
    """``a_bundle(weights, architecture, manifest entries)``: opened from disk, as users have it."""
    folder = tmp_path_factory.mktemp("bundle")

    def make(weights=None, architecture=TINY, **entries) -> Bundle:
        weights = {"nothing": np.zeros(1, np.float32)} if weights is None else weights
        write_bundle(folder / "it", manifest(architecture, **entries), weights, "card", overwrite=True)
        return Bundle.open(folder / "it")

    return make
