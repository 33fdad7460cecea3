"""The GPU that is none refuses what a real one does, and computes what the processor does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cuda_double import gpu
from torch.nn import functional


def test_devices_do_not_mix():
    with gpu() as device:
        there, here = torch.ones(3, device=device), torch.ones(3)
        assert (there.device, there.is_cuda, here.device.type) == (device, True, "cpu")
        for mixed in (lambda: there + here, lambda: here.add_(there), lambda: torch.cat([there, here])):
            with pytest.raises(RuntimeError, match="same device"):
                mixed()
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
        np.testing.assert_array_equal((there.to("cpu") + here).numpy(), 2)
        assert float((there * torch.tensor(2.0)).sum()) == 6  # a scalar may come from the processor


def test_numbers_are_those_of_the_processor():
    torch.manual_seed(0)
    voxels, layer = torch.rand(1, 2, 5, 6, 7), torch.nn.Conv3d(2, 3, 3)
    known = layer(voxels).detach()
    with gpu() as device, torch.inference_mode():
        answer = layer.to(device)(voxels.to(device))
        assert answer.device == device
        assert torch.equal(answer.cpu(), known)
        assert torch.equal(functional.relu(answer)[0, :, torch.arange(2)].cpu(), known.relu()[0, :, :2])
        with torch.autocast("cuda", dtype=torch.float16):
            assert layer(voxels.to(device)).dtype == torch.float16


def test_what_is_written_is_there():
    with gpu() as device:
        zeros = torch.zeros(4, 3, device=device)
        zeros[1:3, 0] = torch.tensor([1.0, 2.0], device=device)
        zeros[3].add_(5)
        torch.mm(torch.eye(3, device=device), torch.ones(3, 3, device=device), out=zeros[:3])
        assert zeros.cpu().tolist() == [[1, 1, 1]] * 3 + [[5, 5, 5]]


def test_it_is_gone_afterwards():
    with gpu():
        assert torch.cuda.is_available()
    assert not torch.cuda.is_available() or torch.cuda.device_count() > 0
    assert type(torch.ones(2) + 1) is torch.Tensor
