"""Devices by name, and telling a full memory from other failures."""

from __future__ import annotations

import pytest
import torch
from LesionDetectionLib.core.errors import DeviceError
from LesionDetectionLib.methods.device import (
    choose_device,
    describe_device,
    is_out_of_memory,
    number_format,
    out_of_memory,
)
from LesionDetectionLib.methods.folding import for_inference
from torch import nn

CPU = torch.device("cpu")


@pytest.fixture
def gpus(monkeypatch):
    def pretend(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


def test_auto_takes_a_gpu_where_there_is_one(gpus):
    gpus(0)
    assert choose_device("auto").type == "cpu"
    gpus(1)
    assert choose_device("auto").type == "cuda"


def test_by_name(gpus):
    gpus(2)
    assert choose_device("cpu") == CPU
    assert choose_device("cuda").type == "cuda"
    assert choose_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "meta", "mps", "CUDA"])
def test_unknown_names(name):
    with pytest.raises(DeviceError, match="Choose auto, cpu, cuda"):
        choose_device(name)


def test_missing_gpus(gpus):
    gpus(0)
    with pytest.raises(DeviceError, match=r"“cuda:0” was asked for, but PyTorch finds no NVIDIA GPU"):
        choose_device("cuda:0")
    gpus(1)
    with pytest.raises(DeviceError, match=r"only 1 GPU"):
        choose_device("cuda:1")


def test_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    assert "computer's memory is full" in str(out_of_memory(CPU))


def test_on_a_cpu_numbers_stay_as_they_are():
    with number_format(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert describe_device(CPU).startswith("cpu (")


def test_folding_keeps_the_result():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Sequential(nn.Conv3d(1, 3, 3, bias=False), nn.BatchNorm3d(3), nn.ReLU()),
        nn.Conv3d(3, 4, 3),
        nn.BatchNorm3d(4),
    )
    for layer in (network[0][1], network[2]):
        layer.running_mean.uniform_(-1, 1)
        layer.running_var.uniform_(0.5, 2)
        nn.init.uniform_(layer.weight, 0.5, 2)
    network.eval()
    lean = for_inference(network, CPU)
    voxels = torch.rand(2, 1, 8, 9, 10)
    torch.testing.assert_close(lean(voxels), network(voxels), atol=1e-5, rtol=1e-5)
    assert not any(isinstance(layer, nn.BatchNorm3d) for layer in lean.modules())
    assert sum(isinstance(layer, nn.BatchNorm3d) for layer in network.modules()) == 2
    assert not any(parameter.requires_grad for parameter in lean.parameters())
