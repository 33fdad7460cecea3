"""Prepared projections: where the point and the drawn tumour lie in them, the cache, and what cannot be learned from."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import CT, HU, PET, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.case import Truth
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.pet_weak.views import prepare_views, prepared_views
from LesionTrainingLib.learning.recipe import Run
from pet_weak_cases import BrokenPet, OtherTruth, made_case, made_views, tiny

SEEN = tiny().method()


@pytest.mark.parametrize("label", ["lung", "oesophagus"])
def test_the_point_lies_in_the_middle_of_the_tumours_projections(label):
    one = made_views(3, label)
    hot = (one.suv > 8) & (one.suv < 12)
    assert np.array_equal(one.drawn, hot)
    for view in range(2):
        assert np.argwhere(hot[view]).mean(axis=0) == pytest.approx(one.points[view], abs=0.01)
    assert one.suv.dtype == np.float16
    assert one.suv.shape == (2, 64, 32)
    assert one.suv.max() == pytest.approx(15, abs=0.2)
    assert one.outlined


def test_the_head_is_up_and_the_back_is_to_the_right():
    one = made_views(0, "oesophagus")
    bladder = np.argwhere(one.suv[1] > 14).mean(axis=0)
    assert bladder[0] > one.points[1, 0] + 10
    assert one.points[1, 1] > bladder[1] + 3  # the oesophagus lies before the spine, the bladder in front


def test_a_pet_in_another_order_of_voxels_gives_the_same():
    made = made_views(4, "oesophagus")
    case = made_case(4, "oesophagus")
    image, truth = case.images()[PET], case.truth()
    swapped = Image(
        np.ascontiguousarray(image.voxels.transpose(0, 2, 1)[::-1]),
        image.ijk_to_ras @ np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 55], [0, 0, 0, 1]]),
        PET,
        image.unit,
        image.name,
    )
    bare = replace(truth, lesions=tuple(replace(one, mask=None) for one in truth.lesions))
    found = prepare_views(swapped, bare, SEEN)
    assert np.array_equal(found.suv, made.suv)
    assert found.points == pytest.approx(made.points)
    assert not found.outlined
    assert not found.drawn.any()


def test_a_scan_without_a_tumour_has_no_point():
    one = made_views(2)
    assert np.isnan(one.points).all()
    assert not one.drawn.any()
    assert one.outlined
    assert not one.has_tumour


def test_of_several_lesions_the_largest_has_the_point():
    case = made_case(0)
    truth = case.truth()
    small = Lesion((0.0, 0.0, 0.0), 10.0, 1.0)
    one = prepare_views(case.images()[PET], replace(truth, lesions=(small, *truth.lesions)), SEEN)
    assert one.points == pytest.approx(made_views(0).points)
    assert not one.outlined


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        (Truth(), "Nobody said what “case-0” shows"),
        (Truth(label="lung"), "nobody marked the centre of its tumour"),
        (Truth((Lesion((0.0, 0.0, 0.0), 10.0, 1.0),), label="none"), "labelled “none”, and has a tumour"),
    ],
)
def test_labels_that_do_not_say_enough_are_refused(truth, told):
    with pytest.raises(InputError, match=told):
        prepare_views(made_case(0).images()[PET], truth, SEEN)


def test_what_is_no_pet_in_suv_is_refused():
    case = made_case(0)
    image, truth = case.images()[PET], case.truth()
    with pytest.raises(ModalityError):
        prepare_views(replace(image, modality=CT, unit=HU), truth, SEEN)
    with pytest.raises(ModalityError, match="Bq/ml"):
        prepare_views(replace(image, unit="Bq/ml"), truth, SEEN)
    broken = image.voxels.copy()
    broken[4, 4, 4] = math.nan
    with pytest.raises(InputError, match="not numbers"):
        prepare_views(replace(image, voxels=broken), truth, SEEN)


@pytest.mark.parametrize("kind", ["cam", "unet"])
def test_cases_that_cannot_be_learned_from_are_left_out_with_the_reason(tmp_path, kind):
    cases = (
        made_case(0),
        made_case(1, drawn=False),
        made_case(3, "liver"),
        made_case(4, kind=BrokenPet),
        made_case(5, kind=OtherTruth),
    )
    run = Run(tmp_path, cases, (), Cache(tmp_path / "cache"), torch.device("cpu"), Processes())
    found = prepared_views(cases, run, SEEN, tiny(kind).architecture, Progress())
    reasons = {left.case: left.reason for left in run.left_out}
    assert "no class of the network: lung, oesophagus, none" in reasons["case-3"]
    assert reasons["case-4"] == "It is damaged."
    assert "a label of the image" in reasons["case-5"]
    assert [one.name for one in found] == (["case-0"] if kind == "unet" else ["case-0", "case-1"])
    if kind == "unet":
        assert "learns from drawn tumours only" in reasons["case-1"]
    assert found[0].identity == found[0].entry.key
    assert np.array_equal(found[0].suv, made_views(0).suv)
    assert np.array_equal(found[0].drawn, made_views(0).drawn)
