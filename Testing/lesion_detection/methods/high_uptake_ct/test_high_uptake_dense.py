"""The dense engine's response is the patch network's at every pixel, whatever the slice's size, the route and the mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cuda_double import gpu
from hypothesis import example, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.high_uptake_ct import dense as dense_module
from LesionDetectionLib.methods.high_uptake_ct.dense import DenseSimilarity
from LesionDetectionLib.methods.high_uptake_ct.hidden_direct import DirectHidden
from LesionDetectionLib.methods.high_uptake_ct.hidden_fourier import MOST_WEIGHTS, SIZES, fitting_size
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture, PatchNetwork
from LesionDetectionLib.methods.high_uptake_ct.patches import patch_by_patch

CPU = torch.device("cpu")
TINY = PatchArchitecture(filters=(2, 3), hidden=(6, 5))
ROUTES = ("direct", "fourier")


def a_network(seed: int, architecture: PatchArchitecture = TINY) -> PatchNetwork:
    """Random weights and biases, with responses on both sides of 0 and about as large as a trained network's."""
    torch.manual_seed(seed)
    network = PatchNetwork(architecture).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.2)
        network.fc3.weight.mul_(4)
    return network


def a_stack(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).random((5, height, width), dtype=np.float32)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 50), st.integers(1, 50), st.sampled_from(ROUTES))
@example(1, 1, 1, "fourier")
@example(2, 3, 7, "direct")
@example(3, 101, 13, "fourier")
def test_every_pixel_of_slices_of_any_size(seed, height, width, route):
    network, stack = a_network(seed), a_stack(seed, height, width)
    found = DenseSimilarity(network, CPU, route)(stack)
    assert found.shape == (height, width)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, patch_by_patch(network, stack), atol=1e-5, rtol=0)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.001, 0.05, 0.7]), st.sampled_from(ROUTES))
def test_only_what_is_wanted(seed, share, route):
    network, stack = a_network(seed), a_stack(seed, 120, 70)
    wanted = np.random.default_rng(seed).random((120, 70)) < share
    found = DenseSimilarity(network, CPU, route)(stack, wanted)
    assert np.all(found[~wanted] == -1)
    places = np.argwhere(wanted)[:40]
    expected = patch_by_patch(network, stack, places)
    np.testing.assert_allclose(found[tuple(places.T)], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("route", ROUTES)
def test_blocks_meet_without_a_seam(route, monkeypatch):
    """A slice that is larger than what is in memory at once."""
    network, stack = a_network(0), a_stack(0, 70, 100)
    whole = DenseSimilarity(network, CPU, route)(stack)
    monkeypatch.setattr(dense_module, "BLOCK", 33)
    np.testing.assert_allclose(DenseSimilarity(network, CPU, route)(stack), whole, atol=1e-5, rtol=0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 90), st.integers(1, 90), st.sampled_from([0.0, 0.01, 1.0]))
def test_blocks_hold_what_is_wanted_once_and_are_small(seed, height, width, share):
    wanted = np.random.default_rng(seed).random((height, width)) < share
    held = np.zeros(wanted.shape, dtype=int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense_module, "BLOCK", 20)
        for rows, columns in dense_module._blocks(wanted):
            assert wanted[rows, columns].any()
            assert held[rows, columns].shape <= (20, 20)
            held[rows, columns] += 1
    assert np.all(held[wanted] == 1)
    assert held.max(initial=0) <= 1


@pytest.mark.parametrize("route", ROUTES)
def test_the_papers_widths_at_some_pixels(route):
    height, width = (97, 110) if route == "fourier" else (40, 61)
    network, stack = a_network(0, PatchArchitecture()), a_stack(1, height, width)
    places = np.array([(0, 0), (height - 1, width - 1), (0, width - 1), (height - 2, 0), (20, 31), (21, 40)])
    found = DenseSimilarity(network, CPU, route)(stack)
    expected = patch_by_patch(network, stack, places)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(found[tuple(places.T)], expected, atol=1e-5, rtol=0)


