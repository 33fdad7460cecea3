"""``lesion model measure``: a model's figures on other cases, in a bundle of its own."""

from __future__ import annotations

import json

import pytest
from kept_phantoms import lung_part
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.methods.nodule_ct.model import weights_of
from LesionDetectionLib.methods.nodule_ct.network import (
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
)
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.evaluation import detecting
from LesionTrainingLib.evaluation.reading.ahead import work_on_read

PHANTOMS = "phantoms:chest?seeds=0-1&protocol=tiny"


@pytest.fixture
def a_model(tmp_path):
    """A bundle as any maker might write it, without what our own training writes down of itself; it finds nothing."""
    screening = ScreeningFCN(ScreeningArchitecture(widths=(2, 2, 2, 2)))
    reduction = ReductionResNet(ReductionArchitecture(trunk_widths=(2, 2, 2), widths=(2, 2), hidden=2))
    architecture = {"screening": vars(screening.architecture), "reduction": vars(reduction.architecture)}
    settings = {
        "nodule_settings": {"spacing_mm": (2.0, 2.0, 2.5), "candidate_threshold": 0.999},
        "operating_points": {"all": 0.5},
    }
    manifest = Manifest("nodule-ct", "plain", "1", architecture, settings, {}, True)
    write_bundle(tmp_path / "model", manifest, weights_of(screening, reduction), "A card.")
    return tmp_path / "model"


@pytest.fixture
def readers(monkeypatch):
    """How many processes were asked for to read the cases; this one does it."""
    asked = []

    def read_here(cases, work, workers, progress):
        asked.append(workers)
        return work_on_read(cases, work, 1, progress)

    monkeypatch.setattr(detecting, "work_on_read", read_here)
    return asked


def test_the_figures_are_in_a_bundle_of_their_own(a_model, lung_parts_kept, kept_phantoms, readers, tmp_path, capsys):
    output = tmp_path / "measured"
    command = ["model", "measure", str(a_model), "--cohort", PHANTOMS, "--output", str(output), "--device", "cpu"]
    assert main([*command, "--workers", "2"]) == 0
    assert readers == [2]
    assert "2 scans (computer-made, no patients)" in capsys.readouterr().out
    measured = Bundle.open(output)
    assert measured.manifest.metrics["test"]["scans"] == 2
    assert measured.manifest.training["cases"]["test"] == 2
    assert "| all | 0.500 | 0.00 | 0/" in measured.card()
    kinds = {kind for seed in (0, 1) for kind in lung_part(kept_phantoms.chest(seed, TINY)).kinds}
    assert f"| operating point | {' | '.join(sorted(kinds))} |" in measured.card()
    assert json.loads((a_model / "bundle.json").read_text())["metrics"] == {}
    assert main(["model", "verify", str(output)]) == 0
    assert main([*command, "--workers", "0"]) == 2
    assert "--workers must be 1" in capsys.readouterr().err
    assert main(command) == 6
    assert "--overwrite" in capsys.readouterr().err


def test_without_cases_nothing_is_written(a_model, tmp_path, capsys):
    command = ["model", "measure", str(a_model), "--cohort", "phantoms:leg", "--output", str(tmp_path / "measured")]
    assert main(command) == 2
    assert "no phantom “leg”" in capsys.readouterr().err
    assert not (tmp_path / "measured").exists()
