"""The engine finds what the plain way finds, and keeps to its limits and to the memory there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.errors import DeviceError
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.convolution import winograd
from LesionDetectionLib.methods.liver_ct import engine_regions
from LesionDetectionLib.methods.liver_ct.architecture import ALIGN, POOL, SINGLE_BOX, LiverArchitecture
from LesionDetectionLib.methods.liver_ct.boxes import Limits, SliceBoxes
from LesionDetectionLib.methods.liver_ct.engine import SliceEngine
from LesionDetectionLib.methods.liver_ct.engine_network import LeanRcnn
from LesionDetectionLib.methods.liver_ct.network import boxes_of
from torch import nn

CPU = torch.device("cpu")
TINY = LiverArchitecture(input_px=64, widths=(2, 3, 4, 5), vgg_base=2, resnet_base=4)
ROUTES = {POOL: TINY, ALIGN: replace(TINY, roi_pooling=ALIGN), "few bins": replace(TINY, roi_px=7)}
INSIDE = (40.0, 30.0, 120.0, 100.0)


def plainly(network, inputs, limits, within=None) -> list[SliceBoxes]:
    with torch.inference_mode():
        found = network.find(torch.from_numpy(inputs), limits, within)
    return [SliceBoxes(boxes.double().numpy(), probability.double().numpy()) for boxes, probability in found]


def assert_same(found: list[SliceBoxes], expected: list[SliceBoxes]) -> None:
    """To float32's rounding, which may turn the order of two boxes that are as probable."""
    for ours, plain in zip(found, expected, strict=True):
        assert ours.boxes.dtype == ours.probability.dtype == np.float64
        assert ours.boxes.shape == plain.boxes.shape
        np.testing.assert_allclose(ours.probability, plain.probability, atol=1e-4)
        other = iou(ours.boxes, plain.boxes).argmax(axis=1) if len(plain.boxes) else np.zeros(0, int)
        assert sorted(other) == list(range(len(plain.boxes)))
        np.testing.assert_allclose(ours.boxes, plain.boxes[other], atol=1e-3)  # of boxes up to 200 pixels wide


@pytest.mark.parametrize("name", ROUTES)
def test_what_is_shared_changes_nothing(name, networks, make_slices, monkeypatch):
    monkeypatch.setattr(engine_regions, "_AT_ONCE", 7)
    network, inputs, limits = networks(ROUTES[name]), make_slices(2), Limits(proposals=40, most_boxes=30)
    expected = plainly(network, inputs, limits)
    found = SliceEngine(network, CPU, "float32").run(inputs, limits)
    assert_same(found, expected)
    assert all(len(one.boxes) > 5 for one in found)
    assert np.ptp(found[0].probability) > 0.3


def test_convolutions_by_tiles_change_nothing(networks, make_slices, monkeypatch):
    monkeypatch.setattr(winograd, "LEAST_CHANNELS", 4)
    network, inputs, limits = networks(TINY), make_slices(1), Limits(proposals=20)
    engine = SliceEngine(network, CPU, "float32")
    assert sum(isinstance(one, winograd.WinogradConvolution) for one in engine._lean.network.modules()) > 10
    assert_same(engine.run(inputs, limits), plainly(network, inputs, limits))


@pytest.mark.parametrize("name", [POOL, ALIGN])
def test_a_batch_gives_the_same(name, networks, make_slices):
    """As on a GPU."""
    network, inputs, limits = networks(ROUTES[name]), make_slices(3, (64, 96)), Limits(proposals=20)
    within = [None, (1000.0, 0.0, 1001.0, 1.0), INSIDE]
    found = LeanRcnn(network, CPU, torch.float32).boxes(inputs, limits, within)
    assert_same(found, plainly(network, inputs, limits, within))
    assert len(found[1].boxes) == 0 < len(found[2].boxes)


def test_each_slice_has_its_boxes_whatever_lies_beside_it(networks, make_slices):
    network, inputs, limits = networks(ROUTES[POOL]), make_slices(3), Limits(proposals=20)
    engine = SliceEngine(network, CPU, "float32")
    together = engine.run(inputs, limits)
    assert_same(together[::-1], engine.run(inputs[::-1], limits))
    assert_same([together[1]], engine.run(inputs[1:2], limits))


