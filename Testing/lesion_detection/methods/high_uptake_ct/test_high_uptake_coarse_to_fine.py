"""What stands for a response that is not computed is a proof, for any weights; no pixel of a blob is lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.high_uptake_ct import dense as dense_module
from LesionDetectionLib.methods.high_uptake_ct.coarse_to_fine import ANCHOR, FEWEST_UNITS, Bounds
from LesionDetectionLib.methods.high_uptake_ct.dense import DenseSimilarity
from LesionDetectionLib.methods.high_uptake_ct.hidden import PHASES
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture, PatchNetwork
from LesionDetectionLib.methods.high_uptake_ct.patches import patch_by_patch
from LesionDetectionLib.methods.high_uptake_ct.readout import Readout

CPU = torch.device("cpu")
WIDE = PatchArchitecture(filters=(2, 3), hidden=(8, FEWEST_UNITS))


def a_network(seed: int, architecture: PatchArchitecture = WIDE) -> PatchNetwork:
    torch.manual_seed(seed)
    network = PatchNetwork(architecture).eval()
    with torch.no_grad():
        network.fc2.bias.normal_()
        network.fc3.bias.normal_()
    return network


def responses(network: PatchNetwork, hidden: torch.Tensor) -> torch.Tensor:
    """r_l - r_b in float64 of the first hidden layer before its ReLU."""
    with torch.no_grad():
        second = hidden.double().relu() @ network.fc2.weight.double().T + network.fc2.bias.double()
        logits = second.relu() @ network.fc3.weight.double().T + network.fc3.bias.double()
    return logits[..., 1] - logits[..., 0]


def bounds(network: PatchNetwork, cells: torch.Tensor):
    with torch.inference_mode():
        of = Bounds(network)
        view = of.seen_from_anchors(cells.clone())
        return of.lowest(view), of.highest(view), view.response


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1, 3, 40]),
    st.sampled_from([1, 7, 200]),
    st.sampled_from([0.0, 1e-3, 0.1, 1.0, 30.0]),
    st.sampled_from(["any", "slope", "unit"]),
)
def test_no_response_lies_outside_its_bounds(seed, units, second, apart, direction):
    """Near and far, in any direction and in those that change the response most."""
    network = a_network(seed, PatchArchitecture(filters=(1, 1), hidden=(units, second)))
    anchor = torch.randn(3, 1, units) * 2
    if direction == "any":
        towards = torch.randn(3, PHASES, units)
    elif direction == "slope":
        towards = network.fc2.weight.detach().T @ (network.fc3.weight[1] - network.fc3.weight[0]).detach()
    else:
        towards = network.fc2.weight.detach()[torch.randint(second, (3, PHASES))]
    cells = anchor + apart * torch.randn(3, PHASES, 1) * towards
    cells[:, ANCHOR] = anchor[:, 0]
    lowest, highest, at_anchors = bounds(network, cells)
    expected = responses(network, cells)
    assert torch.all(lowest <= expected)
    assert torch.all(expected <= highest)
    torch.testing.assert_close(at_anchors.double(), expected[:, ANCHOR], atol=1e-4, rtol=1e-5)


def test_bounds_are_tight_where_no_unit_can_turn():
    """There the response is linear: what is left is far below what units that are about to turn leave open."""
    network = a_network(1)
    cells = torch.rand(4, 1, 8) + 0.1 * torch.rand(4, PHASES, 8)
    widths = []
    for room in (0.0, 50.0):
        with torch.no_grad():
            network.fc2.bias[:] = torch.where(torch.arange(FEWEST_UNITS) % 2 == 0, room, -room)
            network.fc2.bias -= network.fc2.weight @ cells.mean(dim=(0, 1))
        lowest, highest, _ = bounds(network, cells)
        widths.append(float((highest - lowest).mean()))
    assert widths[1] < 0.15 * widths[0]


@pytest.fixture
def counted(monkeypatch):
    """Pixels whose second layer is computed."""
    count = []
    some = Readout._some
    monkeypatch.setattr(
        Readout, "_some", lambda self, hidden, scratch: count.append(len(hidden)) or some(self, hidden, scratch)
    )
    return count


def a_sure_network(seed: int, mean: float, spread: float) -> tuple[PatchNetwork, np.ndarray]:
    """And a smooth stack in which its responses are of this mean and spread, as a trained network's are."""
    network = a_network(seed)
    y, x = np.indices((60, 50)) / 9.0
    stack = np.stack([(2 + np.sin(y + k / 3) + np.cos(x * (1 + k / 9))) / 4 for k in range(5)]).astype(np.float32)
    places = np.argwhere(np.ones((60, 50), dtype=bool))[::17]
    with torch.no_grad():
        response = 2 * np.arctanh(patch_by_patch(network, stack, places).astype(np.float64))
        network.fc3.weight.mul_(spread / float(response.std()))
        network.fc3.bias.mul_(spread / float(response.std()))
        network.fc3.bias[1] += mean - float(response.mean()) * spread / float(response.std())
    return network, stack


