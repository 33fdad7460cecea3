"""Convolutions of columns are PyTorch's convolution, whatever the route, the shape and the columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.convolution.columns import _places, corners_of, gathered, scatter
from LesionDetectionLib.methods.convolution.direct import DirectConvolution
from LesionDetectionLib.methods.convolution.fourier import AT_ONCE, POINTS, FourierConvolution
from LesionDetectionLib.methods.convolution.pooled import PooledConvolution
from LesionDetectionLib.methods.convolution.route import fourier_pays
from LesionDetectionLib.methods.convolution.transform import backward_y, forward_y, frequencies_of, points_of, rows_of
from torch.nn import functional


def plain(features, weight, bias):
    """[z, y, x, channel] float64: of [z, y, x, channel]."""
    result = functional.conv3d(features.double().permute(3, 0, 1, 2)[None], weight.double(), bias.double())
    return result[0].permute(1, 2, 3, 0).relu()


def same(columns, expected, corners, width, atol):
    """Each column holds what the plain result has at its corner, and there are as many."""
    assert len(columns) == len(corners)
    for (y, x), column in zip(corners, columns, strict=True):
        torch.testing.assert_close(column.double(), expected[:, y : y + width, x : x + width], atol=atol, rtol=0)


@st.composite
def a_convolution(draw, longest):
    """Random features with room for some columns of 12, weights, and corners anywhere."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    kernel = [draw(st.integers(1, n)) for n in (4, longest, longest)]
    inputs, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    shape = (kernel[0] + draw(st.integers(0, 5)), draw(st.integers(40, 50)), draw(st.integers(40, 60)))
    features = torch.rand((*shape, inputs), generator=generator)
    weight = torch.randn((outputs, inputs, *kernel), generator=generator)
    bias = torch.randn(outputs, generator=generator)
    count = draw(st.integers(1, 5))
    corners = [(draw(st.integers(0, 24)), draw(st.integers(0, 24))) for _ in range(count)]
    return features, weight, bias, corners


@settings(max_examples=40, deadline=None)
@given(a_convolution(longest=9))
def test_by_fourier_transform(case):
    features, weight, bias, corners = case
    convolution = FourierConvolution(weight, bias)
    assert convolution.width == 16 - max(weight.shape[3:]) + 1
    # A sum of n products of numbers of size 1 has the size sqrt(n) and the rounding errors of as many.
    atol = 2e-6 * weight[0].numel() ** 0.5 * 4
    same(convolution(features, corners), plain(features, weight, bias), corners, convolution.width, atol)


@settings(max_examples=15, deadline=None)
@given(a_convolution(longest=5), st.integers(1, 3))
def test_directly(case, at_once):
    features, weight, bias, corners = case
    convolution = DirectConvolution(weight, bias, width=10, at_once=at_once)
    same(convolution(features, corners), plain(features, weight, bias), corners, 10, 1e-4)


def test_float64_by_fourier_transform_is_exact():
    """What float32 loses is rounding: nothing in the transform is approximate."""
    torch.manual_seed(0)
    features, weight = torch.rand(6, 28, 28, 3).double(), torch.randn(4, 3, 3, 5, 5).double()
    bias = torch.randn(4).double()
    columns = FourierConvolution(weight, bias)(features, [(0, 0), (12, 12)])
    same(columns, plain(features, weight, bias), [(0, 0), (12, 12)], 12, 1e-12)


def test_more_columns_than_one_pass_takes():
    torch.manual_seed(0)
    features, weight, bias = torch.rand(4, 100, 100, 2), torch.randn(3, 2, 3, 5, 5), torch.randn(3)
    corners = [(y, x) for y in range(0, 84, 12) for x in range(0, 84, 12)]
    assert len(corners) > AT_ONCE
    same(FourierConvolution(weight, bias)(features, corners), plain(features, weight, bias), corners, 12, 1e-4)


@pytest.mark.parametrize("make", [FourierConvolution, lambda *n: DirectConvolution(*n[:2], 12, 2, n[2])])
def test_a_readout_is_the_sum_over_channels(make):
    torch.manual_seed(0)
    features, weight, bias, readout = (
        torch.rand(5, 40, 40, 2),
        torch.randn(7, 2, 4, 5, 5),
        torch.randn(7),
        torch.randn(7),
    )
    convolution = make(weight, bias, readout)
    assert convolution.outputs == 1
    expected = (plain(features, weight, bias) @ readout.double())[..., None]
    corners = [(0, 3), (12, 20), (24, 24)]
    same(convolution(features, corners), expected, corners, 12, 1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(3, 6), st.integers(1, 3), st.booleans())
