"""Tables 1 and 2 of pet-weak from PETs made by hand: made whole, stopped and resumed, refused."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import DependencyError, UsageError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.metrics.dice import dice
from LesionTrainingLib.reproduction.folds import Fold
from LesionTrainingLib.reproduction.pet_weak import fold_work, outcomes_told, reproduce
from LesionTrainingLib.reproduction.pet_weak.fold_work import FoldWork, RowFound
from LesionTrainingLib.reproduction.pet_weak.found import FoundStore
from LesionTrainingLib.reproduction.pet_weak.measured import outlined
from LesionTrainingLib.reproduction.pet_weak.settings import preset_settings
from LesionTrainingLib.reproduction.running import ReproductionRequest, run_reproduction

from ..killing import Killed

pytestmark = pytest.mark.usefixtures("one_thread")

SPACING = 10.0
SHAPE = (44, 24, 24)
LABELS = ("lung", "oesophagus")
A_LABEL = 8
"""Patients of each label: every second is positive."""


def write_patient(folder, n, label):
    """A body with a bladder, and a tumour beside the middle or in it, hotter where the outcome is positive."""
    rng = np.random.default_rng(n)
    k, j, i = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    body = ((j - 12) / 8) ** 2 + ((i - 12) / 10) ** 2 < 1
    voxels = np.where(body & (k > 2) & (k < 42), 0.9, 0.02) + rng.normal(0, 0.02, SHAPE)
    voxels[(k - 5) ** 2 + (j - 12) ** 2 + (i - 12) ** 2 < 9] = 8.0
    middle = (30 + n % 3, 12, 18 if label == "lung" else 11)
    mask = (k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2 < 10
    voxels[mask] = (12.0 if n % 2 else 7.0) + rng.normal(0, 0.5, SHAPE)[mask]
    grid = np.diag([-SPACING, -SPACING, SPACING, 1.0])
    image = Image(voxels.astype(np.float32), grid, PET, SUV_BW, f"p{n:02}")
    write_image(image, folder / f"p{n:02}.nrrd")
    write_image(Image(mask.astype(np.uint8), grid), folder / f"p{n:02}-mask.nrrd")
    x, y, z = image.geometry.ras_from_ijk(middle[::-1])
    outcome = f"{n % 2},," if label == "oesophagus" else f",{n % 2},"
    return f"p{n:02},p{n:02}.nrrd,PT,p{n:02}-mask.nrrd,{label},{x},{y},{z}", f"p{n:02},{outcome}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pets")
    patients = [(2 * n + m, label) for n in range(A_LABEL) for m, label in enumerate(LABELS)]
    rows = [write_patient(folder, n // 2 + A_LABEL * (n % 2), label) for n, label in patients]
    cases, outcomes = zip(*rows, strict=True)
    (folder / "cases.csv").write_text("\n".join(["id,image,modality,mask,label,x,y,z", *cases]) + "\n")
    (folder / "outcomes.csv").write_text("\n".join(["patient,response,survival_3y,", *outcomes]) + "\n")
    return folder


def settings_here():
    """The trial's, for pixels of the PETs here."""
    settings = preset_settings("smoke")
    fit = replace(settings.cam.fit, steps=2, validate_every=2)
    seen = {"pixel_mm": SPACING, "canvas_px": (48, 32), "labelling": fit}
    recipes = {}
    for name in ("cam", "fcn", "unet"):
        recipe = getattr(settings, name)
        recipes[name] = replace(recipe, **seen, fit=replace(recipe.fit, steps=2, validate_every=2))
    return replace(settings, **recipes)


SETTINGS = settings_here()


@pytest.fixture(scope="module")
def asked_for(data, tmp_path_factory):
    """The request for an output folder; prepared cases are shared."""
    cache = tmp_path_factory.mktemp("cache")

    def request(output, **changes):
        plain = ReproductionRequest(
            "pet-weak", output, data, preset="smoke", settings=SETTINGS, device="cpu", cache_folder=cache
        )
        return replace(plain, **changes)

    return request


@pytest.fixture(scope="module")
def whole(asked_for, tmp_path_factory):
    """Both folds and both tables in one go; gives the folder, the lines that were told, and tables.json."""
    output, lines = tmp_path_factory.mktemp("whole") / "out", []
    run_reproduction(asked_for(output, tell=lines.append), Progress())
    return SimpleNamespace(output=output, lines=lines, tables=json.loads((output / "tables.json").read_text()))


def rows_of(whole, stem):
    table = whole.tables["tables"][stem]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def test_tables_figures_and_page_are_there_and_say_what_they_are(whole):
    names = {path.name for path in whole.output.iterdir()}
    for table in (1, 2):
        stems = ("", "_values", "_found", "_dice", "_outcomes", "_compared")
        assert names >= {f"table{table}{stem}.csv" for stem in stems}
        assert names >= {f"table{table}_{stem}.png" for stem in ("roc", "patients")}
    ours = [row for row in rows_of(whole, "table1") if row["whose"] == "this program (smoke, changed)"]
    assert [row["method"] for row in ours[:5]] == ["U-NET", "CAMs alone", "CAMs & FCNs", "3d-rpet-Net", "Our"]
    assert {row["measured on"] for row in ours} == {"scans of cases.csv: 8 patients, oesophagus"}
    drawn = ours[-1]
    assert drawn["outcomes told"] == "8 of 8"
    assert float(drawn["AUC"][:4]) > 0.7  # the outcome is whether the tumour is hotter
    page = (whole.output / "index.html").read_text()
    for told in ("Preset “smoke”", "Only 8 patients", "No outcome leaks", "as published"):
        assert told in page
    assert [line.split(",")[0] for line in whole.lines] == [
        "scans of cases.csv: 8 oesophagus (8 with an outcome)",
        "Fold 0 (1 of 2)",
        "Fold 1 (2 of 2)",
        "Table 1",
        "Table 2",
    ]


