"""From a cohort and a table of outcomes to a page: what is left, what is kept, what is said."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import DependencyError, InputError, OutputError, UsageError
from LesionTrainingLib.radiomics import dependencies, extraction
from LesionTrainingLib.radiomics.features import features_of
from LesionTrainingLib.radiomics.request import RadiomicsRequest
from LesionTrainingLib.radiomics.run import run_radiomics
from LesionTrainingLib.radiomics.settings import RPET_NET, preset
from LesionTrainingLib.radiomics.table import FeatureTable
from LesionTrainingLib.radiomics.words import lead, mean_line, warnings
from radiomics_samples import write_cohort

QUICK = preset("quick")
SETTINGS = replace(
    QUICK,
    features=replace(QUICK.features, families=("statistics",), spacing_mm=0.0),
    study=replace(QUICK.study, folds=2, permutations=3, bootstraps=50, features=(2,)),
    rpet=replace(QUICK.rpet, side=8, steps=2, device="cpu"),
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "data").mkdir()
    spec = write_cohort(folder / "data")
    return RadiomicsRequest(spec, "labels", f"{folder / 'data' / 'outcomes.csv'}:response", folder / "out", SETTINGS)


@pytest.fixture(scope="module")
def found(asked):
    return run_radiomics(asked)


def without_chance(**more):
    return replace(SETTINGS, study=replace(SETTINGS.study, permutations=0, **more))


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_textured_lesions_are_told_from_even_ones(found):
    assert len(found.study.patients) == 16
    assert found.study.pooled.estimate > 0.9
    assert "Area below the ROC" in lead(found.study)
    assert "p = 0.25 (3 permutations)" in lead(found.study)
    assert mean_line(found.study).startswith("Accuracy ")


def test_who_takes_no_part_is_listed_with_the_reason(found):
    listed = {row["case_or_patient"]: row["reason"] for row in rows(found.request.output / "left_out.csv")}
    assert listed["c0"] == "The outcome of its patient is not known."
    assert listed["Stranger"] == "The cohort has no case of this patient."
    assert "fewer than the 64" in listed["c17"]
    assert len(listed) == 3
    assert any("3 cases or patients left out" in said for said in warnings(found))


def test_the_tables_hold_what_was_told(found):
    output = found.request.output
    table = FeatureTable.load(output / "features.csv", found.table.digest)
    np.testing.assert_array_equal(table.values, found.table.values)
    told = rows(output / "predictions.csv")
    assert {row["patient"] for row in told} == set(found.study.patients)
    assert {row["fold"] for row in rows(output / "scores.csv")} == {"1", "2", "mean", "standard deviation"}
    value = json.loads((output / "radiomics.json").read_text(encoding="utf-8"))
    assert (value["patients"], value["masks"], value["left_out"]) == (16, "labels", 3)
    assert value["auc"]["estimate"] == found.study.pooled.estimate
    assert value["settings"]["features"]["families"] == ["statistics"]
    assert value["permutations"]["number"] == 3


def test_the_page_names_no_patient_and_no_folder(found):
    output = found.request.output
    for name in ("index.html", "radiomics.json"):
        text = (output / name).read_text(encoding="utf-8")
        assert "Doe-" not in text, "no letters of a picture have a dash"
        assert str(output.parent) not in text
    page = (output / "index.html").read_text(encoding="utf-8")
    for words in (
        "Calibration",
        "Brier score",
        "16 patients",
        "p = 0.25",
        "no more than chance",
        "logistic regression",
    ):
        assert words.casefold() in page.casefold(), words
    for name in ("roc", "calibration", "permutations"):
        assert (output / f"{name}.png").stat().st_size > 2000


def test_what_was_measured_is_not_measured_again(asked, found, tmp_path, monkeypatch):
    """But for what could not be: its reason may be gone."""
    measured = []

    def watched(image, mask, settings):
        measured.append(int(mask.sum()))
        return features_of(image, mask, settings)

    monkeypatch.setattr(extraction, "features_of", watched)
    kept = replace(asked, output=tmp_path / "out", cache=asked.output / "cache", settings=without_chance())
    again = run_radiomics(kept)
    np.testing.assert_array_equal(again.study.probabilities, found.study.probabilities)
    assert measured == [1]


def test_results_are_not_replaced_unasked(asked, found):
    with pytest.raises(OutputError, match="already holds"):
        run_radiomics(asked)


def test_masks_from_elsewhere_are_measured_and_warned_of(asked, found, tmp_path):
    for path in (tmp_path.parent, asked.output.parent / "data"):
        for mask in path.glob("c*-mask.nrrd"):
            (tmp_path / mask.name.replace("-mask", "")).write_bytes(mask.read_bytes())
    other = run_radiomics(replace(asked, masks=str(tmp_path), output=tmp_path / "out", settings=without_chance()))
    np.testing.assert_array_equal(other.table.values, found.table.values)
    assert any("knows them" in said for said in warnings(other))
    assert not any("knows them" in said for said in warnings(found))


def test_the_network_is_judged_by_the_same_command(asked, tmp_path):
    settings = without_chance(classifier=RPET_NET)
    other = run_radiomics(replace(asked, output=tmp_path / "out", settings=settings))
    assert len(other.study.patients) == 17, "a single voxel is in the middle of a cube too"
    assert other.table is None
    assert not (tmp_path / "out" / "features.csv").exists()
    assert "3D-RPET-Net" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert any("Without permutations" in said for said in warnings(other))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"outcome": "nowhere.csv:x"}, InputError, "no table"),
        ({"masks": "nowhere"}, InputError, "no folder"),
        ({"workers": 0}, UsageError, "--workers"),
        ({"modality": "CT"}, InputError, "No lesion of 17 cases can be measured.*no image of modality CT"),
    ],
)
def test_what_cannot_be_is_told(asked, tmp_path, change, error, words):
    with pytest.raises(error, match=words):
        run_radiomics(replace(asked, output=tmp_path / "out", **change))
    assert not (tmp_path / "out" / "index.html").exists()


def test_patients_named_otherwise_are_told(asked, tmp_path):
    (tmp_path / "o.csv").write_text("patient,r\nx,1\ny,0\n")
    with pytest.raises(InputError, match="named alike in both\\? In the cohort: Doe-0; in the table: x"):
        run_radiomics(replace(asked, outcome=str(tmp_path / "o.csv"), output=tmp_path / "out"))


def test_without_the_libraries_it_is_said_before_anything_is_read(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(dependencies, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="MIRP and scikit-learn"):
        run_radiomics(replace(asked, cohort="table:nowhere", output=tmp_path / "out"))
