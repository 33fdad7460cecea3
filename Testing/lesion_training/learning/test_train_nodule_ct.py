"""The training command says early what cannot work, records how to repeat itself, and its card is honest."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from LesionTrainingLib.learning import train_nodule_ct as module
from LesionTrainingLib.learning.nodule_ct import recipe
from LesionTrainingLib.learning.nodule_ct.phantoms import PROTOCOLS, PhantomRequest, protocol_of


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--cases", "0"], "--cases must be at least 1"),
        (["--seed", "4990", "--cases", "20"], "for validation"),
        (["--seed", "-1"], "for validation"),
        (["--validation-cases", "4001"], "are for tests"),
        (["--threads", "0"], "--threads"),
    ],
)
def test_numbers_without_sense_are_told_before_any_work(tmp_path, capsys, arguments, told):
    assert module.main(["--output", str(tmp_path / "model"), *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_bundle_is_not_replaced_unasked(tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bundle.json").write_text("{}")
    assert module.main(["--output", str(tmp_path / "model"), "--cases", "1"]) == 6
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "model" / "bundle.json").read_text() == "{}"


def test_the_recorded_command_repeats_the_run_wherever_it_is_written():
    options = module._parser().parse_args(
        ["--output", "/somewhere/here", "--cases", "7", "--cache", "/c", "--seed", "3"]
    )
    command = module._command(options)
    assert "somewhere" not in command
    assert "/c" not in command
    again = module._parser().parse_args(command.split()[3:])
    assert (again.cases, again.seed, again.validation_cases) == (7, 3, options.validation_cases)


def test_protocols_come_in_their_shares_and_stay_with_their_seed():
    drawn = [protocol_of(seed) for seed in range(300)]
    for share, settings in PROTOCOLS:
        assert drawn.count(settings) / 300 == pytest.approx(share, abs=0.1)
    assert protocol_of(5) == drawn[5]
    assert sum(share for share, _ in PROTOCOLS) == pytest.approx(1)


def test_a_cached_phantom_is_told_by_all_that_it_depends_on(tmp_path):
    nodule, other = NoduleSettings(), NoduleSettings(spacing_mm=(1.0, 1.0, 1.0))
    chest = [settings for _, settings in PROTOCOLS]
    requests = [
        PhantomRequest(1, chest[0], nodule),
        PhantomRequest(2, chest[0], nodule),
        PhantomRequest(1, chest[1], nodule),
        PhantomRequest(1, chest[0], other),
    ]
    assert len({request.folder(tmp_path) for request in requests}) == 4


@pytest.fixture
def trained():
    return recipe.Trained(
        weights={"screening.x": np.zeros(2, np.float32)},
        settings={
            "nodule_settings": {},
            "operating_points": {"sensitive": 0.1, "balanced": 0.5, "specific": 0.9},
            "default_operating_point": "balanced",
        },
        record={
            "training_scans": 4,
            "training_nodules": 20,
            "validation_scans": 2,
            "validation_nodules": 9,
            "parameters": 1234,
            "seconds": {"mining": 3},
        },
        metrics={"candidates": {"threshold": 0.5, "sensitivity": 0.95, "false_per_scan": 40.0}, "cpm": 0.7},
    )


def test_the_command_writes_a_bundle_that_says_phantom(tmp_path, monkeypatch, capsys, trained):
    from LesionTrainingLib.evaluation.evaluate_nodule_ct import Evaluation
    from LesionTrainingLib.evaluation.froc import match_scan

    evaluation = Evaluation([match_scan([(0, 0, 0)], [0.7], [(0, 0, 0)], [8.0])], np.array([8.5]), {"balanced": 0.5})
    monkeypatch.setattr(module, "phantom_scans", lambda requests, *_: [None] * len(requests))
    monkeypatch.setattr(module, "train", lambda *_: trained)
    monkeypatch.setattr(module, "evaluate", lambda *_: evaluation)
    assert module.main(["--output", str(tmp_path / "model"), "--cases", "4"]) == 0
    assert "balanced" in capsys.readouterr().out
    bundle = Bundle.open(tmp_path / "model")
    manifest = bundle.manifest
    assert manifest.trained_on_phantoms
    assert "phantom" in manifest.name
    assert manifest.metrics["test"]["operating_points"]["balanced"]["found"] == 1
    assert manifest.training["command"].startswith("python -m LesionTrainingLib.learning.train_nodule_ct")
    assert str(tmp_path) not in str(manifest.training)
    card = bundle.card()
    assert "computer-made phantoms only" in card
    assert "| balanced |" in card
    assert "no probability" in card


def test_cancelling_leaves_nothing(tmp_path, monkeypatch, capsys):
    def cancel(_requests, _cache, _processes, progress):
        progress.cancel()
        progress(0.5)

    monkeypatch.setattr(module, "phantom_scans", cancel)
    assert module.main(["--output", str(tmp_path / "model"), "--cases", "2"]) == 130
    assert "Cancelled" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