@pytest.mark.parametrize("route", ["direct", "fourier"])
def test_blobs_are_whole_and_exact(route, counted):
    network, stack = a_sure_network(2, mean=-3.0, spread=2.0)
    plain = patch_by_patch(network, stack)
    assert 0.02 < (plain > 0).mean() < 0.3
    found = DenseSimilarity(network, CPU, route, exact_from=0.0)(stack)
    assert np.array_equal(found > 0, plain > 0)
    np.testing.assert_allclose(found[plain > 0], plain[plain > 0], atol=1e-5, rtol=0)
    assert np.all(found >= plain - 1e-5)
    assert sum(counted) < 0.7 * plain.size


def test_another_level():
    network, stack = a_sure_network(3, mean=-1.0, spread=2.0)
    plain = patch_by_patch(network, stack)
    found = DenseSimilarity(network, CPU, exact_from=0.6)(stack)
    assert np.array_equal(found > 0.6, plain > 0.6)
    np.testing.assert_allclose(found[plain > 0.6], plain[plain > 0.6], atol=1e-5, rtol=0)


def test_exact_everywhere_though_most_are_not_computed(counted):
    network, stack = a_sure_network(4, mean=-17.0, spread=3.0)
    plain = patch_by_patch(network, stack)
    found = DenseSimilarity(network, CPU)(stack)
    np.testing.assert_allclose(found, plain, atol=1e-5, rtol=0)
    assert sum(counted) < 0.6 * plain.size


def test_where_bounds_tell_nothing_they_are_left(counted):
    """Responses near 0: all are computed, and after the first piece of each tile bounds are not even tried."""
    network, stack = a_sure_network(5, mean=0.0, spread=0.5)
    tried = []
    seen = Bounds.seen_from_anchors
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bounds, "seen_from_anchors", lambda self, cells: tried.append(len(cells)) or seen(self, cells))
        found = DenseSimilarity(network, CPU)(stack)
    np.testing.assert_allclose(found, patch_by_patch(network, stack), atol=1e-5, rtol=0)
    assert sum(counted) > 0.9 * found.size
    assert 0 < sum(tried) * PHASES < 0.7 * found.size


def test_small_networks_and_other_devices_go_without(monkeypatch):
    assert DenseSimilarity(a_network(0), CPU)._bounds is not None
    small = PatchArchitecture(filters=(2, 3), hidden=(8, FEWEST_UNITS - 1))
    assert DenseSimilarity(a_network(0, small), CPU)._bounds is None
    assert DenseSimilarity(a_network(0), CPU, number=torch.bfloat16)._bounds is None


def test_the_way_of_a_gpu():
    """All tiles at once, nothing left out: the same on a CPU."""
    network, stack = a_network(6), np.random.default_rng(6).random((5, 70, 90), dtype=np.float32)
    engine = DenseSimilarity(network, CPU, "fourier")
    hidden = dense_module.FourierHidden(network, CPU, (16, 14))
    hidden.at_once, hidden._apart, hidden._across = 24, False, 1
    engine._hidden = (stack.shape[1:], hidden)
    engine._bounds, engine._readout._on_cpu = None, False
    np.testing.assert_allclose(engine(stack), patch_by_patch(network, stack), atol=1e-5, rtol=0)
