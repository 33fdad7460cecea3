"""The card's table, and the endings of the command that prints it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.evaluation import detecting
from LesionTrainingLib.evaluation import evaluate_nodule_ct as module
from LesionTrainingLib.evaluation.evaluate_nodule_ct import Evaluation, as_table, evaluate, main, summary
from LesionTrainingLib.evaluation.froc import match_scan


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


def test_nothing_found_is_a_row_too(evaluation):
    empty = Evaluation(evaluation.matches, evaluation.marked_diameters_mm, {"none": 2.0})
    assert "0/3 = 0.0 %" in as_table(empty)


def test_without_lesions_there_is_no_cpm():
    match = match_scan([(0, 0, 0)], [0.5], np.zeros((0, 3)), [])
    assert summary(Evaluation([match], np.zeros(0), {"all": 0.0}))["cpm"] is None


def test_a_missing_bundle_ends_with_its_code(tmp_path, capsys):
    assert main(["--bundle", str(tmp_path / "none")]) == 4
    assert "There is no model bundle" in capsys.readouterr().err


def test_a_bundle_of_another_method_is_refused(tmp_path, capsys):
    write_bundle(tmp_path / "other", Manifest("pet-weak", "other", "1", {}, {}, {}, True), {"w": np.zeros(1)}, "")
    assert main(["--bundle", str(tmp_path / "other")]) == 4
    assert "pet-weak" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "text"), [("--preset", "huge"), ("--seeds", "5-3")])
def test_phantoms_that_there_are_not_are_told(tmp_path, capsys, option, text):
    write_bundle(tmp_path / "other", Manifest("nodule-ct", "m", "1", {}, {}, {}, True), {"w": np.zeros(1)}, "")
    assert main(["--bundle", str(tmp_path / "other"), option, text]) == 2
    assert text in capsys.readouterr().err


@dataclass(frozen=True)
class SeededCase(Case):
    """A nodule of 8 mm at (seed, 0, 0)."""

    seed: int

    def images(self, progress=None):
        return {CT: Image(np.full((2, 2, 2), self.seed, np.int16), np.eye(4), CT, "HU")}

    def truth(self):
        return Truth((Lesion((float(self.seed), 0.0, 0.0), 8.0, 1.0),))

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

    def open_cohort(spec):
        seeds = spec.partition("seeds=")[2].partition("&")[0].split(",")
        cases = [SeededCase(f"case {seed}", seed, "", (CT,), True, int(seed)) for seed in seeds]
        return Cohort(spec, "phantoms", tuple(cases), on_phantoms=True)

    info = SimpleNamespace(
        create=lambda _bundle, _device: SimpleNamespace(detect=detect), default_settings=lambda _bundle: Plain()
    )
    monkeypatch.setattr(detecting, "method", lambda _id: info)
    monkeypatch.setattr(module, "open_cohort", open_cohort)
    return Bundle(Manifest("nodule-ct", "m", "1", {}, {"operating_points": {"all": 0.3}}, {}, True), {}, "", "here")


def test_scans_are_matched_with_their_own_truth(a_perfect_model):
    found = evaluate(a_perfect_model, "1,2,3", "fast", "cpu", Progress())
    assert summary(found)["operating_points"]["all"]["found"] == 3
    assert found.diameter_errors_mm(0.3).tolist() == [1.0, 1.0, 1.0]


def test_a_phantom_that_fails_ends_it(a_perfect_model):
    with pytest.raises(InputError, match="case 7: Seven cannot be read"):
        evaluate(a_perfect_model, "6,7,8", "fast", "cpu", Progress())


def test_a_size_that_is_not_known_is_no_error(evaluation):
    unknown = replace(evaluation, marked_diameters_mm=np.array([np.nan, np.nan, 10.0]))
    assert unknown.diameter_errors_mm(0.0).tolist() == [-2.0]