def test_units_that_are_off_change_nothing():
    """Whether all, some or none are on: three ways through the second layer."""
    network, stack = a_network(3, PatchArchitecture(filters=(2, 3), hidden=(64, 5))), a_stack(3, 20, 20)
    with torch.no_grad():
        for shift in (5.0, -2.0, -50.0):
            network.fc1.bias[:] = torch.linspace(shift - 2, shift + 2, 64)
            expected = patch_by_patch(network, stack)
            for route in ROUTES:
                np.testing.assert_allclose(DenseSimilarity(network, CPU, route)(stack), expected, atol=1e-5, rtol=0)


def test_the_network_is_left_as_it_is_and_a_call_leaves_no_trace():
    network = a_network(5).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    engine = DenseSimilarity(network, CPU, "fourier")
    first = engine(a_stack(5, 60, 40))
    engine(a_stack(6, 90, 90) * 1e3)
    engine(np.full((5, 60, 40), np.nan, dtype=np.float32))
    assert np.array_equal(engine(a_stack(5, 60, 40)), first)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_threads_share_the_work():
    network, stack = a_network(6), a_stack(6, 130, 60)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(DenseSimilarity(network, CPU, "fourier")(stack))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(*results, atol=1e-6, rtol=0)


def test_boxes_fit_the_slice_and_their_spectra_the_memory():
    paper = fitting_size((512, 512), 48, 512)
    assert paper in SIZES
    assert 3 * paper[0] * paper[1] // 2 * 48 * 512 <= MOST_WEIGHTS
    # One box along each axis is enough for a crop.
    height, width = fitting_size((100, 100), 48, 512)
    assert 6 * (height - 9) >= 100
    assert 6 * (width - 9) >= 100 / 2


def test_sixteen_bits_are_near_and_go_directly():
    network, stack = a_network(7), a_stack(7, 20, 20)
    engine = DenseSimilarity(network, CPU, number=torch.bfloat16)
    assert isinstance(engine._made_for((20, 20)), DirectHidden)
    near = engine(stack)
    deviation = np.abs(near - patch_by_patch(network, stack)).max()
    assert 1e-5 < deviation < 0.1
    with pytest.raises(ValueError, match=r"float32 only, not in torch\.bfloat16"):
        DenseSimilarity(network, CPU, "fourier", torch.bfloat16)


@pytest.mark.parametrize(
    ("shape", "wanted", "says"),
    [((4, 9, 9), None, "5 slices"), ((9, 9), None, "5 slices"), ((5, 9, 9), (9, 8), r"\(9, 8\), the slice \(9, 9\)")],
)
def test_wrong_shapes_are_told(shape, wanted, says):
    engine = DenseSimilarity(a_network(0), CPU)
    with pytest.raises(ValueError, match=says):
        engine(np.zeros(shape, dtype=np.float32), None if wanted is None else np.ones(wanted, dtype=bool))


def test_nothing_wanted():
    found = DenseSimilarity(a_network(0), CPU)(a_stack(0, 9, 8), np.zeros((9, 8), dtype=bool))
    assert np.array_equal(found, np.full((9, 8), -1, dtype=np.float32))


@pytest.mark.parametrize(
    ("route", "number", "off_by"),
    [("fourier", torch.float32, 1e-5), ("direct", torch.float32, 1e-5), ("auto", torch.float16, 5e-3)],
)
def test_on_a_gpu(route, number, off_by):
    """What only a GPU does (other tiles, all of them in one call) gives the same; on a double of one."""
    network, stack = a_network(7), a_stack(7, 40, 50)
    wanted = np.zeros((40, 50), dtype=bool)
    wanted[5:38, 10:50:2] = True
    known = DenseSimilarity(network, CPU)(stack, wanted)
    places = np.argwhere(wanted)[::97]
    with gpu() as device:
        found = DenseSimilarity(network, device, route, number)(stack, wanted)
        some = patch_by_patch(network.to(device), stack, places)
    np.testing.assert_allclose(found, known, atol=off_by)
    np.testing.assert_allclose(some, known[tuple(places.T)], atol=1e-5)
