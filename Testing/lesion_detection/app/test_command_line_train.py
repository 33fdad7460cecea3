"""``lesion train``: what is refused before any work, what can be set, and what is handed on."""

from __future__ import annotations

import pytest
import yaml
from LesionDetectionLib.app.command_line import main
from LesionTrainingLib.learning import training

PHANTOMS = "phantoms:chest?seeds=0-3&protocol=tiny"


def arguments(tmp_path, *more):
    return ["train", "--method", "nodule-ct", "--cohort", PHANTOMS, "--output", str(tmp_path / "model"), "-q", *more]


@pytest.fixture
def asked(monkeypatch):
    """The requests that reached the training."""
    requests = []
    monkeypatch.setattr(training, "train_bundle", lambda request, _progress: requests.append(request))
    return requests


def test_settings_can_be_shown_changed_and_given_back(tmp_path, capsys, asked):
    assert main(arguments(tmp_path, "--show-settings")) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["screening_stage"]["optimizer"] == "adam"
    assert not asked
    shown["screening_stage"]["steps"] = 7
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(shown))
    assert main(arguments(tmp_path, "--config", str(tmp_path / "mine.yaml"))) == 0
    assert asked[0].settings.screening_stage.steps == 7
    assert asked[0].settings.reduction_stage.steps == shown["reduction_stage"]["steps"]


def test_a_preset_is_where_a_file_begins(tmp_path, capsys, asked):
    (tmp_path / "mine.yaml").write_text("screening_stage: {steps: 7}\n")
    assert main(arguments(tmp_path, "--preset", "trial", "--config", str(tmp_path / "mine.yaml"))) == 0
    (request,) = asked
    assert request.settings.screening_stage.steps == 7
    assert request.settings.reduction_stage.steps == 40, "the preset's"
    assert "--preset trial" in request.command
    assert main(arguments(tmp_path, "--preset", "tiny")) == 2
    assert "no preset “tiny” of nodule-ct. Choose one of: standard, large, paper, trial." in capsys.readouterr().err


def test_the_command_is_recorded_without_folders(tmp_path, asked):
    (tmp_path / "mine.yaml").write_text("mining_rounds: 1\n")
    luna16 = f"luna16:{tmp_path}/LUNA16?subset=0-8"
    command = arguments(tmp_path, "--config", str(tmp_path / "mine.yaml"), "--validation", luna16, "--seed", "3")
    assert main(command) == 0
    (request,) = asked
    assert str(tmp_path) not in request.command
    assert "'luna16:LUNA16?subset=0-8'" in request.command
    assert request.parts.seed == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stepz: 3\n", "“stepz” is not known"),
        ("screening_stage: {steps: many}\n", "“screening_stage.steps” cannot be 'many'"),
        ("screening_stage: {optimizer: magic}\n", "There is no optimizer “magic”"),
        ("screening_stage: {learning_rate: 1e-3}\n", "write 1.0e-3"),
        ("- 1\n", "needs names with values"),
        ("a: [\n", "is no YAML file"),
    ],
)
def test_a_config_that_does_not_fit_is_told(tmp_path, capsys, asked, text, told):
    (tmp_path / "mine.yaml").write_text(text)
    assert main(arguments(tmp_path, "--config", str(tmp_path / "mine.yaml"))) in (2, 3)
    assert told in capsys.readouterr().err
    assert not asked


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--method", "magic"], 2, "There is no training recipe for “magic”"),
        (["--seed", "-1"], 2, "--seed must be 0 or more"),
        (["--cache-gb", "nan"], 2, "--cache-gb above 0"),
        (["--cache-gb", "inf"], 2, "--cache-gb above 0"),
        (["--cohort", "nowhere:x"], 2, "There is no kind of cohort “nowhere”"),
        (["--cohort", "phantoms:leg"], 2, "There is no phantom “leg”"),
        (["--device", "cuda:9"], 5, "cuda"),
        (["--split", "no.json"], 3, "no.json"),
    ],
)
def test_what_cannot_work_is_told_and_leaves_nothing(tmp_path, capsys, more, code, told):
    assert main(arguments(tmp_path, *more)) == code
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
