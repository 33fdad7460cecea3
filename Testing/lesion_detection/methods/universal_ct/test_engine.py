"""The engine finds what the plain way finds, whatever is left out, and keeps to its limits and to the memory there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.errors import DeviceError
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.convolution import winograd
from LesionDetectionLib.methods.slices import at_once
from LesionDetectionLib.methods.universal_ct import engine as engine_module
from LesionDetectionLib.methods.universal_ct import engine_bands, engine_boxes, engine_head, engine_lazy
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.engine import Limits, SliceBoxes, SliceEngine, plain_boxes
from LesionDetectionLib.methods.universal_ct.engine_cuda import batch_boxes
from LesionDetectionLib.methods.universal_ct.engine_network import LeanNetwork
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from torch import nn

CPU = torch.device("cpu")
TINY = UniversalArchitecture(base=4, pyramid=8, head=8, head_layers=2, dense_widths=(4, 4))
ARCHITECTURES = {
    "vgg19": TINY,
    "vgg19_bn": replace(TINY, backbone="vgg19_bn", attention=False),
    "resnet50": replace(TINY, backbone="resnet50"),
    "from P3 on": replace(TINY, lowest=3, dense=False, ratios=(0.5, 1.0)),
}
SHARES = {"nearly all": 0.5, "some": 0.01, "few": 0.0005}


def a_network(architecture: UniversalArchitecture = TINY) -> UniversalNetwork:
    """Random weights whose probabilities differ from place to place as a trained network's do."""
    torch.manual_seed(0)
    network = UniversalNetwork(architecture).eval().requires_grad_(False)
    for name, value in network.named_parameters():
        if name.endswith("bias"):
            value.uniform_(-0.1, 0.1)
    for name, value in network.named_buffers():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
    for n, head in enumerate((network.classification, network.regression)):
        maps = head.layers(network.features(torch.from_numpy(slices(1, (128, 128)))).levels[0])
        # Logits have a deviation of 3, offsets of .5.
        head.last.weight.normal_(std=(0.5 if n else 3.0) / (3 * float(maps.norm(dim=1).mean())))
    if network.dense is not None:
        network.dense.mask.weight.mul_(20)
    return network


def slices(count: int = 1, size=(128, 192)) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 3, *size)).astype(np.float32)


def exceeded_by(network: UniversalNetwork, inputs: np.ndarray, share: float) -> float:
    """The probability that this share of anchors exceeds."""
    with torch.inference_mode():
        return float(torch.sigmoid(network(torch.from_numpy(inputs)).logits).quantile(1 - share))


def assert_same(found: list[SliceBoxes], expected: list[SliceBoxes]) -> None:
    """To float32's rounding, which may turn the order of two boxes that are as probable."""
    for ours, plain in zip(found, expected, strict=True):
        assert ours.boxes.dtype == ours.probability.dtype == np.float64
        np.testing.assert_allclose(ours.probability, plain.probability, atol=2e-5)
        other = iou(ours.boxes, plain.boxes).argmax(axis=1) if len(plain.boxes) else np.zeros(0, int)
        assert sorted(other) == list(range(len(plain.boxes)))
        np.testing.assert_allclose(ours.probability, plain.probability[other], atol=2e-5)
        np.testing.assert_allclose(ours.boxes, plain.boxes[other], atol=5e-2)  # of boxes up to 200 pixels wide
        assert len(ours.windows) == len(plain.windows)
        for n, window in enumerate(ours.windows):
            assert window.start_xy == plain.windows[other[n]].start_xy
            np.testing.assert_allclose(window.probability, plain.windows[other[n]].probability, atol=2e-5)


@pytest.fixture
def all_routes(monkeypatch):
    """Tiny maps go through bands, gathered places and several rounds, as large ones do."""
    monkeypatch.setattr(engine_bands, "BAND_BYTES", 1)
    monkeypatch.setattr(engine_head, "FEW", 1e9)
    for module in (engine_boxes, engine_lazy):
        monkeypatch.setattr(module, "FIRST", 8)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_left_out_changes_nothing(name, share, all_routes):
    network, inputs = a_network(ARCHITECTURES[name]), slices(2)
    limits = Limits(least_probability=exceeded_by(network, inputs, SHARES[share]), most_candidates=100)
    expected = plain_boxes(network, inputs, limits)
    found = SliceEngine(network, CPU, "float32").run(inputs, limits)
    assert_same(found, expected)
    assert any(len(one.boxes) > 0 for one in found)
    assert all(len(one.windows) == (len(one.boxes) if network.dense else 0) for one in found)


