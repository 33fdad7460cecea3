"""Geometry of the networks by test: the single-box detectors, and Faster R-CNN's anchors, losses and boxes."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from LesionDetectionLib.methods.liver_ct.architecture import (
    ALIGN,
    BASELINE,
    DETECTORS,
    SINGLE_BOX,
    VGG,
    VGG_FRONT,
    LiverArchitecture,
)
from LesionDetectionLib.methods.liver_ct.faster_rcnn import LOSSES
from LesionDetectionLib.methods.liver_ct.network import (
    FasterRcnn,
    Sampling,
    SingleBoxNetwork,
    boxes_of,
    freeze,
    make_network,
    parameter_count,
)
from LesionDetectionLib.methods.liver_ct.proposals import Anchors, lies_in
from torch import nn
from torchvision.models.detection.faster_rcnn import FasterRCNN as TorchvisionFasterRcnn
from torchvision.ops import MultiScaleRoIAlign

CPU = torch.device("cpu")
TINY = LiverArchitecture(input_px=64, widths=(2, 3, 4, 5), vgg_base=2, resnet_base=4)
NOTHING = torch.zeros(0, 4)
LESION = torch.tensor([[20.0, 24.0, 44.0, 40.0]], dtype=torch.float64)


def made(**changes):
    torch.manual_seed(0)
    return make_network(replace(TINY, **changes))


def slices(count=1, px=64):
    return torch.rand(count, 3, px, px, generator=torch.Generator().manual_seed(3)) * 2 - 1


class TestSingleBox:
    @pytest.mark.parametrize("detector", SINGLE_BOX)
    def test_four_numbers_of_each_slice_alone(self, detector):
        network = made(detector=detector).eval()
        inputs = slices(3)
        outputs = network(inputs)
        assert outputs.shape == (3, 4)
        torch.testing.assert_close(network(inputs[1:2]), outputs[1:2])
        assert not torch.allclose(outputs[0], outputs[1], atol=1e-6)

    def test_the_papers_baseline(self):
        with torch.device("meta"):
            network = make_network(LiverArchitecture(detector=BASELINE))
        sizes = [tuple(layer.weight.shape) for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
        assert sizes == [(32, 3, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (4, 64 * 128 * 128)]
        kinds = [type(layer).__name__ for layer in network.baseline.rest]
        assert kinds == ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d"]

    def test_vgg_keeps_64_places_a_side_of_512_pixels(self):
        with torch.device("meta"):
            network = make_network(LiverArchitecture(detector=VGG))
            features = network.backbone(torch.empty(1, 3, 512, 512))[-1]
        assert features.shape == (1, 512, 64, 64)
        assert network.baseline.first.weight.shape == (32, 515, 3, 3)

    @pytest.mark.parametrize(("block", "channels", "side"), [(2, 128, 128), (3, 256, 64), (4, 512, 32)])
    def test_a_front_of_some_blocks_has_no_other(self, block, channels, side):
        with torch.device("meta"):
            network = make_network(LiverArchitecture(detector=VGG_FRONT, front_block=block))
            features = network.backbone(torch.empty(1, 3, 512, 512))
        assert features[-1].shape == (1, channels, side, side)
        assert len(features) == block
        assert network.baseline.first.in_channels == channels
        assert network.baseline.dense.in_features == 64 * (side // 4) ** 2
        assert sum(isinstance(layer, nn.Conv2d) for layer in network.backbone.modules()) == {2: 4, 3: 7, 4: 10}[block]

    def test_dropout_only_while_it_learns(self):
        network = made(detector=BASELINE, dropout=0.5)
        assert not torch.allclose(network(slices()), network(slices()))
        network.eval()
        torch.testing.assert_close(network(slices()), network(slices()), rtol=0, atol=0)

    def test_boxes_are_put_in_order_and_clipped(self):
        outputs = torch.tensor([[0.75, 0.25, 0.5, 0.5], [-1.0, 0.5, 2.0, 0.25]])
        torch.testing.assert_close(boxes_of(outputs, 8), torch.tensor([[4.0, 2, 6, 4], [0, 2, 8, 4]]))

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"detector": "yolo"}, "no detector"),
            ({"detector": VGG, "input_px": 60}, "multiple of 8"),
            ({}, "more than one"),
        ],
    )
    def test_what_cannot_be(self, changes, told):
        with pytest.raises(ValueError, match=told):
            SingleBoxNetwork(replace(TINY, **changes))
        with pytest.raises(ValueError, match="not Faster R-CNN"):
            FasterRcnn(replace(TINY, detector=BASELINE))


class TestAnchors:
    def test_areas_and_ratios_are_the_papers(self):
        architecture = LiverArchitecture()
        (cells,) = Anchors((architecture.sizes,), (architecture.ratios,)).cell_anchors
        sides = cells[:, 2:] - cells[:, :2]
        expected = [(size**2, ratio) for ratio in (0.5, 1.0, 2.0) for size in (16.0, 24.0, 32.0, 48.0, 96.0)]
        torch.testing.assert_close(sides.prod(dim=1), torch.tensor([area for area, _ in expected]))
        torch.testing.assert_close(sides[:, 1] / sides[:, 0], torch.tensor([ratio for _, ratio in expected]))
        torch.testing.assert_close(cells[:, :2], -cells[:, 2:])

    def test_they_lie_where_torchvision_has_them(self):
        network, c4 = made(), torch.empty(1, 64, 3, 5)
        anchors = network.rpn.anchors(c4, CPU).reshape(3, 5, 15, 4)
        torch.testing.assert_close(anchors[2, 3] - anchors[0, 0], torch.tensor([48.0, 32.0, 48.0, 32.0]).expand(15, 4))
        center = (anchors[0, 0, :, :2] + anchors[0, 0, :, 2:]) / 2
        torch.testing.assert_close(center, torch.zeros(15, 2))

    def test_half_the_digits_of_c4_do_not_move_them(self):
        rpn, c4 = made().rpn, torch.empty(1, 64, 32, 32)
        expected = rpn.anchors(c4, CPU)
        for number in (torch.bfloat16, torch.float16, torch.float32):
            torch.testing.assert_close(rpn.anchors(c4.to(number), CPU), expected, atol=0, rtol=0)

    def test_c4_sees_around_its_anchors(self):
        """What a place of C4 depends on has its middle at the anchor's centre, to half a pixel."""
        torch.manual_seed(0)
        network = made().eval()
        inputs = torch.randn(1, 3, 640, 64, requires_grad=True)
        network.features(inputs)[0, :, 20, 2].sum().backward()
        rows = inputs.grad.abs().sum(dim=(0, 1, 3))
        center = float((rows * (torch.arange(640) + 0.5)).sum() / rows.sum())
        assert abs(center - 20 * 16) < 8


