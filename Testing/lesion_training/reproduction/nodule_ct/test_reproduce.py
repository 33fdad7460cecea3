"""Tables and figures of nodule-ct from tiny phantoms in LUNA16's layout: made whole, stopped and resumed, refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import Cancelled, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.model import weights_of
from LesionDetectionLib.methods.nodule_ct.network import (
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
)
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.nodule_ct import mining
from LesionTrainingLib.learning.nodule_ct.recipe import as_bundle
from LesionTrainingLib.learning.nodule_ct.scans import prepared_scans
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings, SamplingSettings
from LesionTrainingLib.learning.nodule_ct.stages import Stages
from LesionTrainingLib.learning.nodule_ct.validation import detect_scans
from LesionTrainingLib.learning.recipe import Run, Trained
from LesionTrainingLib.reproduction.folds import Fold, held_fold
from LesionTrainingLib.reproduction.kept import kept_json, kept_network
from LesionTrainingLib.reproduction.nodule_ct import fold_work, found
from LesionTrainingLib.reproduction.nodule_ct.data import make_phantoms
from LesionTrainingLib.reproduction.nodule_ct.networks import FOR_TABLE_1, FOR_TABLE_2, VARIANTS
from LesionTrainingLib.reproduction.nodule_ct.reproduce import wanted_work
from LesionTrainingLib.reproduction.nodule_ct.settings import ReproductionSettings, preset_settings
from LesionTrainingLib.reproduction.running import ReproductionRequest, run_reproduction

from ..killing import Killed, kill_before_each

pytestmark = pytest.mark.usefixtures("lung_parts_kept", "one_thread")

RECIPE = RecipeSettings(
    spacing_mm=(3.0, 3.0, 3.0),
    screening=ScreeningArchitecture(widths=(2, 2, 4, 4)),
    reduction=ReductionArchitecture(trunk_widths=(2, 2, 4), widths=(4, 4), hidden=4),
    screening_stage=EngineSettings(steps=3, batch=6, tensorboard=False),
    reduction_stage=EngineSettings(steps=2, batch=4, tensorboard=False),
    sampling=SamplingSettings(reduction_positives=0.5),
    mining_rounds=1,
    mined_per_scan=5,
    mining_threshold=0.4,
    candidates_per_scan=6,
    least_candidate_threshold=0.05,
)
SETTINGS = ReproductionSettings(RECIPE, bootstraps=20)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Four tiny phantoms in subset0 to subset3."""
    folder = tmp_path_factory.mktemp("luna16") / "data"
    make_phantoms(folder, 4, "tiny", 0, Progress())
    return folder


@pytest.fixture(scope="module")
def asked_for(phantoms, tmp_path_factory):
    """The request for an output folder; prepared cases are shared."""
    cache = tmp_path_factory.mktemp("cache")

    def request(output, **changes):
        plain = ReproductionRequest(
            "nodule-ct", output, phantoms, preset="smoke", settings=SETTINGS, device="cpu", cache_folder=cache
        )
        return replace(plain, **changes)

    return request


@pytest.fixture(scope="module")
def whole(asked_for, tmp_path_factory):
    """Two folds and both tables in one go; gives the folder and the lines that were told."""
    output, lines = tmp_path_factory.mktemp("whole") / "out", []
    run_reproduction(asked_for(output, folds=(0, 1), fold=1, tell=lines.append), Progress())
    return SimpleNamespace(output=output, lines=lines, tables=json.loads((output / "tables.json").read_text()))


def marks_in(output, fold):
    return {path.relative_to(output): path.read_text() for path in (output / "folds" / fold / "found").rglob("*.json")}


def test_both_tables_and_figures_are_there_and_say_what_they_are(whole):
    names = {path.name for path in whole.output.iterdir()}
    assert names >= {"tables.json", "table1.csv", "table2.csv", "froc.png", "froc.csv", "froc_folds.png", "index.html"}
    ours, paper = whole.tables["tables"]["table1"]["rows"][:2]
    assert ours[1].startswith("phantoms in LUNA16’s layout, folds 0-1: 2 scans, ")
    assert ours[0] == "this program (smoke, changed)"
    assert paper[-1] == 0.839
    assert [row[1] for row in whole.tables["tables"]["table2"]["rows"][::2]] == [
        "FCN",
        "FCN+OSF",
        "DeepNet",
        "ResNet",
        "ResNet+HL",
    ]
    page = (whole.output / "index.html").read_text()
    assert "say nothing about patients" in page
    assert "the two cannot be compared" in page
    assert whole.tables["on_phantoms"] is True
    assert [line.partition(":")[0] for line in whole.lines] == ["Fold 1 (1 of 2)", "Fold 0 (2 of 2)"]


