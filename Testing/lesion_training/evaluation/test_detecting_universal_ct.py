"""DeepLesion's protocol on ``universal-ct``: the key slice is what is looked at, and its boxes are compared as the network gave
them."""

from __future__ import annotations

import csv
import dataclasses

import cv2
import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.slices.preprocessing import Placing
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.engine import SliceEngine
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes
from LesionDetectionLib.methods.universal_ct.model import weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.detecting import Finder, detect_in_cohort
from LesionTrainingLib.evaluation.matching.deeplesion import DeepLesion, in_plane_iou
from LesionTrainingLib.evaluation.matching.findings import ImageFindings
from LesionTrainingLib.evaluation.matching.outcome import Fate

TINY = UniversalArchitecture(base=2, pyramid=4, head=4, head_layers=1, dense_widths=(2, 2))
BOX = (13.0, 24.0, 45.0, 60.0)
"""Edges in the slice of 96 x 80 pixels: DeepLesion's pixels 14, 25, 45, 60, counted from 1."""


@pytest.fixture
def bundle(tmp_path):
    torch.manual_seed(0)
    settings = {"universal_settings": {"size_px": 64}, "operating_points": {"balanced": 0.9}}
    manifest = Manifest("universal-ct", "tiny", "1", dataclasses.asdict(TINY), settings, {}, True)
    write_bundle(tmp_path / "bundle", manifest, weights_of(UniversalNetwork(TINY)), "card")
    return Bundle.open(tmp_path / "bundle")


@pytest.fixture
def cohort(tmp_path):
    """One key slice with one lesion, in 5 mm slices that rise to the right."""
    row = {
        "File_name": "000001_01_01_005.png",
        "Key_slice_index": 5,
        "Measurement_coordinates": "19, 42, 41, 42, 30, 30, 30, 56",
        "Bounding_boxes": "14, 25, 45, 60",
        "Lesion_diameters_Pixel_": "26, 22",
        "Coarse_lesion_type": 5,
        "Possibly_noisy": 0,
        "Spacing_mm_px_": "0.7, 0.7, 5",
        "Image_size": "96, 80",
        "Train_Val_Test": 3,
    }
    with (tmp_path / "DL_info.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    folder = tmp_path / "Images_png" / "000001_01_01"
    folder.mkdir(parents=True)
    for n in (4, 5, 6):
        pixels = np.full((80, 96), 32768 + 100 * (n - 5), np.uint16)
        pixels[:, 48:] += 50
        assert cv2.imwrite(str(folder / f"{n:03d}.png"), pixels)
    return open_cohort(f"deeplesion:{tmp_path}?split=test")


def detect(bundle, cohort):
    truth, marks = detect_in_cohort(Finder.of("", bundle), cohort, "cpu", Progress())
    ((name, of_image),) = truth.images.items()
    return ImageFindings(name, of_image.lesions, marks.images[name].marks, geometry=of_image.geometry)


def test_the_network_s_box_is_compared_to_the_pixel(bundle, cohort, monkeypatch):
    seen = []

    def truth(self, inputs, limits):
        seen.append((inputs, limits))
        boxes = Placing.of((80, 96), 64).to_input([BOX, (50.0, 10.0, 70.0, 40.0)])
        return [SliceBoxes(boxes, np.array([0.5, 0.002]), ())] * len(inputs)

    monkeypatch.setattr(SliceEngine, "run", truth)
    found = detect(bundle, cohort)
    np.testing.assert_allclose(in_plane_iou(found.truth, found.marks, found.geometry), [[1.0, 0.0]], atol=1e-9)
    np.testing.assert_allclose(found.marks.scores, [0.5, 0.002])
    assert DeepLesion().match(found).fates.tolist() == [Fate.HIT, Fate.FALSE]
    # One slice, down to the least score, between its neighbours: of 5 mm slices 2 mm away, the one to the feet first.
    ((inputs, limits),) = seen
    assert (inputs.shape, limits.least_probability) == ((1, 3, 64, 64), 0.001)
    np.testing.assert_allclose(inputs[0, :, 0, 0] * 1037 + 13, [40, 0, -40], atol=0.6)


def test_a_network_s_own_marks(bundle, cohort):
    found = detect(bundle, cohort)
    assert len(found.marks) > 0
    assert found.marks.scores.min() >= 0.001
    assert len(DeepLesion().match(found).fates) == len(found.marks)
