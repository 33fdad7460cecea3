"""The table of an evaluation, and the endings of its command."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.evaluation import evaluate_nodule_ct as module
from LesionTrainingLib.evaluation.evaluate_nodule_ct import Evaluation, as_table, main, parse_seeds, summary
from LesionTrainingLib.evaluation.froc import match_scan


@pytest.fixture
def evaluation():
    """Two scans: a nodule of 5 mm found at 0.9 as 6 mm, one of 12 mm at 0.5 as 10 mm, one of 30 mm missed; one mark wrong."""
    first = match_scan([(0, 0, 0), (50, 0, 0)], [0.9, 0.7], [(0, 0, 0), (500, 0, 0)], [5.0, 30.0])
    second = match_scan([(1, 0, 0)], [0.5], [(0, 0, 0)], [12.0])
    return Evaluation([first, second], np.array([6.0, np.nan, 10.0]), {"all": 0.4, "strict": 0.8})


def test_summary(evaluation):
    rows = summary(evaluation)["operating_points"]
    assert (rows["all"]["found"], rows["all"]["nodules"]) == (2, 3)
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


@pytest.mark.parametrize(("text", "seeds"), [("9000-9003", [9000, 9001, 9002, 9003]), ("7", [7]), ("3,5-6", [3, 5, 6])])
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "5-3", "1-"])
def test_senseless_seeds_are_told(text):
    with pytest.raises(UsageError, match="9000-9019"):
        parse_seeds(text)


def test_a_missing_bundle_ends_with_its_code(tmp_path, capsys):
    assert main(["--bundle", str(tmp_path / "none")]) == 4
    assert "There is no model bundle" in capsys.readouterr().err


def test_a_bundle_of_another_method_is_refused(tmp_path, capsys):
    write_bundle(tmp_path / "other", Manifest("pet-weak", "other", "1", {}, {}, {}, True), {"w": np.zeros(1)}, "")
    assert main(["--bundle", str(tmp_path / "other")]) == 4
    assert "pet-weak" in capsys.readouterr().err


def test_an_unknown_preset_is_told(tmp_path, capsys):
    write_bundle(tmp_path / "other", Manifest("nodule-ct", "m", "1", {}, {}, {}, True), {"w": np.zeros(1)}, "")
    assert main(["--bundle", str(tmp_path / "other"), "--preset", "huge"]) == 2
    assert "huge" in capsys.readouterr().err


def test_scans_are_matched_with_their_own_truth(monkeypatch):
    """A detector that returns the truth of the scan that it is given, one millimetre too large, finds everything."""
    from dataclasses import dataclass, replace
    from types import SimpleNamespace

    from LesionDetectionLib.core.bundle import Bundle
    from LesionDetectionLib.core.lesion import Lesion
    from LesionDetectionLib.core.progress import Progress

    @dataclass(frozen=True)
    class Plain:
        measure: bool = True
        operating_point: str = ""

    def make_case(seed, _settings):
        return SimpleNamespace(image=seed, lesions=(Lesion((float(seed), 0.0, 0.0), 8.0, 1.0),))

    def detect(images, settings, _progress):
        assert settings == Plain(measure=False, operating_point="0")
        lesions = make_case(images["CT"], None).lesions
        return SimpleNamespace(lesions=tuple(replace(one, diameter_mm=9.0, score=0.5) for one in lesions))

    info = SimpleNamespace(
        create=lambda _bundle, _device: SimpleNamespace(detect=detect), default_settings=lambda _bundle: Plain()
    )
    monkeypatch.setattr(module, "make_chest", make_case)
    monkeypatch.setattr(module, "method", lambda _id: info)
    manifest = Manifest("nodule-ct", "m", "1", {}, {"operating_points": {"all": 0.3}}, {}, True)
    found = module.evaluate(Bundle(manifest, {}, "", "here"), [1, 2, 3], "fast", "cpu", Progress())
    assert summary(found)["operating_points"]["all"]["found"] == 3
    assert found.diameter_errors_mm(0.3).tolist() == [1.0, 1.0, 1.0]