def test_only_the_fold_of_table_2_has_all_networks(whole):
    found_in = {
        fold: {path.name for path in (whole.output / "folds" / fold / "found").iterdir()}
        for fold in ("fold-0", "fold-1")
    }
    assert found_in["fold-0"] == {"fcn-osf", "resnet-hl"}
    assert found_in["fold-1"] == {variant.folder for variant in VARIANTS.values()}


def test_the_ablations_differ_where_they_should(whole):
    folder = whole.output / "folds" / "fold-1"
    keys = {
        name: kept_json(folder / "found" / name / path.name)["key"]
        for name in ("fcn", "fcn-osf", "resnet")
        for path in (folder / "found" / name).iterdir()
    }
    assert len(set(keys.values())) == 3
    mark = next((folder / "found" / "resnet").iterdir())
    with_regression = next((folder / "found" / "resnet-hl").iterdir())
    assert all(one is None for one in kept_json(mark)["diameters_mm"])
    assert all(one is not None for one in kept_json(with_regression)["diameters_mm"])


def test_what_is_done_is_not_done_again(whole, asked_for, monkeypatch):
    before = (whole.output / "tables.json").read_text()
    monkeypatch.setattr(Stages, "open", lambda *_: pytest.fail("it opened the scans again"))
    monkeypatch.setattr(fold_work, "look_at", lambda *_: pytest.fail("it looked again"))
    run_reproduction(asked_for(whole.output, folds=(0, 1), fold=1, resume=True), Progress())
    assert (whole.output / "tables.json").read_text() == before


def test_killed_between_steps_it_ends_in_the_same_and_does_nothing_twice(whole, asked_for, tmp_path, monkeypatch):
    output = tmp_path / "out"
    steps = [(Stages, "screening"), (mining, "mine"), (Stages, "reduction"), (found.FoundStore, "put")]
    killed, done = kill_before_each(steps, monkeypatch)
    request = asked_for(output, folds=(0,), tables=(1,), resume=True)
    for _ in steps:
        with pytest.raises(Killed):
            run_reproduction(request, Progress())
    assert not (output / "tables.json").exists()
    run_reproduction(request, Progress())
    assert killed == [name for _, name in steps]
    assert done == ["screening", "mine", "reduction", "put", "put"]
    assert marks_in(output, "fold-0") == marks_in(whole.output, "fold-0")


def test_the_marks_are_those_of_the_detector(whole, phantoms, asked_for, tmp_path):
    folder, case = whole.output / "folds" / "fold-0", open_cohort(f"luna16:{phantoms}?subset=0").cases[0]
    screening, reduction = ScreeningFCN(RECIPE.screening), ReductionResNet(RECIPE.reduction)
    for name, network in (("fcn-osf", screening), ("resnet-hl", reduction)):
        assert kept_network(folder / name / "network.safetensors", network)
    threshold = kept_json(folder / "fcn-osf" / "threshold.json")["threshold"]
    nodule = {"spacing_mm": list(RECIPE.spacing_mm), "candidate_threshold": threshold}
    trained = Trained(
        weights_of(screening, reduction),
        {"screening": vars(RECIPE.screening), "reduction": vars(RECIPE.reduction)},
        {"nodule_settings": nodule, "operating_points": {"all": 0.0}},
    )
    run = Run(tmp_path, (), (), Cache(asked_for(tmp_path).cache_folder), torch.device("cpu"), Processes())
    bundle = as_bundle(trained)
    scans = prepared_scans([case], run, replace(found.NoduleSettings(), spacing_mm=RECIPE.spacing_mm), Progress())
    (expected,) = detect_scans(bundle, scans, "cpu", Progress())
    kept = kept_json(folder / "found" / "resnet-hl" / f"{case.id}.json")
    assert len(kept["scores"]) > 0
    assert np.array_equal(sorted(kept["scores"]), sorted(expected.mark_scores))


def test_other_settings_in_the_same_folder_are_refused(whole, asked_for):
    other = replace(SETTINGS, recipe=replace(RECIPE, regression_weight=0.1))
    with pytest.raises(UsageError, match=r"settings.recipe.regression_weight was 0.5, not 0.1"):
        run_reproduction(asked_for(whole.output, settings=other, resume=True), Progress())
    with pytest.raises(OutputError, match="Add --resume"):
        run_reproduction(asked_for(whole.output), Progress())