def test_only_proposals_whose_centre_lies_within_are_judged(networks, make_slices):
    network, inputs = networks(ROUTES[POOL]), make_slices(2)
    limits = Limits(proposals=50, nms_iou=1.0, least_probability=0.0, most_boxes=1000)
    engine = SliceEngine(network, CPU, "float32")
    found = engine.run(inputs, limits, [INSIDE, None])
    assert_same(found, plainly(network, inputs, limits, [INSIDE, None]))
    assert_same(found[1:], engine.run(inputs[1:], limits))
    with torch.inference_mode():
        c4 = network.features(torch.from_numpy(inputs))
        proposed = network.proposals(c4, *network.propose(c4), 50, [INSIDE, None])
    center = (proposed[0][:, :2] + proposed[0][:, 2:]) / 2
    assert len(center) == 50
    assert ((center >= torch.tensor(INSIDE[:2])) & (center <= torch.tensor(INSIDE[2:]))).all()
    assert not torch.equal(proposed[0][:20], proposed[1][:20])


def test_limits_are_kept(networks, make_slices):
    network, inputs = networks(ROUTES[POOL]), make_slices()
    limits = Limits(least_probability=0.3, proposals=60, nms_iou=0.2, most_boxes=5)
    (found,) = SliceEngine(network, CPU, "float32").run(inputs, limits)
    assert len(found.boxes) == 5
    assert (found.probability >= 0.3).all()
    assert (np.diff(found.probability) <= 0).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (found.boxes[:, 2:] <= (192, 128)).all()
    assert iou(found.boxes, found.boxes)[~np.eye(5, dtype=bool)].max() <= 0.2 + 1e-6
    (few,) = SliceEngine(network, CPU, "float32").run(inputs, replace(limits, proposals=3, least_probability=0.0))
    assert 1 <= len(few.boxes) <= 3


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_of_nothing_there_is_nothing(precision, networks, make_slices):
    for name in (POOL, ALIGN):
        engine = SliceEngine(networks(ROUTES[name]), CPU, precision)
        found = engine.run(make_slices(2, (64, 64)), Limits(least_probability=1.1))
        found += engine.run(make_slices(1, (64, 64)), Limits(), [(1000.0, 0.0, 1001.0, 1.0)])
        assert [one.boxes.shape for one in found] == [(0, 4)] * 3
        assert [len(one.probability) for one in found] == [0] * 3
        assert engine.run(make_slices(0, (64, 64)), Limits()) == []


@pytest.mark.parametrize("name", [POOL, ALIGN])
def test_bfloat16_is_near(name, networks, make_slices):
    """Each stage on what the stage before gave: which of two proposals as good is taken depends on the last digit."""
    network, inputs = networks(ROUTES[name]), make_slices(1)
    lean, slices = LeanRcnn(network, CPU, torch.bfloat16), torch.from_numpy(inputs)
    with torch.inference_mode():
        narrow, wide = lean.network.features(slices.bfloat16()), network.features(slices)
        for one, other in zip(lean._propose(narrow), network.propose(wide), strict=True):
            assert one.dtype == torch.float32
            assert float((one - other).abs().mean()) < 0.04 * float(other.std())
        boxes = network.proposals(wide, *network.propose(wide), 40)
        for one, other in zip(lean._regions.judge(narrow, boxes), network.judge(wide, boxes), strict=True):
            assert one.dtype == torch.float32
            assert float((one - other).abs().mean()) < 0.08 * float(other.std())
    engine = SliceEngine(network, CPU, "bf16")
    assert engine.number == torch.bfloat16
    (found,) = engine.run(inputs, Limits(proposals=40))
    # Logits in 16 bits would be 1 / 64 apart, and many the same.
    assert len(set(found.probability)) > 0.9 * len(found.probability) > 5


