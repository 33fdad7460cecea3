"""``lesion radiomics``: what is handed on, what is refused, and that its help loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.errors import DependencyError
from LesionTrainingLib.radiomics import run


@pytest.fixture
def asked(monkeypatch):
    """The requests that reached the study."""
    requests = []
    monkeypatch.setattr(run, "run_radiomics", lambda request, _progress: requests.append(request))
    return requests


def arguments(*more):
    return ["radiomics", "table:cases", "--masks", "found", "--outcome", "o.csv:r", "--output", "out", "-q", *more]


def test_options_are_handed_on(tmp_path, asked):
    (tmp_path / "mine.yaml").write_text("features: {spacing_mm: 3, lesion: all}\nstudy: {inner_folds: 4}\n")
    more = [
        "--config",
        str(tmp_path / "mine.yaml"),
        "--preset",
        "quick",
        "--classifier",
        "forest",
        "--permutations",
        "9",
    ]
    assert (
        main(
            arguments(*more, "--repeats", "2", "--seed", "3", "--modality", "PT", "--positive", "CR", "--workers", "2")
        )
        == 0
    )
    (request,) = asked
    assert (request.cohort, request.masks, request.outcome, request.positive) == (
        "table:cases",
        "found",
        "o.csv:r",
        "CR",
    )
    assert (request.output, request.modality, request.workers, request.overwrite) == (Path("out"), "PT", 2, False)
    features, study = request.settings.features, request.settings.study
    assert (features.spacing_mm, features.lesion, features.families) == (3.0, "all", ("statistics", "glcm"))
    assert (study.inner_folds, study.classifier, study.permutations, study.repeats, study.seed) == (
        4,
        "forest",
        9,
        2,
        3,
    )


def test_a_network_is_not_fitted_two_hundred_times_unasked(asked):
    assert main(arguments("--classifier", "rpet-net")) == 0
    assert main(arguments("--classifier", "rpet-net", "--permutations", "4")) == 0
    assert [request.settings.study.permutations for request in asked] == [0, 4]


def test_settings_can_be_shown(capsys, asked):
    assert main(arguments("--show-settings")) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["study"]["permutations"] == 200
    assert not asked


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--preset", "slow"], "There is no preset “slow”"),
        (["--classifier", "magic"], "“classifier” cannot be “magic”"),
        (["--repeats", "0"], "“repeats” must be at least 1"),
    ],
)
def test_what_cannot_be_set_is_told(capsys, asked, more, told):
    assert main(arguments(*more)) == 2
    assert told in capsys.readouterr().err
    assert not asked


def test_a_missing_library_has_its_own_exit_code(monkeypatch, capsys):
    def missing(_request, _progress):
        raise DependencyError("This needs MIRP.")

    monkeypatch.setattr(run, "run_radiomics", missing)
    assert main(arguments()) == 7
    assert "This needs MIRP." in capsys.readouterr().err


def test_the_help_loads_no_heavy_library():
    code = (
        "import sys; from LesionDetectionLib.app.command_line import main\n"
        "try: main(['radiomics', '--help'])\n"
        "except SystemExit: print(sorted({'mirp', 'sklearn', 'pandas', 'torch', 'yaml', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "rpet-net" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