@pytest.mark.parametrize("name", ["vgg19_bn", "resnet50"])
def test_convolutions_by_tiles_change_nothing(name, monkeypatch):
    monkeypatch.setattr(winograd, "LEAST_CHANNELS", 4)
    network, inputs = a_network(ARCHITECTURES[name]), slices(1)
    limits = Limits(least_probability=exceeded_by(network, inputs, SHARES["some"]))
    engine = SliceEngine(network, CPU, "float32")
    assert sum(isinstance(layer, winograd.WinogradConvolution) for layer in engine._lean.network.modules()) > 20
    assert_same(engine.run(inputs, limits), plain_boxes(network, inputs, limits))


def test_as_it_is_set_up_nothing_changes_either():
    network, inputs = a_network(), slices(1, (64, 128))
    for share in SHARES.values():
        limits = Limits(least_probability=exceeded_by(network, inputs, share))
        assert_same(SliceEngine(network, CPU, "float32").run(inputs, limits), plain_boxes(network, inputs, limits))


def test_the_gpus_way_gives_the_same():
    network, inputs = a_network(ARCHITECTURES["vgg19_bn"]), slices(2)
    limits = Limits(least_probability=0.3)
    assert_same(
        batch_boxes(LeanNetwork(network, CPU, torch.float32), inputs, limits), plain_boxes(network, inputs, limits)
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    network, inputs = a_network(), slices(3)
    expected = plain_boxes(network, inputs, Limits(least_probability=0.3))
    assert_same(
        SliceEngine(network, torch.device("cuda"), "float32").run(inputs, Limits(least_probability=0.3)), expected
    )
    narrow = SliceEngine(network, torch.device("cuda")).run(inputs, Limits(least_probability=0.3))
    for one, other in zip(narrow, expected, strict=True):
        np.testing.assert_allclose(one.probability[:3], other.probability[:3], atol=0.02)


def test_on_a_gpu_that_is_none():
    network, inputs, limits = a_network(), slices(2, (64, 128)), Limits(least_probability=0.3)
    expected = plain_boxes(network, inputs, limits)
    with gpu() as device:
        found = SliceEngine(network, device, "float32").run(inputs, limits)
        narrow = SliceEngine(network, device).run(inputs, limits)
    assert_same(found, expected)
    for one, other in zip(narrow, expected, strict=True):
        np.testing.assert_allclose(one.probability[:3], other.probability[:3], atol=0.02)


def test_limits_are_kept(all_routes):
    network, inputs = a_network(), slices()
    limits = Limits(least_probability=0.2, most_candidates=30, nms_iou=0.3, most_boxes=7, windows=False)
    (found,) = SliceEngine(network, CPU, "float32").run(inputs, limits)
    assert len(found.boxes) == 7
    assert found.windows == ()
    assert (found.probability >= 0.2).all()
    assert (np.diff(found.probability) <= 0).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (found.boxes[:, 2:] <= (192, 128)).all()
    overlap = iou(found.boxes, found.boxes)
    assert overlap[~np.eye(7, dtype=bool)].max() <= 0.3 + 1e-6
    one_each = replace(limits, most_candidates=1, nms_iou=1.0)
    (few,) = SliceEngine(network, CPU, "float32").run(inputs, one_each)
    assert 1 <= len(few.boxes) <= 5


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_of_nothing_there_is_nothing(precision, monkeypatch):
    network = a_network()
    engine = SliceEngine(network, CPU, precision)
    monkeypatch.setattr(network.__class__, "outline", None)  # nobody needs it
    found = engine.run(slices(2), Limits(least_probability=1.0))
    assert [one.boxes.shape for one in found] == [(0, 4)] * 2
    assert [len(one.probability) + len(one.windows) for one in found] == [0, 0]
    assert engine.run(slices(0), Limits()) == []


def test_windows_reach_half_a_side_beyond_their_boxes():
    network, inputs = a_network(), slices()
    (found,) = SliceEngine(network, CPU, "float32").run(inputs, Limits(least_probability=0.3))
    for (x0, y0, x1, y1), window in zip(found.boxes, found.windows, strict=True):
        width, height = x1 - x0, y1 - y0
        start, (rows, columns) = window.start_xy, window.probability.shape
        assert start == (max(0, np.floor(x0 - width / 2)), max(0, np.floor(y0 - height / 2)))
        assert start[0] + columns == min(192, np.ceil(x1 + width / 2))
        assert start[1] + rows == min(128, np.ceil(y1 + height / 2))
        assert window.probability.dtype == np.float32


def test_bfloat16_is_near(all_routes):
    network, inputs = a_network(ARCHITECTURES["vgg19_bn"]), slices(2)
    limits = Limits(least_probability=0.3)
    engine = SliceEngine(network, CPU, "bf16")
    assert engine.number == torch.bfloat16
    found, expected = engine.run(inputs, limits), plain_boxes(network, inputs, limits)
    for one, other in zip(found, expected, strict=True):
        assert len(one.boxes) > 5
        np.testing.assert_allclose(one.probability[:5], other.probability[:5], atol=0.05)
        # Logits in 16 bits would be 1 / 64 apart, and many the same.
        assert len(set(one.probability)) > 0.9 * len(one.probability)


def test_the_network_stays_as_it_is():
    network = a_network(ARCHITECTURES["resnet50"])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    engine = SliceEngine(network, CPU, "bf16")
    engine.run(slices(), Limits(most_candidates=3))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in engine._lean.network.modules())


