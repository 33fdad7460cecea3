"""Lesions and detections survive their JSON file, and the file keeps its published schema."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jsonschema import Draft202012Validator
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import NODULE, Lesion, Mask, Recist

GEOMETRY = Geometry((10, 20, 30), np.diag([-0.7, -0.7, 2.5, 1]))


def a_lesion(score=0.5, **more):
    return Lesion((1.0, 2.0, 3.0), 8.5, score, **more)


def a_full_lesion():
    mask = np.zeros(GEOMETRY.shape_kji, bool)
    mask[2:5, 3:9, 4:8] = True
    return a_lesion(
        0.9,
        box_ras_mm=((0, 0, 0), (4, 5, 6)),
        mask=Mask.from_full(mask),
        recist=Recist(((0, 0, 0), (3, 4, 0)), ((0, 0, 0), (0, 2, 0))),
        measurements={"volume_mm3": 300.0, "mean_hu": -20.5},
        meaning=NODULE,
        method="nodule-ct",
        model="m",
        note="touches the edge",
    )


def detections(*lesions):
    return Detections(
        lesions, GEOMETRY, "nodule-ct", "scan", "CT", "HU", OperatingPoint("balanced", 0.4), {"seed": 1}, ("w",)
    )


def test_lesions_stand_in_falling_score():
    found = detections(a_lesion(0.1), a_lesion(0.9), a_lesion(0.5))
    assert [lesion.score for lesion in found.lesions] == [0.9, 0.5, 0.1]
    assert [entry["rank"] for entry in found.to_json()["lesions"]] == [1, 2, 3]


def test_file_keeps_everything_and_follows_the_schema(tmp_path):
    found = detections(a_full_lesion(), a_lesion())
    found.save(tmp_path / "d.json")
    content = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))).validate(content)
    back = Detections.load(tmp_path / "d.json")
    assert back.to_json() == found.to_json()
    assert np.array_equal(back.lesions[0].mask.full(GEOMETRY.shape_kji), found.lesions[0].mask.full(GEOMETRY.shape_kji))
    assert back.lesions[0].recist.long_mm == 5
    assert [path.name for path in tmp_path.iterdir()] == ["d.json"]


@given(arrays(bool, st.tuples(*[st.integers(1, 5)] * 3)).filter(lambda a: a.any()))
def test_any_mask_survives_json(voxels):
    mask = Mask.from_full(voxels)
    back = Mask.from_json(json.loads(json.dumps(mask.to_json())))
    assert np.array_equal(back.full(voxels.shape), voxels)
    assert back.count == voxels.sum()


def test_centroid_of_a_mask():
    assert a_full_lesion().mask.centroid_ras_mm(GEOMETRY) == pytest.approx((-0.7 * 5.5, -0.7 * 5.5, 2.5 * 3))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "other"}, "does not hold lesion detections"),
        ({"schema_version": 99}, "version 99"),
        ({"lesions": [{"score": 1}]}, "not as the schema says"),
        ({"lesions": 7}, "not as its schema says"),
        ({"image": {}}, "not as its schema says"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        Detections.from_json({**detections(a_lesion()).to_json(), **change})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_what_is_no_detections_file_is_refused(tmp_path, text):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(InputError):
        Detections.load(tmp_path / "d.json")
    with pytest.raises(InputError):
        Detections.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "change", [{"data": "!!"}, {"data": "AAAA"}, {"size_ijk": [10**6, 10**6, 10]}, {"encoding": "x"}, {"start_ijk": []}]
)
def test_a_damaged_mask_is_refused(change):
    with pytest.raises(InputError):
        Mask.from_json({**a_full_lesion().mask.to_json(), **change})


def test_impossible_lesions_are_refused():
    with pytest.raises(InputError, match="finite"):
        Lesion((0, 0, float("nan")), 5, 0.5)
    with pytest.raises(InputError, match="negative"):
        Lesion((0, 0, 0), -1, 0.5)
    with pytest.raises(InputError, match="at least one voxel"):
        Mask.from_full(np.zeros((2, 2, 2), bool))
