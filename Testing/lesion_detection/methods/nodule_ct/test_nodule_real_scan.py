"""The demonstration model on a patient's lung that it has never seen; it learned from phantoms alone."""

from __future__ import annotations

import dataclasses

import numpy as np
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.core.resources import demonstration_model
from LesionDetectionLib.io.files import read_image

NODULE_RAS_MM, DIAMETER_MM = (57.44, -131.23, -520.36), 15.5
"""By two or more of four readers."""


def test_the_nodule_of_a_patient_is_among_the_first_two_of_its_lung_and_its_size_is_right(real_data):
    scan = read_image(real_data("lidc-0314/ct.nrrd"))
    nk, nj, ni = scan.shape_kji
    lung = scan.crop((0, 0, 0), (ni // 2, nj, nk))  # half the time
    assert lung.geometry.contains_ras(NODULE_RAS_MM)
    info = method("nodule-ct")
    bundle = Bundle.open(demonstration_model(info.demonstration_model))
    every = dataclasses.replace(info.default_settings(bundle), operating_point="0", measure=False)
    first = info.create(bundle, "cpu").detect({CT: lung}, every, Progress()).lesions[:2]
    away = [np.linalg.norm(np.subtract(mark.center_ras_mm, NODULE_RAS_MM)) for mark in first]
    nearest = first[int(np.argmin(away))]
    assert min(away) < DIAMETER_MM / 2
    assert abs(nearest.diameter_mm - DIAMETER_MM) < 3