def test_where_two_slices_do_not_fit_one_does(monkeypatch):
    network, inputs, alone = a_network(), slices(3), engine_module.lazy_boxes
    calls = []

    def full_at_first(lean, one, limits):
        calls.append(1)
        if len(calls) <= 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return alone(lean, one, limits)

    monkeypatch.setattr(engine_module, "lazy_boxes", full_at_first)
    limits = Limits(least_probability=0.3)
    assert_same(SliceEngine(network, CPU, "float32").run(inputs, limits), plain_boxes(network, inputs, limits))
    assert len(calls) == 5


@pytest.mark.parametrize("count", [1, 2])
def test_full_memory_is_told(count, monkeypatch):
    def full(*_given):
        raise MemoryError

    monkeypatch.setattr(engine_module, "lazy_boxes", full)
    with pytest.raises(DeviceError, match="memory is full"):
        SliceEngine(a_network(), CPU, "float32").run(slices(count), Limits())


def test_another_failure_stays_itself(monkeypatch):
    def broken(*_given):
        raise RuntimeError("something else")

    monkeypatch.setattr(engine_module, "lazy_boxes", broken)
    for count in (1, 2):
        with pytest.raises(RuntimeError, match="something else"):
            SliceEngine(a_network(), CPU, "float32").run(slices(count), Limits())


class TestInBatches:
    """What happens on a GPU, on a CPU that says it is one."""

    def an_engine(self, network, precision="float32"):
        engine = SliceEngine(network, CPU, precision)
        engine._device = torch.device("cuda")
        return engine

    def test_a_batch_that_does_not_fit_is_halved(self, monkeypatch):
        network, inputs, whole, sizes = a_network(), slices(5, (64, 64)), engine_module.batch_boxes, []

        def full_from_three_on(lean, some, limits):
            sizes.append(len(some))
            if len(some) > 2:
                raise torch.cuda.OutOfMemoryError
            return whole(lean, some, limits)

        monkeypatch.setattr(engine_module, "batch_boxes", full_from_three_on)
        limits = Limits(least_probability=0.3)
        assert_same(self.an_engine(network).run(inputs, limits), plain_boxes(network, inputs, limits))
        assert sizes == [5, 2, 3, 1, 2]

    def test_full_memory_is_told(self, monkeypatch):
        def full(*_given):
            raise torch.cuda.OutOfMemoryError

        monkeypatch.setattr(engine_module, "batch_boxes", full)
        monkeypatch.setattr(at_once, "out_of_memory", lambda device: DeviceError("It is full."))
        with pytest.raises(DeviceError, match="full"):
            self.an_engine(a_network()).run(slices(3, (64, 64)), Limits())

    def test_values_too_large_for_float16_are_computed_in_float32(self, monkeypatch):
        network, inputs = a_network(), slices(1, (64, 64))
        network.pyramid.smooth[0].weight.mul_(1e6)
        network.classification.last.weight.mul_(1e-6)
        network.regression.last.weight.mul_(1e-6)
        limits = Limits(least_probability=0.3, windows=False)
        engine = self.an_engine(network, "fp16")
        assert batch_boxes(engine._lean, inputs, limits) is None
        engine._wide = LeanNetwork(network, CPU, torch.float32)
        found = engine.run(inputs, limits)
        assert len(found[0].boxes) > 0
        assert_same(found, plain_boxes(network, inputs, limits))

    def test_so_are_those_of_the_mask(self):
        network, inputs = a_network(), slices(1, (64, 64))
        network.dense.smooth_full.weight.mul_(1e7)
        lean = LeanNetwork(network, CPU, torch.float16)
        assert batch_boxes(lean, inputs, Limits(windows=False)) is not None
        assert batch_boxes(lean, inputs, Limits()) is None
