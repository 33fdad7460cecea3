"""A tiny DeepLesion made by hand: noise with bright ellipses, some of which the list lacks."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest
import torch

COLUMNS = (
    "File_name",
    "Key_slice_index",
    "Measurement_coordinates",
    "Bounding_boxes",
    "Lesion_diameters_Pixel_",
    "Coarse_lesion_type",
    "Possibly_noisy",
    "Spacing_mm_px_",
    "Image_size",
    "Train_Val_Test",
)
SIDE, SPACING = 128, 2.5
SPLITS = (1, 1, 1, 1, 2, 2, 3, 3, 3, 3)
"""Of the images: training, validation, test."""


def lesion_row(image, split, lesion, kind):
    """A row of the list; its pixels count from 1."""
    (x, y), (a, b) = lesion
    x, y = x + 1, y + 1
    return {
        "File_name": f"{image:06d}_01_01_005.png",
        "Key_slice_index": 5,
        "Measurement_coordinates": f"{x - a}, {y}, {x + a}, {y}, {x}, {y - b}, {x}, {y + b}",
        "Bounding_boxes": f"{x - a - 5}, {y - b - 5}, {x + a + 5}, {y + b + 5}",
        "Lesion_diameters_Pixel_": f"{2 * a}, {2 * b}",
        "Coarse_lesion_type": kind,
        "Possibly_noisy": 0,
        "Spacing_mm_px_": f"{SPACING}, {SPACING}, 2",
        "Image_size": f"{SIDE}, {SIDE}",
        "Train_Val_Test": split,
    }


def write_tiny_deeplesion(folder, kinds=lambda split: (5, 4)):
    """Two lesions an image, the second of every other one on the complete list only; slices 4 to 6.

    Args:
        kinds: types of the two lesions of an image of a part; lung and liver.
    """
    rng, listed, every = np.random.default_rng(0), [], []
    for image, split in enumerate(SPLITS, 1):
        lesions = [((34, 40), (4 + image % 3, 3)), ((90, 84), (9, 5 + image % 2))]
        plane = rng.normal(0, 20, (SIDE, SIDE))
        plane[:8] = plane[-8:] = -1000
        for (x, y), axes in lesions:
            cv2.ellipse(plane, (x, y), axes, 0, 0, 360, 300.0, -1)
        series = folder / "Images_png" / f"{image:06d}_01_01"
        series.mkdir(parents=True)
        for k in (4, 5, 6):
            assert cv2.imwrite(str(series / f"{k:03d}.png"), (plane + 32768).astype(np.uint16))
        rows = [lesion_row(image, split, lesion, kind) for lesion, kind in zip(lesions, kinds(split), strict=True)]
        listed += rows[: 1 + image % 2]
        every += rows
    for name, rows in (("DL_info.csv", listed), ("DL_info_complete.csv", every)):
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def one_thread():
    """The sums of a run and of its repetition are taken in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_deeplesion(tmp_path_factory):
    return write_tiny_deeplesion(tmp_path_factory.mktemp("deeplesion"))


@pytest.fixture(scope="session")
def tiny_livers(tmp_path_factory):
    """The same as DeepLesion has it: all in the liver, which is not told of images for training."""
    return write_tiny_deeplesion(tmp_path_factory.mktemp("livers"), lambda split: (-1, -1) if split == 1 else (4, 4))
