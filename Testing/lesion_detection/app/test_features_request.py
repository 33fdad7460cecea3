"""Features of a review's findings: which findings, which columns, and what is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.app.features_request import FeaturesRequest, measure_features
from LesionDetectionLib.app.presenting import about_features
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.core.image import BQ_PER_ML, PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress

pytest.importorskip("mirp")
FIRST, SECOND = (slice(2, 8), slice(2, 8), slice(2, 8)), (slice(10, 16), slice(9, 13), slice(3, 8))


@pytest.fixture
def pet() -> Image:
    voxels = np.random.default_rng(0).uniform(0, 1, (20, 20, 20)).astype(np.float32)
    voxels[FIRST] += 5
    voxels[SECOND] += 9
    return Image(voxels, np.diag([4.0, 4.0, 4.0, 1.0]), PET, SUV_BW, "pet")


@pytest.fixture
def findings(pet) -> Findings:
    lesions = []
    for box in (FIRST, SECOND):
        full = np.zeros(pet.shape_kji, dtype=bool)
        full[box] = True
        lesions.append(Lesion((0.0, 0.0, 0.0), 20.0, 0.9, mask=Mask.from_full(full)))
    lesions.append(Lesion((0.0, 0.0, 0.0), 20.0, 0.8))
    return Findings.of(Detections(tuple(lesions), pet.geometry, "active-pet-ct", "pet", PET, SUV_BW))


def asked(findings, image):
    """What comes back through the worker's JSON."""
    request = FeaturesRequest(findings.to_json())
    result = measure_features(request, {"image": image}, None, Progress())
    return request.result_from_json(json.loads(json.dumps(request.result_to_json(result), allow_nan=False)))


def test_each_finding_with_an_outline_has_a_row_of_its_own_features(pet, findings):
    found = asked(findings, pet)
    columns = {column.name: column.values for column in found.columns}
    assert columns["finding"] == ("L1", "L2")
    assert columns["status"] == ("new", "new")
    for n, box in enumerate((FIRST, SECOND)):
        assert columns["stat_mean"][n] == pytest.approx(pet.voxels[box].mean(), rel=0.05)
        assert columns["morph_vol_approx"][n] == pytest.approx(64 * pet.voxels[box].size, rel=0.05)
    assert len(set(columns["settings"])) == 1
    assert found.left_out == {"L3": "It has no outline."}
    assert about_features(found, Path("f.csv")).endswith(
        " features of 2 findings are in f.csv. Left out: L3: It has no outline."
    )


def test_only_accepted_findings_are_measured_and_small_ones_are_left_out(pet, findings):
    accepted = findings.changing(["L2"], lambda item: replace(item, status=Status.ACCEPTED))
    assert asked(accepted, pet).columns[0].values == ("L2",)
    small = np.zeros(pet.shape_kji, dtype=bool)
    small[:2, :2, :2] = True
    tiny = replace(findings.items[0].lesion, mask=Mask.from_full(small))
    alone = replace(findings, items=(replace(findings.items[0], lesion=tiny),))
    with pytest.raises(InputError, match=r"No finding can be measured\. L1: .* 8 voxels"):
        asked(alone, pet)


def test_a_pet_in_bq_per_ml_is_refused(pet, findings):
    with pytest.raises(ModalityError, match="need SUV"):
        asked(findings, replace(pet, unit=BQ_PER_ML))