def test_other_data_in_the_same_folder_are_refused(whole, asked_for, phantoms, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for entry in phantoms.iterdir():
        (other / entry.name).symlink_to(entry)
    rows = (phantoms / "annotations.csv").read_text().splitlines()
    (other / "annotations.csv").unlink()
    (other / "annotations.csv").write_text("\n".join(rows[:-1]) + "\n")
    with pytest.raises(UsageError, match="data were others"):
        run_reproduction(asked_for(whole.output, data=other, resume=True), Progress())


def test_two_processes_do_not_work_on_one_fold(whole, asked_for):
    with held_fold(whole.output, 0), pytest.raises(UsageError, match="Another process works on fold 0"):
        run_reproduction(asked_for(whole.output, folds=(0,), tables=(1,), resume=True), Progress())


def test_a_scan_that_cannot_be_looked_at_has_no_marks(whole, asked_for, phantoms, tmp_path):
    """Its nodules are missed, and rates divide by it: LUNA16 divides by all scans."""
    case = open_cohort(f"luna16:{phantoms}?subset=0").cases[0]
    (outcome,) = found.judged([case], "ResNet+HL", found.FoundStore(tmp_path, {"ResNet+HL": "key"}))
    assert len(outcome.lesion_marks) == len(case.truth().lesions) > 0
    assert (outcome.lesion_marks < 0).all()


def test_stopping_says_how_to_go_on(asked_for, tmp_path):
    progress = Progress(lambda _, text: progress.cancel() if "Step 1 of" in text else None)
    with pytest.raises(Cancelled, match="--resume goes on"):
        run_reproduction(asked_for(tmp_path / "out", folds=(0,), tables=(1,)), progress)


def test_phantoms_are_made_once_and_others_are_refused(asked_for, tmp_path, monkeypatch):
    made = []

    def make(folder, count, protocol, seed, progress):
        made.append((count, protocol))
        raise Killed

    monkeypatch.setattr("LesionTrainingLib.reproduction.nodule_ct.data.make_phantoms", make)
    request = asked_for(tmp_path / "out", data=None, phantoms=12)
    with pytest.raises(Killed):
        run_reproduction(request, Progress())
    assert made == [(12, "tiny")]
    with pytest.raises(UsageError, match="phantoms was"):
        run_reproduction(replace(request, phantoms=13, resume=True), Progress())
    assert len(made) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"phantoms": 5}, "one of the two"),
        ({"data": None}, "one of the two"),
        ({"tables": (3,)}, "no table 3"),
        ({"folds": (9,)}, "Fold 9 has no labelled scans"),
        ({"fold": 7}, "Fold 7 has no labelled scans"),
        ({"protocol": "tiny"}, "--protocol is for phantoms"),
        ({"workers": 0}, "--workers"),
    ],
)
def test_what_cannot_work_is_told(asked_for, tmp_path, changes, told):
    with pytest.raises(UsageError, match=told):
        run_reproduction(asked_for(tmp_path / "out", **changes), Progress())


def test_the_paper_s_preset_is_the_paper_s():
    recipe = preset_settings("paper").recipe
    assert recipe.screening.widths == (64, 64, 64, 250)
    assert recipe.reduction.widths == (64, 128)
    for stage in (recipe.screening_stage, recipe.reduction_stage):
        assert (stage.optimizer, stage.learning_rate, stage.momentum, stage.weight_decay) == ("sgd", 1e-3, 0.9, 1e-4)
    assert recipe.least_candidate_threshold == 0.85
    assert (recipe.filtering.hard_share, recipe.filtering.easy_share) == (0.5, 0.5)
    assert recipe.regression_weight == 0.5


def test_ablations_cannot_be_the_full_recipe():
    with pytest.raises(UsageError, match=r"ResNet\+HL"):
        ReproductionSettings(replace(RECIPE, reduction=replace(RECIPE.reduction, skips=False)))


@pytest.mark.parametrize(
    ("tables", "folds", "fold", "expected"),
    [
        ((1, 2), (), None, {9: FOR_TABLE_2, **dict.fromkeys(range(9), FOR_TABLE_1)}),
        ((1, 2), (0, 3), 3, {3: FOR_TABLE_2, 0: FOR_TABLE_1}),
        ((2,), (0, 3), None, {9: FOR_TABLE_2}),
        ((1,), (4, 5), 9, {4: FOR_TABLE_1, 5: FOR_TABLE_1}),
    ],
)
def test_work_that_both_tables_need_is_listed_once(tables, folds, fold, expected):
    plan = {number: Fold(number, ("a",), ("b",), ("c",)) for number in range(10)}
    assert wanted_work(SimpleNamespace(tables=tables, folds=folds, fold=fold), plan) == expected
    assert set(FOR_TABLE_1) < set(FOR_TABLE_2)


@pytest.mark.parametrize("preset", ["paper", "small", "smoke"])
def test_a_preset_that_is_shown_can_be_given_back(preset):
    settings = preset_settings(preset)
    assert changed(settings, json.loads(json.dumps(asdict(settings)))) == settings
    with_fractions = {"recipe": {"candidates_per_scan": 12.5, "mining_threshold": 0.25}}
    assert changed(settings, with_fractions).recipe.candidates_per_scan == 12.5
