"""The card's table: a model in each case of a cohort, by its own operating points."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle, Manifest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.evaluation import detecting
from LesionTrainingLib.evaluation.froc import match_scan
from LesionTrainingLib.evaluation.model_table import (
    Evaluation,
    as_table,
    evaluate_model,
    kinds_table,
    rates_table,
    summary,
)


@pytest.fixture
def evaluation():
    """Two scans: a nodule of 5 mm found at 0.9 as 6 mm, one of 12 mm at 0.5 as 10 mm, one of 30 mm missed; one mark wrong."""
    first = match_scan([(0, 0, 0), (50, 0, 0)], [0.9, 0.7], [(0, 0, 0), (500, 0, 0)], [5.0, 30.0])
    second = match_scan([(1, 0, 0)], [0.5], [(0, 0, 0)], [12.0])
    return Evaluation([first, second], np.array([6.0, np.nan, 10.0]), {"all": 0.4, "strict": 0.8})


def test_summary(evaluation):
    rows = summary(evaluation)["operating_points"]
    assert (rows["all"]["found"], rows["all"]["lesions"]) == (2, 3)
    assert rows["all"]["by_size"] == [[1, 1], [0, 0], [1, 1], [0, 1]]
    assert rows["all"]["false_positives_per_scan"] == 0.5
    assert rows["all"]["diameter_bias_mm"] == pytest.approx(-0.5)
    assert rows["all"]["diameter_error_mm"] == pytest.approx(1.5)
    assert rows["strict"]["found"] == 1
    assert rows["strict"]["false_positives_per_scan"] == 0


def test_table_has_a_row_an_operating_point_and_equal_columns(evaluation):
    lines = as_table(evaluation).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert "2/3 = 66.7 %" in lines[2]
    assert "+1.0 mm, 1.0 mm" in lines[3]


def test_lesions_are_counted_by_kind_where_all_have_one(evaluation):
    assert summary(evaluation)["operating_points"]["all"]["by_kind"] == {}
    assert kinds_table(evaluation) == ""
    known = replace(evaluation, kinds=("solid", "ground-glass", "solid"))
    assert summary(known)["operating_points"]["strict"]["by_kind"] == {"ground-glass": [0, 1], "solid": [1, 2]}
    lines = kinds_table(known).splitlines()
    assert lines[0] == "| operating point | ground-glass | solid |"
    assert lines[2:] == ["| all | 0/1 | 2/2 |", "| strict | 0/1 | 1/2 |"]


def test_nothing_found_is_a_row_too(evaluation):
    empty = Evaluation(evaluation.matches, evaluation.marked_diameters_mm, {"none": 2.0})
    assert "0/3 = 0.0 %" in as_table(empty)


def test_without_lesions_there_is_no_cpm():
    match = match_scan([(0, 0, 0)], [0.5], np.zeros((0, 3)), [])
    nothing = Evaluation([match], np.zeros(0), {"all": 0.0})
    assert summary(nothing)["cpm"] is None
    assert summary(nothing)["froc"] == []
    assert rates_table(nothing) == ""


def test_the_curve_is_of_the_evaluations_own_marks_and_fits_its_operating_points(evaluation):
    values = summary(evaluation)
    assert values["froc"] == [[0.9, 0.0, 0.3333], [0.7, 0.5, 0.3333], [0.5, 0.5, 0.6667]]
    for row in values["operating_points"].values():
        _, rate, found = [point for point in values["froc"] if point[0] >= row["threshold"]][-1]
        assert rate == row["false_positives_per_scan"]
        assert found == pytest.approx(row["found"] / row["lesions"], abs=1e-4)
    json.loads(json.dumps(values, allow_nan=False))


def test_the_card_has_the_sensitivities_that_the_cpm_is_the_mean_of(evaluation):
    values = summary(evaluation)
    assert list(values["sensitivity_at_fp"]) == ["0.125", "0.25", "0.5", "1", "2", "4", "8"]
    assert np.mean(list(values["sensitivity_at_fp"].values())) == pytest.approx(values["cpm"], abs=1e-4)
    lines = rates_table(evaluation).splitlines()
    assert lines[2] == "| sensitivity | 33.3 % | 33.3 % | 66.7 % | 66.7 % | 66.7 % | 66.7 % | 66.7 % |"
    assert len({line.count("|") for line in lines}) == 1


@dataclass(frozen=True)
class SeededCase(Case):
    """A nodule of 8 mm at (seed, 0, 0)."""

    seed: int

    def images(self, progress=None):
        return {CT: Image(np.full((2, 2, 2), self.seed, np.int16), np.eye(4), CT, "HU")}

    def truth(self):
        return Truth((Lesion((float(self.seed), 0.0, 0.0), 8.0, 1.0),), kinds=("solid",))

    def sources(self):
        return ()


@pytest.fixture
def a_perfect_model(monkeypatch):
    """A detector that returns the truth of the scan that it is given, one millimetre too large; it fails on seed 7."""

    @dataclass(frozen=True)
    class Plain:
        measure: bool = True
        operating_point: str = ""

    def detect(images, settings, _progress):
        assert settings == Plain(measure=False, operating_point="0")
        seed = int(images[CT].voxels[0, 0, 0])
        if seed == 7:
            raise InputError("Seven cannot be read.")
        return Detections((Lesion((float(seed), 0.0, 0.0), 9.0, 0.5),), Geometry((2, 2, 2), np.eye(4)), "nodule-ct")

    info = SimpleNamespace(
        id="stand-in",
        modalities=("CT",),
        required=("CT",),
        choices=(),
        review_settings={},
        create=lambda _bundle, _device: SimpleNamespace(detect=detect),
        default_settings=lambda _bundle: Plain(),
    )
    monkeypatch.setattr(detecting, "method", lambda _id: info)
    return Bundle(Manifest("nodule-ct", "m", "1", {}, {"operating_points": {"all": 0.3}}, {}, True), {}, "", "here")


def cohort(*seeds):
    cases = tuple(SeededCase(f"case {seed}", str(seed), "", (CT,), True, seed) for seed in seeds)
    return Cohort("seeded", "phantoms", cases, on_phantoms=True)


def test_scans_are_matched_with_their_own_truth(a_perfect_model):
    found = evaluate_model(a_perfect_model, cohort(1, 2, 3), "cpu", Progress())
    assert summary(found)["operating_points"]["all"]["found"] == 3
    assert found.diameter_errors_mm(0.3).tolist() == [1.0, 1.0, 1.0]
    assert found.kinds == ("solid",) * 3


def test_a_case_that_fails_is_told_and_the_others_go_on(a_perfect_model):
    found = evaluate_model(a_perfect_model, cohort(6, 7, 8), "cpu", Progress())
    assert summary(found)["scans"] == 2
    assert [(left.case, left.reason) for left in found.left_out] == [("case 7", "Seven cannot be read.")]


def test_a_size_that_is_not_known_is_no_error(evaluation):
    unknown = replace(evaluation, marked_diameters_mm=np.array([np.nan, np.nan, 10.0]))
    assert unknown.diameter_errors_mm(0.0).tolist() == [-2.0]
