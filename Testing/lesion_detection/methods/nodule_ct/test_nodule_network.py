"""The networks have the paper's geometry, and the index mapping points at the right voxels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from LesionDetectionLib.methods.nodule_ct.network import (
    REDUCTION_INPUT_ZYX,
    SCREENING_INPUT_ZYX,
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
    parameter_count,
    screening_mapping,
)

SMALL = ScreeningArchitecture(widths=(3, 4, 5, 6))


def sizes_after(module, tensor):
    """Spatial size after each leaf of ``module`` that changes it."""
    sizes = []
    for layer in module.modules():
        if list(layer.children()):
            continue
        before = tensor.shape[2:]
        tensor = layer(tensor)
        if tensor.shape[2:] != before:
            sizes.append(tuple(tensor.shape[2:]))
    return sizes


def test_screening_has_the_papers_sizes():
    network = ScreeningFCN().eval()
    with torch.no_grad():
        sizes = sizes_after(network, torch.zeros(1, 1, *SCREENING_INPUT_ZYX))
    assert sizes == [(8, 26, 26), (8, 13, 13), (6, 9, 9), (4, 5, 5), (1, 1, 1)]
    c1, c2, c3 = 75 * 64 + 64, 75 * 64 * 64 + 64, 75 * 64 * 64 + 64
    c4, c5 = 100 * 64 * 250 + 250, 250 * 2 + 2
    assert parameter_count(ScreeningFCN(ScreeningArchitecture(batch_norm=False))) == c1 + c2 + c3 + c4 + c5  # 2.22 M


def test_reduction_has_the_papers_sizes():
    network = ReductionResNet().eval()
    with torch.no_grad():
        patches = torch.zeros(2, 1, *REDUCTION_INPUT_ZYX)
        trunk = network.trunk(patches)
        shared = network.shared(trunk)
        logits, regression = network(patches)
    assert trunk.shape[1:] == (64, 18, 20, 20)
    assert shared.shape[1:] == (64, 16, 18, 18)
    assert network.deep(shared).shape[1:] == (128, 8, 9, 9)
    assert logits.shape == (2, 2)
    assert regression.shape == (2, 4)


def test_variants():
    flat = ReductionResNet(ReductionArchitecture(regression_grid_zyx=None))
    assert parameter_count(flat.regress) == 64 * 16 * 18 * 18 * 128 + 128 + 128 * 4 + 4  # 42.5 M
    resnet = ReductionResNet(ReductionArchitecture(regression=False)).eval()
    with torch.no_grad():
        assert resnet(torch.zeros(1, 1, *REDUCTION_INPUT_ZYX))[1] is None
    deep = ReductionResNet(ReductionArchitecture(regression=False, skips=False))
    assert parameter_count(deep) == parameter_count(resnet)
    assert not any(getattr(module, "skip", False) for module in deep.modules())


def test_index_mapping_is_derived_from_the_layers():
    mapping = screening_mapping(ScreeningFCN(SMALL))
    assert mapping.stride_zyx == (1, 2, 2)
    assert mapping.offset_zyx == (4.5, 14.5, 14.5)
    assert mapping.window_zyx == SCREENING_INPUT_ZYX


@pytest.mark.parametrize("output_zyx", [(0, 0, 0), (2, 1, 3), (4, 5, 0)])
def test_an_output_voxel_sees_exactly_its_window(output_zyx):
    """The gradient of one output reaches the voxels of its mapped window and no other."""
    torch.manual_seed(1)
    network = ScreeningFCN(SMALL).eval()
    for layer in network.modules():  # positive weights: nothing cancels, no ReLU is dead
        if isinstance(layer, torch.nn.Conv3d):
            layer.weight.data.abs_()
    voxels = torch.rand(1, 1, 15, 44, 42, requires_grad=True)
    network(voxels)[(0, 1, *output_zyx)].backward()
    mapping = screening_mapping(network)
    start = [s * i for s, i in zip(mapping.stride_zyx, output_zyx, strict=True)]
    touched = np.argwhere(voxels.grad[0, 0].numpy() != 0)
    assert np.all(touched >= start)
    assert np.all(touched < np.array(start) + mapping.window_zyx)
    # A pooling passes the gradient to one of four, so single border voxels may miss; the extent may not.
    assert np.allclose(
        (touched.min(0) + touched.max(0)) / 2, np.array(start) + np.array(mapping.window_zyx) / 2 - 0.5, atol=1
    )


def test_whole_volume_equals_patches():
    torch.manual_seed(2)
    network = ScreeningFCN(SMALL).eval()
    voxels = torch.rand(1, 1, 13, 36, 38)
    with torch.no_grad():
        whole = network(voxels)
        for z, y, x in np.ndindex(*whole.shape[2:]):
            patch = voxels[:, :, z : z + 10, 2 * y : 2 * y + 30, 2 * x : 2 * x + 30]
            assert torch.allclose(network(patch)[..., 0, 0, 0], whole[..., z, y, x], atol=1e-5)


def test_reduction_starts_from_screening():
    screening = ScreeningFCN(SMALL)
    reduction = ReductionResNet(ReductionArchitecture(trunk_widths=(3, 4, 5), widths=(4, 8), hidden=8))
    reduction.start_from(screening)
    for name, tensor in screening.trunk.state_dict().items():
        assert torch.equal(tensor, reduction.trunk.state_dict()[name])
