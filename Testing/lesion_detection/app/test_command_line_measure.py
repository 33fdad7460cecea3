"""``lesion model measure``: a model's figures on other cases, in a bundle of its own."""

from __future__ import annotations

import json

import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.methods.nodule_ct.model import weights_of
from LesionDetectionLib.methods.nodule_ct.network import (
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
)

PHANTOMS = "phantoms:chest?seeds=70-71&protocol=tiny"


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


def test_the_figures_are_in_a_bundle_of_their_own(a_model, tmp_path, capsys):
    output = tmp_path / "measured"
    command = ["model", "measure", str(a_model), "--cohort", PHANTOMS, "--output", str(output), "--device", "cpu"]
    assert main([*command, "--workers", "2"]) == 0
    assert "2 scans (computer-made, no patients)" in capsys.readouterr().out
    measured = Bundle.open(output)
    assert measured.manifest.metrics["test"]["scans"] == 2
    assert measured.manifest.training["cases"]["test"] == 2
    assert "| all | 0.500 | 0.00 | 0/" in measured.card()
    assert "| operating point | ground-glass | juxtapleural |" in measured.card()
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