class TestLosses:
    def test_all_four_in_both_modes_from_the_global_generator(self):
        torch.manual_seed(0)
        network, given = make_network(TINY, Sampling(boxes=8)), ([LESION, NOTHING], [NOTHING, NOTHING])
        for mode in (False, True):
            network.train(mode)
            found = []
            for _ in range(2):
                torch.manual_seed(5)
                found.append(network(slices(2), *given))
            assert tuple(found[0]) == LOSSES
            assert all(value.ndim == 0 and torch.isfinite(value) for value in found[0].values())
            if not mode:  # in training mode the statistics of normalisation go on
                assert found[0] == found[1]
            assert found[0]["rpn_box"] > 0
        sum(found[0].values()).backward()
        assert all(parameter.grad is not None for parameter in network.parameters())

    def test_they_are_torchvisions(self, networks):
        """With the same draws: torchvision's own detector around the same layers, in training mode but for normalisation."""
        network = copy.deepcopy(networks(replace(TINY, roi_pooling=ALIGN)))
        freeze(network, True, 0)
        network.train()

        class Features(nn.Module):
            out_channels = 64

            def forward(self, inputs):
                return {"0": network.features(inputs)}

        class Head(nn.Module):
            def forward(self, regions):
                return network.backbone.layer4(regions).mean(dim=(2, 3))

        theirs = TorchvisionFasterRcnn(
            Features(),
            rpn_anchor_generator=network.rpn.anchor_generator,
            rpn_head=network.rpn.head,
            box_roi_pool=MultiScaleRoIAlign(["0"], 14, 2),
            box_head=Head(),
            box_predictor=network.head.box_predictor,
            box_batch_size_per_image=128,
            min_size=64,
            max_size=64,
            image_mean=[0, 0, 0],
            image_std=[1, 1, 1],
        ).train()
        theirs.transform.eval()  # in training mode it draws a size
        torch.manual_seed(1)
        ours = network(slices(), [LESION], [NOTHING])
        torch.manual_seed(1)
        expected = theirs(list(slices()), [{"boxes": LESION.float(), "labels": torch.ones(1, dtype=torch.int64)}])
        names = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")
        for ours_name, name in zip(LOSSES, names, strict=True):
            torch.testing.assert_close(ours[ours_name], expected[name], rtol=1e-4, atol=1e-6)

    def test_what_is_neither_is_not_learned_from(self):
        network, everywhere = made().eval(), torch.tensor([[-100.0, -100.0, 200.0, 200.0]])
        losses = network(slices(), [NOTHING], [everywhere])
        assert [value.item() for value in losses.values()] == [0.0] * 4
        sum(losses.values()).backward()
        anchors = network.rpn.anchors(torch.empty(1, 64, 4, 4), CPU)
        left = torch.tensor([[-100.0, -100.0, 30.0, 200.0]])
        (label,), _ = network.rpn.assign_targets_to_anchors([anchors], [{"boxes": LESION.float(), "neither": left}])
        assert (label == 1).any()  # a lesion stays one wherever it lies
        inside = lies_in(anchors, left)
        assert inside.any()
        assert not (label[inside] == 0).any()
        assert (label[~inside] == 0).any()
        boxes, labels, _ = network.head.drawn(
            [torch.tensor([[0.0, 0.0, 20.0, 20.0], [40.0, 0.0, 60.0, 20.0]])],
            [{"boxes": LESION.float(), "neither": left, "labels": torch.ones(1, dtype=torch.int64)}],
        )
        assert labels[0].tolist() == [0, 1]
        torch.testing.assert_close(boxes[0], torch.cat([torch.tensor([[40.0, 0.0, 60.0, 20.0]]), LESION.float()]))

    def test_so_many_are_drawn_as_are_said(self):
        torch.manual_seed(0)
        network = make_network(TINY, Sampling(boxes=16, positive_boxes=0.5, proposals=9)).eval()
        seen = []
        network.head.box_predictor.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        network(slices(2), [LESION, NOTHING], [NOTHING, NOTHING])
        assert seen[0] <= 2 * 9 + 1
        assert make_network(TINY).sampling.boxes == 128


