"""Tables and figures of liver-ct from a DeepLesion made by hand: made whole, stopped and resumed, refused."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.liver_ct.model import architecture_from
from LesionDetectionLib.methods.liver_ct.network import boxes_of, make_network
from LesionDetectionLib.methods.slices.preprocessing import network_input, planes_at
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.reproduction.kept import kept_network, network_digest
from LesionTrainingLib.reproduction.key_slices.marks import MarkStore
from LesionTrainingLib.reproduction.liver_ct import row_work
from LesionTrainingLib.reproduction.liver_ct.reproduce import rows_of
from LesionTrainingLib.reproduction.liver_ct.settings import preset_settings
from LesionTrainingLib.reproduction.running import ReproductionRequest, run_reproduction

from ..killing import Killed, kill_before_each

pytestmark = pytest.mark.usefixtures("one_thread")

SMOKE = preset_settings("smoke")


def few_steps(recipe):
    return replace(recipe, fit=replace(recipe.fit, steps=2, validate_every=1))


SETTINGS = replace(
    SMOKE,
    **{name: few_steps(getattr(SMOKE, name)) for name in ("baseline", "vgg", "faster_rcnn")},
    front_ends=True,
    training_images=3,
    threshold=0.01,
)


@pytest.fixture(scope="module")
def asked_for(tiny_livers, tmp_path_factory):
    """The request for an output folder; prepared cases are shared."""
    cache = tmp_path_factory.mktemp("cache")

    def request(output, **changes):
        plain = ReproductionRequest(
            "liver-ct", output, tiny_livers, preset="smoke", settings=SETTINGS, device="cpu", cache_folder=cache
        )
        return replace(plain, **changes)

    return request


@pytest.fixture(scope="module")
def whole(asked_for, tmp_path_factory):
    """The three detectors, and one of what the paper tried first, in one go."""
    output, lines = tmp_path_factory.mktemp("whole") / "out", []
    run_reproduction(asked_for(output, folds=(0, 1, 2, 5), tell=lines.append), Progress())
    return SimpleNamespace(output=output, lines=lines, tables=json.loads((output / "tables.json").read_text()))


def kept_in(output, row):
    """The marks that a row keeps."""
    return {
        path.relative_to(output): path.read_text() for path in sorted((output / "rows" / row).glob("marks-*/*.json"))
    }


def test_tables_and_figures_are_there_and_say_what_they_are(whole):
    names = {path.name for path in whole.output.iterdir()}
    assert names >= {f"{stem}.png" for stem in ("froc", "fig4", "fig6", "fig7")}
    stems = ("fig3", "faster_rcnn", "froc_rates", "sizes", "missing_labels", "training")
    assert names >= {f"{stem}.csv" for stem in stems}
    table = whole.tables["tables"]["fig3"]["rows"]
    ours = "this program (smoke, changed)"
    assert [row[1] for row in table] == [ours, "paper"] * 4 + [ours] * 2
    assert table[0][2] == "DeepLesion, training split: 3 images, 5 lesions"
    assert table[2][2] == "DeepLesion, test split: 4 images, 6 lesions"
    assert table[2][6] == "2 of 4"
    page = (whole.output / "index.html").read_text()
    for told in ("Preset “smoke”", "only 4 images", "1989", "upper bounds", "lesion tune --method liver-ct"):
        assert told in page
    assert [line.partition(",")[0] for line in whole.lines[1:]] == [
        f"Row {n} ({i} of 4)" for i, n in enumerate((0, 1, 2, 5), 1)
    ]


def test_one_box_an_image_is_as_many_as_images(whole):
    rows = whole.tables["values"]["rows"]
    for name in ("baseline", "vgg", "vgg-front-4"):
        point = rows[name]["one_box"]["test"]["point"]
        assert point["predictions"] == point["images"] == 4
        assert point["threshold"] is None
        assert rows[name]["one_box"]["test"]["mse"] > 0
    assert rows["faster-rcnn"]["one_box"] == {}
    assert [part["iou"] for part in rows["faster-rcnn"]["regions"]] == [0.1, 0.5]
    assert rows["faster-rcnn"]["regions"][0]["point"]["threshold"] == 0.01


def test_missing_labels_are_told_from_the_same_marks(whole):
    table = whole.tables["tables"]["missing_labels"]["rows"]
    assert [row[3] for row in table] == [6, 8] * 4
    for one in whole.tables["values"]["missing_labels"].values():
        assert one["by_all"]["false"] == one["by_list"]["false"] - one["really"]


def test_the_losses_are_those_of_the_fit(whole):
    lines = (whole.output / "fig6.csv").read_text().splitlines()
    assert len(lines) == 1 + 4 * 2
    assert lines[1].startswith("rpn_classification,1,0.5,")


def test_the_box_is_the_network_s(whole, tiny_livers):
    case = next(one for one in open_cohort(f"deeplesion:{tiny_livers}").cases if one.split == "test")
    row = whole.output / "rows" / "row-0-baseline"
    network = make_network(architecture_from(whole.tables["values"]["rows"]["baseline"]["architecture"]))
    assert kept_network(row / "network.safetensors", network)
    inputs, placing = network_input(planes_at(case.images()["CT"], 1, 2.0), SETTINGS.baseline.method())
    with torch.inference_mode():
        edges = boxes_of(network(torch.from_numpy(inputs)[None]), 64).double().numpy()
    marks = MarkStore(row / "marks-test", network_digest(network)).get(case.id)
    assert np.allclose(marks.edges, placing.to_slice(edges), atol=0.5)
    assert marks.scores.tolist() == [1.0]


def test_what_is_done_is_not_done_again(whole, asked_for, monkeypatch):
    for name in ("prepare", "fit_network"):
        monkeypatch.setattr(row_work, name, lambda *_: pytest.fail("it was done again"))
    monkeypatch.setattr(MarkStore, "put", lambda *_: pytest.fail("it looked again"))
    run_reproduction(asked_for(whole.output, folds=(0, 1, 2, 5), resume=True), Progress())
    again = json.loads((whole.output / "tables.json").read_text())
    assert [again[part] for part in ("tables", "values", "warnings")] == [
        whole.tables[part] for part in ("tables", "values", "warnings")
    ]


def test_killed_between_steps_it_ends_in_the_same_and_does_nothing_twice(whole, asked_for, tmp_path, monkeypatch):
    output = tmp_path / "out"
    steps = [(row_work, "fit_network"), (MarkStore, "put")]
    killed, done = kill_before_each(steps, monkeypatch)
    request = asked_for(output, tables=(2,), resume=True)
    for _ in steps:
        with pytest.raises(Killed):
            run_reproduction(request, Progress())
    assert not (output / "tables.json").exists()
    run_reproduction(request, Progress())
    assert killed == [name for _, name in steps]
    assert done == ["fit_network", *["put"] * 4]
    assert kept_in(output, "row-2-faster-rcnn") == kept_in(whole.output, "row-2-faster-rcnn")
    assert "fig3" not in json.loads((output / "tables.json").read_text())["tables"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"folds": (6,)}, "no row 6 here"),
        ({"fold": 1}, "leave --fold out"),
        ({"tables": (3,)}, "no table 3"),
    ],
)
def test_what_cannot_work_is_told(asked_for, tmp_path, changes, told):
    with pytest.raises(UsageError, match=told):
        run_reproduction(asked_for(tmp_path / "out", **changes), Progress())


def test_images_of_other_organs_are_refused_before_anything_is_written(tiny_deeplesion, asked_for, tmp_path):
    with pytest.raises(UsageError, match="images_list"):
        run_reproduction(asked_for(tmp_path / "out", data=tiny_deeplesion), Progress())
    assert not (tmp_path / "out").exists()


def test_missing_labels_alone_need_faster_r_cnn_alone():
    job = SimpleNamespace(settings=SMOKE, folds=(), tables=(2,))
    assert [row.number for row in rows_of(job)] == [2]
    job.tables = (1, 2)
    assert [row.number for row in rows_of(job)] == [0, 1, 2]
