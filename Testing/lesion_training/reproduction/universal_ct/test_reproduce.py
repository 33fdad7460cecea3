"""Table and figures of universal-ct from a DeepLesion made by hand: made whole, stopped and resumed, refused."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.plain_values import changed
from LesionDetectionLib.methods.universal_ct.anchor_file import read_anchors
from LesionDetectionLib.methods.universal_ct.architecture import DEFAULT_SCALES, RESNET50, ROWS, VGG19_BN
from LesionDetectionLib.methods.universal_ct.detector import create
from LesionDetectionLib.methods.universal_ct.model import architecture_from, weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.settings import settings_for
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.matching.outcome import MISSED
from LesionTrainingLib.reproduction.kept import kept_json, kept_network, network_digest
from LesionTrainingLib.reproduction.key_slices.data import edges_of, make_phantoms, parts_of, region_of
from LesionTrainingLib.reproduction.key_slices.marks import Marks, MarkStore, outcomes_of
from LesionTrainingLib.reproduction.running import ReproductionRequest, run_reproduction
from LesionTrainingLib.reproduction.units import held
from LesionTrainingLib.reproduction.universal_ct import row_work
from LesionTrainingLib.reproduction.universal_ct.optimised import sides_of
from LesionTrainingLib.reproduction.universal_ct.reproduce import rows_of
from LesionTrainingLib.reproduction.universal_ct.rows import ALL_ROWS, chosen_rows
from LesionTrainingLib.reproduction.universal_ct.settings import ReproductionSettings, preset_settings

from ..killing import Killed, kill_before_each

pytestmark = pytest.mark.usefixtures("one_thread")

SMOKE = preset_settings("smoke")
SETTINGS = replace(
    SMOKE,
    complete=True,
    recipe=replace(SMOKE.recipe, fit=replace(SMOKE.recipe.fit, steps=2, validate_every=2)),
)


@pytest.fixture(scope="module")
def asked_for(tiny_deeplesion, tmp_path_factory):
    """The request for an output folder; prepared cases are shared."""
    cache = tmp_path_factory.mktemp("cache")

    def request(output, **changes):
        plain = ReproductionRequest(
            "universal-ct",
            output,
            tiny_deeplesion,
            preset="smoke",
            settings=SETTINGS,
            folds=(0, 3),
            device="cpu",
            cache_folder=cache,
        )
        return replace(plain, **changes)

    return request


@pytest.fixture(scope="module")
def whole(asked_for, tmp_path_factory):
    """The first and the last row of the table, and the one that learns from all lesions, in one go."""
    output, lines = tmp_path_factory.mktemp("whole") / "out", []
    run_reproduction(asked_for(output, folds=(0, 3, 5), tell=lines.append), Progress())
    return SimpleNamespace(output=output, lines=lines, tables=json.loads((output / "tables.json").read_text()))


def kept_in(output, row):
    """What a row keeps, but how long things took."""
    folder = output / "rows" / row
    return {path.name: path.read_text() for path in (folder / "marks").iterdir()}


def test_tables_and_figures_are_there_and_say_what_they_are(whole):
    names = {path.name for path in whole.output.iterdir()}
    assert names >= {
        "tables.json",
        "table1.csv",
        "table1_values.csv",
        "sizes.csv",
        "missing_labels.csv",
        "anchors.json",
    }
    assert names >= {f"{stem}.png" for stem in ("fig2_froc", "fig2_sizes", "fig3", "fig4")}
    table = whole.tables["tables"]["table1"]
    assert [row[1] for row in table["rows"]] == ["this program (smoke, changed)", "paper"] * 2 + [
        "this program (smoke, changed)",
        *["paper"] * 4,
    ]
    ours, paper = table["rows"][:2]
    assert ours[2] == "DeepLesion, test split: 4 images, 6 lesions"
    assert paper[2:] == [
        "DeepLesion, official test split",
        *["45.80", "54.17", "62.50", "69.80", "75.34", "79.48", "28"],
        "GTX 1080",
    ]
    page = (whole.output / "index.html").read_text()
    assert "Preset “smoke”" in page
    assert "only 4 images" in page
    assert [line.partition(",")[0] for line in whole.lines[1:]] == [
        "Row 0 (1 of 3)",
        "Row 3 (2 of 3)",
        "Row 5 (3 of 3)",
    ]


def test_time_is_of_this_device(whole):
    for row in whole.tables["values"]["rows"].values():
        assert row["milliseconds"]["milliseconds"] > 0
        assert row["milliseconds"]["images"] == SETTINGS.timed_images
        assert re.fullmatch(r"cpu \(.*, 1 threads\), (float32|bfloat16)", row["milliseconds"]["device"])


def test_rows_are_the_networks_that_they_say(whole):
    rows = whole.tables["values"]["rows"]
    found = read_anchors(whole.output)
    assert rows["original"]["architecture"]["scales"] == list(DEFAULT_SCALES)
    assert rows["original"]["architecture"]["lowest"] == 3
    assert rows["attention"]["architecture"]["scales"] == list(found.scales)
    assert rows["attention"]["architecture"]["ratios"] == list(found.ratios)
    assert rows["attention"]["architecture"] == rows["complete"]["architecture"]
    assert whole.tables["values"]["anchors"]["searched"] is True


def test_the_complete_list_is_learned_from_in_its_row_only(whole):
    rows = whole.tables["values"]["rows"]
    assert rows["attention"]["fit"]["training_lesions"] == 6
    assert rows["complete"]["fit"]["training_lesions"] == 8


def test_missing_labels_are_told_from_the_same_marks(whole):
    table = whole.tables["tables"]["missing_labels"]
    assert [row[1:3] for row in table["rows"][-2:]] == [["all lesions", "the list"], ["all lesions", "all lesions"]]
    assert [row[4] for row in table["rows"]] == [6, 8] * 3
    for one in whole.tables["values"]["missing_labels"].values():
        assert one["by_all"]["false_positives"] <= one["by_list"]["false_positives"]
        assert 0 <= one["really"] <= one["false"]


def test_what_is_done_is_not_done_again(whole, asked_for, monkeypatch):
    for name in ("prepare", "fit_network", "timed"):
        monkeypatch.setattr(row_work, name, lambda *_: pytest.fail("it was done again"))
    monkeypatch.setattr(MarkStore, "put", lambda *_: pytest.fail("it looked again"))
    run_reproduction(asked_for(whole.output, folds=(0, 3, 5), resume=True), Progress())
    again = json.loads((whole.output / "tables.json").read_text())
    assert [again[part] for part in ("tables", "values", "warnings")] == [
        whole.tables[part] for part in ("tables", "values", "warnings")
    ]


def test_killed_between_steps_it_ends_in_the_same_and_does_nothing_twice(whole, asked_for, tmp_path, monkeypatch):
    output = tmp_path / "out"
    steps = [(row_work, "fit_network"), (MarkStore, "put"), (row_work, "timed")]
    killed, done = kill_before_each(steps, monkeypatch)
    request = asked_for(output, folds=(3,), tables=(2,), resume=True)
    for _ in steps:
        with pytest.raises(Killed):
            run_reproduction(request, Progress())
    assert not (output / "tables.json").exists()
    run_reproduction(request, Progress())
    assert killed == [name for _, name in steps]
    assert done == ["fit_network", *["put"] * 4, "timed"]
    assert kept_in(output, "row-3-attention") == kept_in(whole.output, "row-3-attention")


def test_another_network_s_marks_are_not_taken(whole, tmp_path):
    store = MarkStore(tmp_path, "one")
    store.put("image", Marks(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([0.5])))
    assert store.get("image").edges.tolist() == [[1, 2, 3, 4]]
    assert MarkStore(tmp_path, "another").get("image") is None
    (tmp_path / "image.json").write_text('{"key": "one", "edges": [[1, 2, 3, 4]], "scores": []}')
    assert store.get("image") is None


def test_the_marks_are_those_of_the_detector(whole, tiny_deeplesion, tmp_path):
    row, case = (
        whole.output / "rows" / "row-3-attention",
        parts_of(open_cohort(f"deeplesion:{tiny_deeplesion}")).test[0],
    )
    architecture = architecture_from(whole.tables["values"]["rows"]["attention"]["architecture"])
    network = UniversalNetwork(architecture)
    assert kept_network(row / "network.safetensors", network)
    settings = {"universal_settings": {"size_px": 128}, "operating_points": {"all": 0.0}}
    manifest = Manifest("universal-ct", "trial", "0", asdict(architecture), settings, {}, True)
    write_bundle(tmp_path / "model", manifest, weights_of(network), "")
    detector = create(Bundle.open(tmp_path / "model"), "cpu")
    every = replace(settings_for(None), size_px=128, measure=False)
    found = detector.detect(case.images(), every).lesions
    marks = MarkStore(row / "marks", network_digest(network)).get(case.id)
    assert len(found) == len(marks.scores) > 0
    assert np.allclose(sorted(lesion.score for lesion in found), sorted(marks.scores), atol=1e-4)
    best = np.argsort(-marks.scores)
    assert np.allclose(edges_of(case, found[:5]), marks.edges[best[:5]], atol=1e-3)


def test_marks_meet_lesions_in_the_list_s_own_pixels(tiny_deeplesion, tmp_path):
    """A mark of exactly the listed box hits with an IoU of 1; one that no one listed is false, and a lesion by all."""
    parts = parts_of(open_cohort(f"deeplesion:{tiny_deeplesion}"))
    case = next(one for one in parts.test if len(one.truth().lesions) == 1)
    whole_case = parts.complete[case.id]
    store = MarkStore(tmp_path, "key")
    edges = edges_of(whole_case, whole_case.truth().lesions)
    assert edges[0, 2] - edges[0, 0] == pytest.approx(2 * (4 + int(case.patient) % 3) + 11)
    store.put(case.id, Marks(edges, np.array([0.9, 0.8])))
    (listed,), (complete,) = outcomes_of([case], store), outcomes_of([whole_case], store)
    assert listed.values[0, 0] == pytest.approx(1, abs=1e-3)
    assert listed.lesion_scores.tolist() == [0.9]
    assert listed.false_positive_scores.tolist() == [0.8]
    assert complete.lesion_scores.tolist() == [0.9, 0.8]
    assert [region_of(one) for one in whole_case.truth().lesions] == ["lung", "liver"]


def test_an_image_that_cannot_be_looked_at_has_no_marks(tiny_deeplesion, tmp_path):
    """Its lesions are missed, and rates divide by it."""
    case = open_cohort(f"deeplesion:{tiny_deeplesion}").cases[0]
    (outcome,) = outcomes_of([case], MarkStore(tmp_path, "key"))
    assert (outcome.lesion_scores == MISSED).all()
    assert len(outcome.lesion_scores) == len(case.truth().lesions)


def test_anchors_are_fitted_to_boxes_of_the_input(tiny_deeplesion):
    case = open_cohort(f"deeplesion:{tiny_deeplesion}").cases[0]
    small, _ = sides_of([case], 128)
    large, size_mm = sides_of([case], 512)
    assert np.allclose(large, 4 * small)
    assert size_mm.tolist() == [2.5 * 2 * 5, 2.5 * 18]


def test_other_settings_in_the_same_folder_are_refused(whole, asked_for):
    other = replace(SETTINGS, search_anchors=False)
    with pytest.raises(UsageError, match=r"settings.search_anchors was true, not false"):
        run_reproduction(asked_for(whole.output, settings=other, resume=True), Progress())


def test_two_processes_do_not_work_on_one_row(whole, asked_for):
    with (
        held(whole.output / ALL_ROWS[0].folder, whole.output, "row 0"),
        pytest.raises(UsageError, match=r"Another process works on row 0 .* other rows with --folds"),
    ):
        run_reproduction(asked_for(whole.output, folds=(0,), resume=True), Progress())


def test_stopping_says_how_to_go_on(asked_for, tmp_path):
    progress = Progress(lambda _, text: progress.cancel() if "Step 1 of" in text else None)
    with pytest.raises(Cancelled, match="--resume goes on"):
        run_reproduction(asked_for(tmp_path / "out", folds=(0,)), progress)
    assert (tmp_path / "out" / "rows" / "row-0-original").is_dir()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"folds": (4,)}, "no row 4 here"),
        ({"folds": (7,)}, "no row 7 here"),
        ({"fold": 1}, "Row 1 is not among those that are worked on: 0, 3"),
        ({"tables": (3,)}, "no table 3"),
    ],
)
def test_what_cannot_work_is_told(asked_for, tmp_path, changes, told):
    with pytest.raises(UsageError, match=told):
        run_reproduction(asked_for(tmp_path / "out", **changes), Progress())


def test_weights_to_begin_with_are_asked_for_before_anything_is_written(asked_for, tmp_path):
    with pytest.raises(UsageError, match="begins with weights of ImageNet"):
        run_reproduction(asked_for(tmp_path / "out", settings=preset_settings("paper")), Progress())
    assert not (tmp_path / "out").exists()


def test_data_without_a_test_part_are_refused(tiny_deeplesion):
    cohort = open_cohort(f"deeplesion:{tiny_deeplesion}")
    with pytest.raises(InputError, match=r"no image for test \(Train_Val_Test"):
        parts_of(replace(cohort, cases=tuple(case for case in cohort.cases if case.split != "test")))


def test_too_few_phantoms_are_refused(tmp_path):
    with pytest.raises(UsageError, match="at least 4"):
        make_phantoms(tmp_path / "data", 3, "tiny", 0, Progress())


@pytest.mark.parametrize(
    ("wanted", "resnet50", "complete", "numbers"),
    [
        ((), False, False, [0, 1, 2, 3]),
        ((), True, True, [0, 1, 2, 3, 4, 5]),
        ((3, 1, 3), False, False, [1, 3]),
        ((5,), False, True, [5]),
    ],
)
def test_rows_are_those_asked_for(wanted, resnet50, complete, numbers):
    assert [row.number for row in chosen_rows(wanted, resnet50=resnet50, complete=complete)] == numbers


def test_what_missing_labels_do_needs_the_last_row_alone_and_a_list_that_misses_none():
    there, none = SimpleNamespace(complete={"image": None}), SimpleNamespace(complete={})
    job = SimpleNamespace(settings=SETTINGS, folds=(), tables=(2,))
    assert [row.number for row in rows_of(job, there)] == [3, 5]
    assert [row.number for row in rows_of(job, none)] == [3]
    job.tables = (1, 2)
    assert [row.number for row in rows_of(job, none)] == [0, 1, 2, 3]
    job.folds = (5,)
    with pytest.raises(UsageError, match="Row 5 learns from DL_info_complete"):
        rows_of(job, none)


def test_the_paper_s_preset_is_the_paper_s():
    settings = preset_settings("paper")
    anchors = SimpleNamespace(
        sizes=ROWS["attention"].sizes, scales=ROWS["attention"].scales, ratios=ROWS["attention"].ratios
    )
    for row in ALL_ROWS[:4]:
        assert row.architecture(settings.recipe.architecture, anchors) == ROWS[row.name]
    fit = settings.recipe.fit
    assert (fit.optimizer, fit.learning_rate, fit.batch, fit.patience, fit.plateau_patience) == ("adam", 1e-4, 4, 4, 2)
    assert not settings.search_anchors
    resnet = ALL_ROWS[4].architecture(settings.recipe.architecture, anchors)
    assert (resnet.backbone, resnet.attention) == (RESNET50, True)
    for preset in ("small", "smoke"):
        recipe = preset_settings(preset).recipe
        assert recipe.architecture.backbone == VGG19_BN


def test_settings_that_make_no_sense_are_refused():
    recipe = SMOKE.recipe
    with pytest.raises(UsageError, match="is the last row here"):
        ReproductionSettings(replace(recipe, architecture=replace(recipe.architecture, attention=False)))
    with pytest.raises(UsageError, match="multiples of 128"):
        ReproductionSettings(replace(recipe, size_px=192))
    with pytest.raises(UsageError, match="Either"):
        ReproductionSettings(replace(recipe, anchors_file="anchors.json"), search_anchors=True)


@pytest.mark.parametrize("preset", ["paper", "small", "smoke"])
def test_a_preset_that_is_shown_can_be_given_back(preset):
    settings = preset_settings(preset)
    assert changed(settings, json.loads(json.dumps(asdict(settings)))) == settings


def test_marks_are_kept_by_their_network(whole):
    kept = kept_json(next((whole.output / "rows" / "row-3-attention" / "marks").iterdir()))
    other = kept_json(next((whole.output / "rows" / "row-0-original" / "marks").iterdir()))
    assert kept["key"] != other["key"]