def test_pooled(seed, outputs, depth, at_once, biased):
    torch.manual_seed(seed)
    voxels, weight, bias = torch.rand(depth, 50, 54), torch.randn(outputs, 1, 3, 5, 5), torch.randn(outputs)
    result = functional.conv3d(voxels[None, None].double(), weight.double(), bias.double() if biased else None)
    expected = functional.max_pool3d(result.relu(), (1, 2, 2))[0].permute(1, 2, 3, 0)
    corners = [(0, 0), (5, 9), (15, 17)]
    columns = PooledConvolution(weight, bias if biased else None, 8, at_once)(voxels[..., None], corners)
    same(columns, expected, corners, 8, 1e-4)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.integers(1, 16), st.integers(1, 16) | st.none()
)
def test_columns_hold_what_is_wanted_and_no_column_nothing(seed, down, across, width, height):
    wanted = np.random.default_rng(seed).random((down, across)) > 0.97
    held = np.zeros((down + 16, across + 16), dtype=int)
    for y, x in corners_of(wanted, width, height):
        assert wanted[y : y + (height or width), x : x + width].any()
        held[y : y + (height or width), x : x + width] += 1
    assert held.max() <= 1
    assert np.all(held[:down, :across][wanted] == 1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(4, 19), st.integers(4, 19), st.integers(1, 4), st.integers(1, 4))
def test_the_transform_of_a_box_of_any_size_is_exact(seed, down, across, height, width):
    """Into frequencies, times the kernel's, and back: a valid convolution, to the rounding of float64."""
    generator = torch.Generator().manual_seed(seed)
    box = torch.randn(down, across, 2, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 2, 1, height, width, generator=generator, dtype=torch.float64)
    kept = (down - height + 1, across - width + 1)
    rows = rows_of(weight, (down, across), kept[1])
    assert len(rows) == frequencies_of(down)
    assert sum(len(row.into) for row in rows) == points_of((down, across))
    half = (forward_y(down) @ box.view(down, -1)).view(len(rows), 2 * across, 2)
    spectrum = torch.cat(
        [
            row.out @ torch.bmm((row.into @ part)[:, None], row.weight[0])[:, 0]
            for row, part in zip(rows, half, strict=True)
        ]
    )
    result = (backward_y(down, kept[0]) @ spectrum.view(2 * len(rows), -1)).view(*kept, 3)
    expected = functional.conv2d(box.permute(2, 0, 1)[None], weight[:, :, 0])[0].permute(1, 2, 0)
    torch.testing.assert_close(result, expected, atol=1e-12, rtol=0)


def test_the_route_hangs_on_the_widths():
    """Counted products: 2.7 instead of 25 a channel pair and slice, against transforms for each channel."""
    assert POINTS == 390
    assert fourier_pays(torch.empty(250, 64, 4, 5, 5))
    assert fourier_pays(torch.empty(16, 16, 3, 5, 5))
    assert not fourier_pays(torch.empty(4, 3, 3, 5, 5))
    assert not fourier_pays(torch.empty(64, 64, 3, 1, 1))
    assert not fourier_pays(torch.empty(64, 64, 3, 15, 15))


@pytest.mark.parametrize("stride", [1, 2])
def test_columns_gathered_in_one_call_are_those_cut_one_by_one(stride):
    features, corners = torch.rand(3, 20, 22, 2), [(0, 0), (2, 5), (5, 1)]
    together = gathered(features, corners, 6, 7, stride)
    for index, (y, x) in enumerate(corners):
        assert torch.equal(together[:, index], features[:, stride * y : stride * y + 6, stride * x : stride * x + 7])


def test_columns_are_put_back_by_index_as_one_by_one():
    columns, corners = torch.rand(3, 4, 5, 5, 2), [(0, 0), (2, 6), (9, 3)]
    one_by_one, by_index = torch.zeros(4, 16, 18, 2), torch.zeros(4, 16, 18, 2)
    scatter(one_by_one, corners, columns)
    rows, across = _places(by_index, corners, 5, 5, 1)
    by_index[:, rows, across] = columns.transpose(0, 1)
    assert torch.equal(one_by_one, by_index)
    assert torch.equal(one_by_one[:, 2:7, 6:11], columns[1])
