"""From a cohort to a verified bundle, with a recipe that learns nothing: what is written, refused, gone on with."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.learning import measuring
from LesionTrainingLib.learning import training as module
from LesionTrainingLib.learning.card import Judged
from LesionTrainingLib.learning.measuring import measure_bundle
from LesionTrainingLib.learning.parts import PartsRequest
from LesionTrainingLib.learning.recipe import Trained, recipe, recipes
from LesionTrainingLib.learning.training import TrainingRequest, train_bundle

TRAINING = "phantoms:chest?seeds=0-3&protocol=tiny"


@dataclass(frozen=True)
class FakeSettings:
    steps: int = 3
    inner: dict[str, float] = field(default_factory=lambda: {"a": 1.0})


class FakeRecipe:
    """Answers at once; remembers the runs it was given."""

    method = "nodule-ct"

    def __init__(self):
        self.runs = []
        self.error = None

    def default_settings(self):
        return FakeSettings()

    def function(self):
        return self.train

    def train(self, run, settings, progress):
        self.runs.append(run)
        run.left_out.append(LeftOut("chest-phantom-0002", "It has no lungs."))
        progress(0.5, "Half")
        if self.error:
            raise self.error
        return Trained(
            {"w": np.arange(3, dtype=np.float32)},
            {"width": 3},
            {"operating_points": {"all": 0.25}, "default_operating_point": "all"},
            {"steps": settings.steps},
            {"cpm": 0.5},
            ("A sentence on the fit.",),
            ("It knows nothing.",),
        )


@pytest.fixture
def fake(monkeypatch):
    made = FakeRecipe()
    monkeypatch.setattr(module, "recipe", lambda _method: made)
    monkeypatch.setattr(module, "judge", lambda *_: (Judged({"cpm": 0.4}, "| a table |"), (LeftOut("x", "Gone."),)))
    return made


def request(folder: Path, **changes):
    parts = PartsRequest(TRAINING, "phantoms:chest?seeds=50&protocol=tiny", "phantoms:chest?seeds=90&protocol=tiny")
    return replace(
        TrainingRequest("nodule-ct", parts, folder / "model", device="cpu", command="lesion train"), **changes
    )


def test_the_bundle_is_whole_and_says_what_it_is(fake, tmp_path):
    bundle = train_bundle(request(tmp_path), Progress())
    assert bundle is not None
    manifest = Bundle.open(tmp_path / "model").manifest
    assert bundle.manifest == manifest
    assert (manifest.name, manifest.method, manifest.trained_on_phantoms) == ("model", "nodule-ct", True)
    assert manifest.metrics == {"cpm": 0.5, "test": {"cpm": 0.4}}
    assert manifest.training["cases"] == {"training": 4, "validation": 1, "test": 1}
    assert manifest.training["recipe"] == {"steps": 3, "inner": {"a": 1.0}}
    assert manifest.training["steps"] == 3
    assert len(manifest.training["code_sha256"]) == 64
    card = bundle.card()
    for part in ("computer-made phantoms only", "A sentence on the fit.", "It knows nothing.", "| a table |", "`all`"):
        assert part in card
    assert str(tmp_path) not in card + json.dumps(manifest.training)


def test_the_run_can_be_looked_into(fake, tmp_path):
    train_bundle(request(tmp_path), Progress())
    folder = tmp_path / "model.run"
    assert json.loads((folder / "run.json").read_text())["cohort"] == TRAINING
    assert len(json.loads((folder / "split.json").read_text())["parts"]["training"]) == 4
    with (folder / "left_out.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["chest-phantom-0002", "It has no lungs."], ["x", "Gone."]]


def test_a_run_goes_on_only_when_asked_and_only_as_it_was(fake, tmp_path):
    fake.error = Cancelled()
    with pytest.raises(
        Cancelled, match=r"Cancelled\. What was done so far is in .*model\.run: the same command with --resume"
    ):
        train_bundle(request(tmp_path), Progress())
    assert not (tmp_path / "model").exists()
    fake.error = None
    with pytest.raises(UsageError, match="Add --resume"):
        train_bundle(request(tmp_path), Progress())
    with pytest.raises(UsageError, match="begun with other values for settings:"):
        train_bundle(request(tmp_path, settings=FakeSettings(steps=4), resume=True), Progress())
    assert train_bundle(request(tmp_path, resume=True), Progress()) is not None
    assert [run.resume for run in fake.runs] == [False, True]


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_run_is_told(fake, tmp_path, content):
    (tmp_path / "model.run").mkdir()
    (tmp_path / "model.run" / "run.json").write_text(content)
    with pytest.raises(InputError, match="cannot be read"):
        train_bundle(request(tmp_path, resume=True), Progress())


def test_a_bundle_is_not_replaced_unasked(fake, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bundle.json").write_text("{}")
    with pytest.raises(OutputError, match="--overwrite"):
        train_bundle(request(tmp_path), Progress())
    assert not fake.runs
    assert train_bundle(request(tmp_path, overwrite=True), Progress()) is not None


def test_a_zip_without_a_test_part(fake, tmp_path):
    parts = PartsRequest(TRAINING, "phantoms:chest?seeds=50&protocol=tiny")
    bundle = train_bundle(request(tmp_path, parts=parts, output=tmp_path / "model.zip", name="mine"), Progress())
    assert bundle is not None
    assert bundle.manifest.name == "mine"
    assert "nothing is known of how good it is" in bundle.card()
    with pytest.raises(OutputError, match="is there already"):
        train_bundle(request(tmp_path, parts=parts, output=tmp_path / "model.zip"), Progress())


def test_methods_that_can_be_trained():
    assert "nodule-ct" in recipes()
    with pytest.raises(UsageError, match="nodule-ct"):
        recipe("magic")


def test_a_model_is_measured_on_other_cases_and_says_so(fake, tmp_path, monkeypatch):
    train_bundle(request(tmp_path), Progress())
    figures = {"cpm": 0.7, "scans": 2}
    monkeypatch.setattr(measuring, "judge", lambda *_: (Judged(figures, "| other figures |"), ()))
    spec = "phantoms:chest?seeds=95-96&protocol=tiny"
    source, output = tmp_path / "model", tmp_path / "measured"
    assert "others that were only measured on; no patient is known to be in two of these" in Bundle.open(source).card()
    bundle, _, _ = measure_bundle(source, spec, output, "cpu", 1, False, Progress())
    before = Bundle.open(source).manifest
    assert bundle.manifest.metrics == {"cpm": 0.5, "test": figures}
    assert bundle.manifest.training["cases"] == {"training": 4, "validation": 1, "test": 2}
    assert (bundle.manifest.settings, bundle.manifest.name) == (before.settings, before.name)
    assert np.array_equal(bundle.weights()["w"], Bundle.open(source).weights()["w"])
    card = bundle.card()
    for part in (
        "| other figures |",
        "A sentence on the fit.",
        "It knows nothing.",
        "seeds=95-96",
        "2 cases that it was measured on later. Whether the model had learned from patients",
    ):
        assert part in card
    assert "| a table |" not in card
    assert "seeds=90" not in card
    with pytest.raises(OutputError, match="--overwrite"):
        measure_bundle(source, spec, output, "cpu", 1, False, Progress())
