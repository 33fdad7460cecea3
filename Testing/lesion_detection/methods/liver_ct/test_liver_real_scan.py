"""A patient's abdomen with liver metastases: the liver is found, and only it is looked at. Whether what is marked is a lesion is the
network's business; here something marks all places alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.imaging.liver import find_liver
from LesionDetectionLib.io.files import read_image
from LesionDetectionLib.methods.liver_ct.architecture import LiverArchitecture
from LesionDetectionLib.methods.liver_ct.boxes import SliceBoxes
from LesionDetectionLib.methods.liver_ct.detector import LiverDetector
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings

EVERY_PX = 32


class EverywhereEngine:
    """A small box at every 32nd place of the rectangle."""

    def run(self, inputs, limits, within=None):
        return [self.of_slice(inputs.shape[2], within[n]) for n in range(len(inputs))]

    def of_slice(self, size, rectangle):
        x, y = (axis.ravel() for axis in np.meshgrid(*[np.arange(EVERY_PX / 2, size, EVERY_PX)] * 2))
        inside = (x >= rectangle[0]) & (x <= rectangle[2]) & (y >= rectangle[1]) & (y <= rectangle[3])
        middles = np.stack([x, y], axis=1)[inside]
        return SliceBoxes(np.concatenate([middles - 2, middles + 2], axis=1), np.full(len(middles), 0.9))


def test_of_a_patient_only_the_liver_is_looked_at(real_data, a_bundle):
    scan = read_image(real_data("crlm-ct-1004/image"))
    liver = find_liver(scan)
    detector = LiverDetector(a_bundle(), torch.device("cpu"), LiverArchitecture(), EverywhereEngine())
    settings = LiverSettings(measure=False, most_lesions=1000)
    found = detector.detect({CT: scan}, dataclasses.replace(settings, liver_margin_mm=0.0))
    first, last = liver.slices
    assert found.provenance["slices"] == last - first + 1
    places = slice(EVERY_PX // 2, None, EVERY_PX)
    expected = sum(np.count_nonzero(liver.section(k)[places, places]) for k in range(first, last + 1))
    assert expected > 300
    assert found.provenance["boxes"] == pytest.approx(expected, rel=0.05)
    assert found.provenance["liver_ml"] == round(liver.volume_ml)
    middles = np.array([lesion.center_ras_mm for lesion in found.lesions])
    assert liver.holds(middles, 25.0).all()  # of linked boxes, in a chain over slices
