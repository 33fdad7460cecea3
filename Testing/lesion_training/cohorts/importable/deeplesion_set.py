"""A small folder in the layout of DeepLesion."""

from __future__ import annotations

import csv

import cv2
import numpy as np

COLUMNS = [
    *("File_name", "Patient_index", "Study_index", "Series_ID", "Key_slice_index", "Measurement_coordinates"),
    *(
        "Bounding_boxes",
        "Lesion_diameters_Pixel_",
        "Normalized_lesion_location",
        "Coarse_lesion_type",
        "Possibly_noisy",
    ),
    *(
        "Slice_range",
        "Spacing_mm_px_",
        "Image_size",
        "DICOM_windows",
        "Patient_gender",
        "Patient_age",
        "Train_Val_Test",
    ),
]


def a_row(index=5, **changes):
    """A lesion of 10 x 6 pixels in patient 1's only series."""
    row = {
        "File_name": f"000001_01_01_{index:03d}.png",
        "Key_slice_index": index,
        "Measurement_coordinates": "11, 21, 21, 21, 16, 18, 16, 24",
        "Bounding_boxes": "6, 13, 26, 29",
        "Lesion_diameters_Pixel_": "10, 6",
        "Coarse_lesion_type": 5,
        "Possibly_noisy": 0,
        "Spacing_mm_px_": "0.5, 0.5, 1",
        "Image_size": "40, 32",
        "Train_Val_Test": 3,
    }
    return {**row, **changes}


def a_set(tmp_path, rows, slices=range(10), series="000001_01_01", name="DL_info.csv"):
    """The list, and slices whose value in HU is 100 times their number."""
    with (tmp_path / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    folder = tmp_path / "Images_png" / series
    folder.mkdir(parents=True, exist_ok=True)
    for n in slices:
        pixels = np.full((32, 40), 100 * n + 32768, np.uint16)
        pixels[20, 10] = 0
        assert cv2.imwrite(str(folder / f"{n:03d}.png"), pixels)
    return tmp_path
