"""Requests and their results come over a line of JSON as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from LesionDetectionLib.app.worker.requests import (
    DetectRequest,
    DevicesRequest,
    MeasureRequest,
    WarmRequest,
    request_at,
)
from LesionDetectionLib.core.errors import UsageError
from LesionStandInLib.requests import Count

REQUESTS = [
    DetectRequest("nodule-ct"),
    DetectRequest(
        "nodule-ct",
        "/models/a b",
        "cuda:1",
        "0.5",
        ((-10.5, 0.0, 1e-3), (10.0, 20.0, 30.0)),
        {"measure": False, "spacing_mm": [1, 1, 1]},
    ),
    MeasureRequest("PT", (1.0, 2.0, 0.1 + 0.2)),
    MeasureRequest("CT", (1.0, 2.0, 3.0), ((4.0, 5.0, 6.0), (7.0, 8.0, 9.0)), 40.0),
    DevicesRequest(),
    WarmRequest("nodule-ct", device="cpu"),
    Count(3, 0.5),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_request_comes_over_as_it_was(request_):
    line = json.dumps(request_.to_json())
    again = request_at(type(request_).place(), json.loads(line))
    assert again == request_
    assert repr(again) == repr(request_)


@pytest.mark.parametrize(
    ("place", "values", "told"),
    [
        ("os:system", {}, "no kind of request"),
        ("LesionDetectionLib.app.worker.requests:os.system", {}, "no kind of request"),
        ("LesionDetectionLib.core.lesion:Code", {}, "cannot be read"),
        ("LesionDetectionLib.core.detector:methods", {}, "cannot be read"),
        ("LesionDetectionLib.app.worker.requests:NoSuchRequest", {}, "cannot be read"),
        ("LesionDetectionLib.no_such_part:Request", {}, "cannot be read"),
        ("LesionDetectionLib.app.worker.requests:DevicesRequest", {"colour": 1}, "cannot be read"),
        ("LesionDetectionLib.app.worker.requests:MeasureRequest", {"modality": "CT"}, "cannot be read"),
        (
            MeasureRequest.place(),
            {**MeasureRequest("CT", (1, 2, 3)).to_json(), "seed_ras_mm": [1, 2]},
            "cannot be read",
        ),
    ],
)
def test_what_is_no_request_is_refused(place, values, told):
    with pytest.raises(UsageError, match=told):
        request_at(place, values)


def test_detections_come_over_bit_for_bit(make_run):
    _, found = make_run(3)
    line = json.dumps(DetectRequest.result_to_json(found))
    again = DetectRequest.result_from_json(json.loads(line))
    assert json.dumps(again.to_json()) == line
    for one, two in zip(again.lesions, found.lesions, strict=True):
        assert (one.center_ras_mm, one.diameter_mm, one.score) == (two.center_ras_mm, two.diameter_mm, two.score)
        np.testing.assert_array_equal(one.mask.voxels, two.mask.voxels)
        assert one.mask.start_ijk == two.mask.start_ijk
    lesion = MeasureRequest.result_from_json(json.loads(json.dumps(MeasureRequest.result_to_json(found.lesions[0]))))
    assert lesion.recist == found.lesions[0].recist


def test_detections_come_over_with_their_maps_and_controls(make_controlled_run):
    _, detections = make_controlled_run(2)
    value = json.loads(json.dumps(DetectRequest.result_to_json(detections)))
    images = DetectRequest.images_of(detections)
    again = DetectRequest.with_images(DetectRequest.result_from_json(value), images)
    assert again.controls == detections.controls
    assert [lesion.evidence for lesion in again.lesions] == [lesion.evidence for lesion in detections.lesions]
    assert list(again.maps) == ["Lesion similarity"]
    assert again.maps["Lesion similarity"] is detections.maps["Lesion similarity"]
    assert DevicesRequest.images_of([]) == {}