def test_everyone_is_tested_once_and_learned_from_elsewhere(whole):
    folds = whole.tables["values"]["folds"]
    tested = [case for fold in folds.values() for case in fold["test"]]
    assert sorted(tested) == [f"p{n:02}" for n in range(2 * A_LABEL)]
    for fold in folds.values():
        learned = {*fold["training"], *fold["validation"]}
        for row in fold["rows"].values():
            assert not learned & {one["case"] for one in row["patients"]}
            assert {one["case"] for one in row["patients"]} == set(fold["test"])


def test_dice_is_that_of_what_is_kept(whole, data):
    cases = {case.id: case for case in open_cohort(f"table:{data}").cases}
    for fold in whole.tables["values"]["folds"].values():
        for name, row in fold["rows"].items():
            one = row["patients"][0]
            kept = Detections.load(whole.output / "masks" / name / one["case"] / "detections.json")
            shape = kept.geometry.shape_kji
            drawn, found = np.zeros(shape, bool), np.zeros(shape, bool)
            for lesion in cases[one["case"]].truth().lesions:
                drawn |= lesion.mask.full(shape)
            for lesion in kept.lesions:
                found |= lesion.mask.full(shape)
            assert one["marks"] == len(kept.lesions)
            assert one["dice"] == pytest.approx(dice(found, drawn) if kept.lesions else 0.0)
            first = kept.lesions[0].mask.full(shape) if kept.lesions else found
            assert one["first_dice"] == pytest.approx(dice(first, drawn))


def test_the_labels_of_the_fcn_are_the_maps_of_cams_alone(whole):
    rows = whole.tables["values"]["folds"]["0"]["rows"]
    alone, fcn = (rows[name]["record"]["fits"] for name in ("cams-alone", "cams-fcn"))
    assert fcn["classification"] == alone["classification"]
    assert set(fcn) == {"classification", "segmentation"}


def test_what_is_done_is_not_done_again(whole, asked_for, monkeypatch):
    for owner, name in ((fold_work, "prepare"), (fold_work, "fit_network"), (fold_work, "create")):
        monkeypatch.setattr(owner, name, lambda *_: pytest.fail("it was done again"))
    monkeypatch.setattr(outcomes_told, "keep_study", lambda *_: pytest.fail("it was told again"))
    run_reproduction(asked_for(whole.output, resume=True), Progress())
    again = json.loads((whole.output / "tables.json").read_text())
    assert [again[part] for part in ("tables", "values", "warnings")] == [
        whole.tables[part] for part in ("tables", "values", "warnings")
    ]


def test_killed_between_steps_it_ends_in_the_same(whole, asked_for, tmp_path, monkeypatch):
    output, killed, kept = tmp_path / "out", [], FoundStore.put

    def put(store, found, detections):
        kept(store, found, detections)
        if len(killed) < 1:
            killed.append(found.case)
            raise Killed

    monkeypatch.setattr(FoundStore, "put", put)
    request = asked_for(output, folds=(1,), tables=(1,), resume=True)
    with pytest.raises(Killed):
        run_reproduction(request, Progress())
    assert not (output / "tables.json").exists()
    run_reproduction(request, Progress())
    again = json.loads((output / "tables.json").read_text())
    mine, theirs = again["values"]["folds"]["1"]["rows"], whole.tables["values"]["folds"]["1"]["rows"]
    for name, row in mine.items():
        assert row["patients"] == [one for one in theirs[name]["patients"] if one["label"] == "oesophagus"]
    stems = {"table1", "table1_found", "table1_dice", "table1_values", "folds"}
    assert set(again["tables"]) == stems  # no outcomes are told
    assert any("1 fold of 2" in warning for warning in again["warnings"])
    assert any("two folds at least" in warning for warning in again["warnings"])


def test_without_drawn_tumours_there_is_no_supervised_row(data, tmp_path, monkeypatch):
    cohort = open_cohort(f"table:{data}")
    bare = replace(cohort, cases=tuple(replace(case, mask=None) for case in cohort.cases))
    monkeypatch.setattr(FoldWork, "_row", lambda _self, row, _progress: RowFound(row, {}, (), ()))
    fold = Fold(0, (), (), ())

    def rows(given):
        job = SimpleNamespace(folder=tmp_path, cohort=given, settings=SETTINGS)
        return FoldWork(job, fold, LABELS).do(Progress())

    assert set(rows(cohort).rows) == {"cams-alone", "cams-fcn", "our", "unet"}
    assert set(rows(bare).rows) == set(outlined(1, {0: rows(bare)})) == {"cams-alone", "cams-fcn", "our"}


def test_what_radiomics_needs_is_looked_for_before_anything_is_fitted(asked_for, tmp_path, monkeypatch):
    def missing(*_):
        raise DependencyError("This needs MIRP.")

    monkeypatch.setattr(reproduce, "require", missing)
    monkeypatch.setattr(fold_work, "fit_network", lambda *_: pytest.fail("it was fitted"))
    with pytest.raises(DependencyError, match="MIRP"):
        run_reproduction(asked_for(tmp_path / "out"), Progress())


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"folds": (2,)}, "Fold 2 has no labelled"), ({"fold": 1}, "leave --fold out"), ({"tables": (3,)}, "no table 3")],
)
def test_what_cannot_work_is_told(asked_for, tmp_path, changes, told):
    with pytest.raises(UsageError, match=told):
        run_reproduction(asked_for(tmp_path / "out", **changes), Progress())
