"""What a step keeps comes back as it was; what is damaged counts as not there."""

from __future__ import annotations

import pytest
import torch
from LesionTrainingLib.reproduction.kept import keep_json, keep_network, kept_json, kept_network
from torch import nn


def a_network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv3d(1, 2, 3), nn.BatchNorm3d(2))


def test_a_network_comes_back_with_its_record(tmp_path):
    first, other = a_network(1), a_network(2)
    keep_network(tmp_path / "n.safetensors", first, {"seconds": 3})
    assert kept_network(tmp_path / "n.safetensors", other) == {"seconds": 3}
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), other.state_dict().values(), strict=True))
    assert not other.training


@pytest.mark.parametrize("damage", [lambda data: data[:40], lambda data: b"", lambda data: b"\xff" * len(data)])
def test_a_damaged_network_is_not_there(tmp_path, damage):
    path = tmp_path / "n.safetensors"
    assert kept_network(path, a_network(1)) is None
    keep_network(path, a_network(1), {})
    path.write_bytes(damage(path.read_bytes()))
    assert kept_network(path, a_network(1)) is None


def test_another_architecture_is_not_taken(tmp_path):
    keep_network(tmp_path / "n.safetensors", a_network(1), {})
    assert kept_network(tmp_path / "n.safetensors", nn.Linear(2, 2)) is None


def test_json_comes_back(tmp_path):
    path = tmp_path / "folder" / "values.json"
    assert kept_json(path) is None
    keep_json(path, {"a": [1.5, None]})
    assert kept_json(path) == {"a": [1.5, None]}
    path.write_text("{")
    assert kept_json(path) is None