class TestFreezing:
    def test_statistics_stay_and_nothing_of_them_learns(self):
        network = made()
        freeze(network, True, 2)
        before = copy.deepcopy(network.state_dict())
        optimiser = torch.optim.SGD([one for one in network.parameters() if one.requires_grad], lr=0.1)
        sum(network.train()(slices(), [LESION], [NOTHING]).values()).backward()
        optimiser.step()
        changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
        assert "backbone.layer2.0.conv1.weight" in changed
        assert "rpn.head.cls_logits.weight" in changed
        assert not any("bn" in name or "running" in name or "downsample.1" in name for name in changed)
        assert not any(name.startswith(("backbone.conv1", "backbone.layer1")) for name in changed)
        assert not copy.deepcopy(network).train().backbone.bn1.training
        assert network.training
        assert network.backbone.training

    @pytest.mark.parametrize("detector", [VGG, VGG_FRONT])
    def test_first_stages_of_vgg(self, detector):
        network = made(detector=detector, vgg_normalised=True)
        freeze(network, False, 2)
        network.train()
        frozen = [name for name, one in network.backbone.named_parameters() if not one.requires_grad]
        assert {int(name.split(".")[1]) for name in frozen} == {0, 1, 3, 4, 7, 8, 10, 11}
        assert [one.training for one in network.backbone.modules() if isinstance(one, nn.BatchNorm2d)][:5] == [
            False
        ] * 4 + [True]
        assert network.baseline.first.weight.requires_grad

    def test_more_stages_than_there_are(self):
        for detector, count in zip(DETECTORS, (0, 5, 4, 5), strict=True):
            network = made(detector=detector)
            freeze(network, False, count)
            with pytest.raises(ValueError, match=f"has {count} stages"):
                freeze(network, False, count + 1)


def test_parameters_of_the_papers_networks():
    with torch.device("meta"):
        counts = {name: parameter_count(make_network(LiverArchitecture(detector=name))) for name in DETECTORS}
    assert counts[BASELINE] == 896 + 9248 + 18496 + 36928 + 4 * 64 * 128**2 + 4
    assert counts[VGG] == counts[BASELINE] + 14_714_688 + 32 * 512 * 9
    assert counts["faster-rcnn"] == 23_508_032 + (1024 * 9 + 1) * 1024 + 1025 * 75 + 2049 * 10
