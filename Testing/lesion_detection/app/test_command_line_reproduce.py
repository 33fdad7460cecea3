"""``lesion reproduce``: what is refused before any work, what can be set, and what is handed on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml
from LesionDetectionLib.app.command_line import main
from LesionTrainingLib.reproduction import running


def arguments(tmp_path, *more, data=True):
    return [
        "reproduce",
        "nodule-ct",
        *(["--data", str(tmp_path / "L")] if data else []),
        "-o",
        str(tmp_path / "out"),
        *more,
    ]


@pytest.fixture
def asked(monkeypatch):
    """The requests that reached the work."""
    requests = []

    def work(request, _progress):
        requests.append(request)
        request.tell("Fold 3 is done.")
        return SimpleNamespace(lead="CPM 0.5.", warnings=("On phantoms.",))

    monkeypatch.setattr(running, "run_reproduction", work)
    return requests


def test_what_is_asked_for_is_handed_on(tmp_path, capsys, asked):
    more = ["--folds", "0-2,5", "--tables", "1", "--fold", "4", "--seed", "3", "--workers", "2", "--resume"]
    assert main(arguments(tmp_path, *more)) == 0
    (request,) = asked
    assert (request.folds, request.tables, request.fold) == ((0, 1, 2, 5), (1,), 4)
    assert (request.seed, request.workers, request.resume, request.preset) == (3, 2, True, "paper")
    assert request.command.startswith(
        "lesion reproduce nodule-ct --data L --preset paper --folds 0-2,5 --tables 1 --fold 4"
    )
    assert str(tmp_path) not in request.command
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line] == [
        "Fold 3 is done.",
        "Note: On phantoms.",
        "CPM 0.5.",
        f"Results: {tmp_path / 'out'} (index.html, tables.json, CSV and curves)",
    ]


def test_phantoms_get_the_small_preset_and_quiet_says_nothing(tmp_path, capsys, asked):
    assert main(arguments(tmp_path, "--phantom", "30", "-q", data=False)) == 0
    assert (asked[0].phantoms, asked[0].data, asked[0].preset, asked[0].folds) == (30, None, "small", ())
    assert capsys.readouterr().out == ""


def test_settings_can_be_shown_changed_and_given_back(tmp_path, capsys, asked):
    assert main(arguments(tmp_path, "--show-settings", "--preset", "smoke")) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert not asked
    shown["recipe"]["screening_stage"]["steps"] = 7
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(shown))
    assert main(arguments(tmp_path, "--preset", "smoke", "--config", str(tmp_path / "mine.yaml"))) == 0
    assert asked[0].settings.recipe.screening_stage.steps == 7
    assert "--config mine.yaml" in asked[0].command


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--preset", "huge"], "no preset “huge”"),
        (["--folds", "a"], "names no folds"),
        (["--tables", "4"], "no table 4"),
        (["--cache-gb", "nan"], "--cache-gb above 0"),
        (["--seed", "-1"], "--seed must be 0 or more"),
        (["--protocol", "tiny"], "--protocol is for phantoms"),
        (["--config", "no.yaml"], "no.yaml cannot be read"),
    ],
)
def test_what_cannot_work_is_told_and_leaves_nothing(tmp_path, capsys, more, told):
    assert main(arguments(tmp_path, "-q", *more)) in (2, 3)
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_data_that_are_not_there_are_told_and_leave_nothing(tmp_path, capsys):
    assert main(arguments(tmp_path, "-q")) == 3
    assert "There is no folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", ["0", "-3"])
def test_no_phantoms_are_no_data(tmp_path, capsys, count):
    assert main(arguments(tmp_path, "-q", f"--phantom={count}", data=False)) == 2
    assert "above 0" in capsys.readouterr().err


def test_another_method_has_none_yet(tmp_path, capsys):
    assert main(["reproduce", "magic", "--phantom", "5", "-o", str(tmp_path / "out")]) == 2
    assert "no reproduction of “magic”" in capsys.readouterr().err


def test_a_config_that_does_not_fit_is_told(tmp_path, capsys, asked):
    (tmp_path / "mine.yaml").write_text("recipe: {screening_stage: {learning_rate: 1e-3}}\n")
    assert main(arguments(tmp_path, "--config", str(tmp_path / "mine.yaml"))) == 2
    assert "write 1.0e-3" in capsys.readouterr().err
    (tmp_path / "mine.yaml").write_text("validation_share: 1.5\n")
    assert main(arguments(tmp_path, "--config", str(tmp_path / "mine.yaml"))) == 2
    assert "“validation_share” must be between 0 and 1" in capsys.readouterr().err
    assert not asked
