"""``lesion train --method liver-ct`` on phantoms: a bundle that the detector opens, and that was judged on other cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.methods.liver_ct.model import load_network

PHANTOMS = "phantoms:body?seeds={}&protocol=liver-tiny"
TINY = {
    "size_px": 128,
    "architecture": {"resnet_base": 2, "roi_pooling": "align", "roi_px": 4},
    "sampling": {"proposals": 20, "boxes": 8},
    "proposals": 10,
    "epochs": 0.0,
    "fit": {"steps": 2, "batch": 2, "validate_every": 2, "monitor": "mAP", "tensorboard": False},
    "validate_epochs": 0.0,
    "crop": {"size_px": 64},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")
    command = ["train", "--method", "liver-ct", "--config", str(folder / "tiny.yaml"), "--device", "cpu", "-q"]
    for option, seeds in (("--cohort", "0-1"), ("--validation", "50-50"), ("--test", "90-90")):
        command += [option, PHANTOMS.format(seeds)]
    assert main([*command, "--output", str(folder / "model")]) == 0
    return Bundle.open(folder / "model")


def test_the_bundle_holds_the_network_and_how_it_is_used(model):
    assert model.manifest.trained_on_phantoms
    assert load_network(model).architecture.input_px == 128
    assert model.manifest.settings["liver_settings"]["proposals"] == 10
    record = model.manifest.training
    assert record["training_kinds"] == {"liver": record["training_boxes"]}
    assert record["detection"]["weights_of_step"] == 2
    assert record["detection"]["notes"] == []


def test_it_was_judged_on_the_other_cases(model):
    assert model.manifest.metrics["test"]["scans"] == 1
    assert model.manifest.training["cases"] == {"training": 2, "validation": 1, "test": 1}


def test_the_history_can_be_read(model):
    path = Path(model.source).with_name("model.run") / "detection" / "history.jsonl"
    kinds = [json.loads(line)["kind"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert kinds.count("step") == 2
    assert kinds.count("validation") == 1