@pytest.mark.parametrize("detector", SINGLE_BOX)
def test_the_single_box_of_each_slice(detector, networks, make_slices):
    network, inputs = networks(replace(TINY, detector=detector)), make_slices(3, (64, 64))
    with torch.inference_mode():
        expected = boxes_of(network(torch.from_numpy(inputs)), 64).numpy()
    found = SliceEngine(network, CPU, "float32").run(inputs, Limits(least_probability=1.0), [INSIDE] * 3)
    np.testing.assert_allclose([one.boxes[0] for one in found], expected, atol=1e-3)
    assert [one.probability.tolist() for one in found] == [[1.0]] * 3
    narrow = SliceEngine(network, CPU, "bf16").run(inputs, Limits())
    np.testing.assert_allclose([one.boxes[0] for one in narrow], expected, atol=1.0)


def test_the_network_stays_as_it_is(networks, make_slices):
    network = networks(ROUTES[POOL])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    engine = SliceEngine(network, CPU, "bf16")
    engine.run(make_slices(1, (64, 64)), Limits(proposals=3))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in engine._lean.network.modules())


class TestInBatches:
    """What happens on a GPU, on a CPU that says it is one."""

    def an_engine(self, network, precision="float32"):
        engine = SliceEngine(network, CPU, precision)
        engine._device = torch.device("cuda")
        return engine

    def test_a_batch_that_does_not_fit_is_halved(self, networks, make_slices, monkeypatch):
        network, inputs, whole, sizes = networks(ROUTES[POOL]), make_slices(5, (64, 64)), LeanRcnn.boxes, []

        def full_from_three_on(lean, some, limits, within):
            sizes.append(len(some))
            if len(some) > 2:
                raise torch.cuda.OutOfMemoryError
            return whole(lean, some, limits, within)

        monkeypatch.setattr(LeanRcnn, "boxes", full_from_three_on)
        limits, within = Limits(proposals=10), [None, INSIDE, None, INSIDE, None]
        found = self.an_engine(network).run(inputs, limits, within)
        assert sizes == [5, 2, 3, 1, 2]
        assert_same(found, plainly(network, inputs, limits, within))

    def test_values_too_large_for_float16_are_computed_in_float32(self, make_slices, networks):
        network, inputs, limits = networks(ROUTES[POOL]), make_slices(1, (64, 64)), Limits(proposals=10)
        engine = self.an_engine(network, "fp16")
        engine._lean.network.backbone.layer3[-1].conv3.bias.fill_(torch.inf)
        assert engine._lean.boxes(inputs, limits, [None]) is None
        engine._wide = LeanRcnn(network, CPU, torch.float32)
        assert_same(engine.run(inputs, limits), plainly(network, inputs, limits))


def test_full_memory_is_told(networks, make_slices, monkeypatch):
    def full(*_given):
        raise MemoryError

    monkeypatch.setattr(LeanRcnn, "boxes", full)
    with pytest.raises(DeviceError, match="memory is full"):
        SliceEngine(networks(ROUTES[POOL]), CPU, "float32").run(make_slices(2, (64, 64)), Limits())


@pytest.mark.parametrize("name", [POOL, ALIGN])
def test_on_a_gpu_that_is_none(name, networks, make_slices):
    network, inputs, limits, within = (
        networks(ROUTES[name]),
        make_slices(2, (64, 96)),
        Limits(proposals=20),
        [None, INSIDE],
    )
    expected = plainly(network, inputs, limits, within)
    with gpu() as device:
        found = SliceEngine(network, device, "float32").run(inputs, limits, within)
        narrow = SliceEngine(network, device).run(inputs, limits, within)
    assert_same(found, expected)
    for one, other in zip(narrow, expected, strict=True):
        np.testing.assert_allclose(one.probability[:3], other.probability[:3], atol=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(networks, make_slices):
    network, inputs, limits = networks(ROUTES[POOL]), make_slices(3), Limits(proposals=40)
    expected = plainly(network, inputs, limits)
    assert_same(SliceEngine(network, torch.device("cuda"), "float32").run(inputs, limits), expected)
    narrow = SliceEngine(network, torch.device("cuda")).run(inputs, limits)
    for one, other in zip(narrow, expected, strict=True):
        np.testing.assert_allclose(one.probability[:3], other.probability[:3], atol=0.05)
