"""``lesion tune``: what is handed on, what is refused before any work, and that its help loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from LesionDetectionLib.app.command_line import main
from LesionTrainingLib.tuning import search

PHANTOMS = "phantoms:chest?seeds=0-3&protocol=tiny"


def arguments(tmp_path, *more):
    return ["tune", "--method", "nodule-ct", "--cohort", PHANTOMS, "--output", str(tmp_path / "found"), "-q", *more]


@pytest.fixture
def asked(monkeypatch):
    """The requests that reached the search."""
    requests = []
    monkeypatch.setattr(search, "run_tuning", lambda request, _progress: requests.append(request))
    return requests


def test_options_are_handed_on_and_recorded_without_folders(tmp_path, asked):
    (tmp_path / "mine.yaml").write_text("mining_rounds: 1\n")
    luna16 = f"luna16:{tmp_path}/LUNA16?subset=0-8"
    vary = ["--vary", "screening_stage.learning_rate=1e-5..1e-1 log", "--vary", "screening_stage.batch=16,32"]
    more = ["--config", str(tmp_path / "mine.yaml"), "--validation", luna16, "--seed", "3", "--samples", "640", *vary]
    assert main(arguments(tmp_path, *more, "--trials", "7", "--fit", "screening_stage", "--cases", "2")) == 0
    (request,) = asked
    assert request.vary == (vary[1], vary[3])
    assert (request.trials, request.samples, request.cases, request.fit) == (7, 640, 2, "screening_stage")
    assert request.settings.mining_rounds == 1
    assert (request.parts.validation, request.parts.test, request.parts.seed) == (luna16, None, 3)
    assert str(tmp_path) not in request.command
    for words in ("'luna16:LUNA16?subset=0-8'", "--vary 'screening_stage.learning_rate=1e-5..1e-1 log'", "--seed 3"):
        assert words in request.command


def test_settings_can_be_shown(tmp_path, capsys, asked):
    assert main(arguments(tmp_path, "--show-settings")) == 0
    assert yaml.safe_load(capsys.readouterr().out)["screening_stage"]["optimizer"] == "adam"
    assert not asked


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ([], 2, "Say what to vary"),
        (["--method", "magic"], 2, "There is no training recipe for “magic”"),
        (["--vary", "fit.batch=1,2"], 2, "Near it: screening_stage.batch"),
        (["--vary", "screening_stage.batch=0,2"], 2, "cannot be 0"),
        (["--vary", "screening_stage.batch=8,16", "--cohort", "nowhere:x"], 2, "There is no kind of cohort “nowhere”"),
        (["--vary", "screening_stage.batch=8,16", "--seed", "-1"], 2, "--seed must be 0 or more"[7:]),
    ],
)
def test_what_cannot_work_is_told_and_leaves_nothing(tmp_path, capsys, more, code, told):
    assert main(arguments(tmp_path, *more)) == code
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_help_loads_no_heavy_library():
    code = (
        "import sys; from LesionDetectionLib.app.command_line import build_parser; build_parser(); "
        "print(sorted({'optuna', 'torch', 'numpy', 'yaml', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(eval(done.stdout)) <= {"numpy"}
