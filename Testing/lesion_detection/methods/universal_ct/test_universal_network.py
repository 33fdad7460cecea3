"""The network's geometry as the paper has it, its parts against torchvision's, and weights from elsewhere."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.methods.backbones.initial_weights import load_backbone
from LesionDetectionLib.methods.universal_ct.anchors import (
    anchor_boxes,
    anchor_shapes,
    anchors_at,
    decode,
    encode,
    level_anchors,
)
from LesionDetectionLib.methods.universal_ct.architecture import (
    ANCHORS,
    ATTENTION,
    DENSE,
    ORIGINAL,
    RESNET50,
    ROWS,
    VGG19,
    VGG19_BN,
    UniversalArchitecture,
    scaled,
)
from LesionDetectionLib.methods.universal_ct.backbones import make_backbone
from LesionDetectionLib.methods.universal_ct.dense import DenseBranch
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.pyramid import AttentionGate
from torch import nn

NARROW = {"base": 2, "pyramid": 4, "head": 6, "head_layers": 2, "dense_widths": (3, 2)}


def narrow(architecture, **changes):
    return dataclasses.replace(architecture, **{**NARROW, **changes})


@pytest.mark.parametrize("name", [VGG19, VGG19_BN, RESNET50])
def test_backbones_are_torchvision_s(name):
    """At full width, with the same weights: VGG-19 after each pooling; ResNet-50's first convolution and its four groups."""
    import torchvision

    # On the meta device no time goes into first weights, nor memory into the last layers, which are not run.
    with torch.device("meta"):
        other = getattr(torchvision.models, name)(weights=None).eval()
        own = make_backbone(name, 64).eval()
    other.requires_grad_(False)
    weights = {key: filled(key, value.shape) for key, value in own.state_dict().items()}
    left = {key.partition(".")[0] for key in set(other.state_dict()) - set(weights)}
    assert left == ({"fc"} if name == RESNET50 else {"classifier"})
    own.load_state_dict(weights, assign=True)
    assert other.load_state_dict(weights, strict=False, assign=True).unexpected_keys == []
    x = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for n, (one, two) in enumerate(zip(own(x), stages_of(other, x), strict=True)):
            assert one.shape == (1, own.widths[n], 64 // 2 ** (n + 1), 96 // 2 ** (n + 1))
            torch.testing.assert_close(one, two)
            assert one.abs().max() > 0.01
    assert own.widths == ((64, 256, 512, 1024, 2048) if name == RESNET50 else (64, 128, 256, 512, 512))


def filled(name, shape):
    """Weights as training leaves them: convolutions that keep the size of signals, statistics that differ."""
    if "num_batches" in name:
        return torch.tensor(1)
    generator = torch.Generator().manual_seed(len(name) + sum(shape))
    if len(shape) == 4:
        return torch.randn(shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
    return torch.rand(shape, generator=generator) + 0.5


def stages_of(other, x):
    """C1 to C5 of torchvision's network."""
    if hasattr(other, "layer1"):
        stages = [other.relu(other.bn1(other.conv1(x)))]
        x = other.maxpool(stages[0])
        for layer in (other.layer1, other.layer2, other.layer3, other.layer4):
            x = layer(x)
            stages.append(x)
        return stages
    stages = []
    for layer in other.features:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            stages.append(x)
    return stages


@pytest.mark.parametrize("row", list(ROWS))
def test_levels_and_outputs_of_each_row(row):
    """P2 to P6 have strides 4 to 64, P3 to P7 8 to 128; one logit and four offsets an anchor; a mask of the input's pixels."""
    architecture = narrow(ROWS[row])
    torch.manual_seed(0)
    network = UniversalNetwork(architecture).eval()
    x = torch.randn(2, 3, 128, 256)
    with torch.inference_mode():
        features, outputs = network.features(x), network(x)
    strides = (8, 16, 32, 64, 128) if row in (ORIGINAL, ANCHORS) else (4, 8, 16, 32, 64)
    assert architecture.strides == strides
    assert [tuple(level.shape) for level in features.levels] == [(2, 4, 128 // s, 256 // s) for s in strides]
    places = sum(128 // s * (256 // s) for s in strides)
    per_place = 9 if row == ORIGINAL else 15
    assert architecture.anchors == per_place
    assert outputs.logits.shape == (2, places * per_place)
    assert outputs.deltas.shape == (2, places * per_place, 4)
    assert len(anchor_boxes(architecture, 128, 256)) == places * per_place
    if row in (DENSE, ATTENTION):
        assert outputs.mask.shape == (2, 128, 256)
    else:
        assert outputs.mask is None
    assert len(network.pyramid.gate) == (3 if row == ATTENTION else 0)


def test_the_rows_of_table_1():
    """Each has what the one before has, and one thing more; the heads move to P2 with the dense supervision (section 2.2)."""
    assert list(ROWS) == [ORIGINAL, ANCHORS, DENSE, ATTENTION]
    original, anchors, dense, attention = ROWS.values()
    assert original.scales == pytest.approx((1, 2 ** (1 / 3), 2 ** (2 / 3)))
    assert sorted(original.ratios) == [0.5, 1, 2]
    assert anchors.scales == (0.425, 0.540, 0.680)
    assert sorted(anchors.ratios) == pytest.approx(sorted([1 / 3.27, 1 / 1.78, 1, 1.78, 3.27]))
    assert anchors == dataclasses.replace(original, scales=anchors.scales, ratios=anchors.ratios)
    assert dense == dataclasses.replace(anchors, dense=True, lowest=2)
    assert attention == dataclasses.replace(dense, attention=True) == UniversalArchitecture()
    for row in ROWS.values():
        assert (row.backbone, row.base, row.pyramid, row.head, row.head_layers) == (VGG19, 64, 256, 256, 4)
        assert row.sizes == (32, 64, 128, 256, 512)
        assert row.problem() == ""


def test_full_size_layers():
    """On the meta device, without memory."""
    with torch.device("meta"):
        network = UniversalNetwork(UniversalArchitecture())
    for head in (network.classification, network.regression):
        layers = [layer for layer in head.layers if isinstance(layer, nn.Conv2d)]
        assert [(c.in_channels, c.out_channels, c.kernel_size) for c in layers] == [(256, 256, (3, 3))] * 4
        assert sum(isinstance(layer, nn.ReLU) for layer in head.layers) == 4
    assert network.classification.last.out_channels == 15
    assert network.regression.last.out_channels == 60
    assert [c.in_channels for c in network.pyramid.lateral] == [128, 256, 512, 512]
    (coarsest,) = network.pyramid.coarser
    assert (coarsest.in_channels, coarsest.kernel_size, coarsest.stride) == (512, (3, 3), (2, 2))
    dense = network.dense
    assert (dense.skip_half.in_channels, dense.skip_half.out_channels, dense.skip_half.kernel_size) == (64, 64, (1, 1))
    skips = [layer for layer in dense.skip_full if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in skips] == [(3, 32, (3, 3)), (32, 32, (3, 3))]
    assert sum(isinstance(layer, nn.Conv2d) and layer.out_channels == 1 for layer in dense.modules()) == 1


def test_before_the_first_step_every_anchor_and_pixel_has_a_probability_of_about_a_hundredth():
    torch.manual_seed(0)
    network = UniversalNetwork(narrow(UniversalArchitecture(), backbone=VGG19_BN, base=8, pyramid=16, head=16)).eval()
    for last in (network.classification.last, network.dense.mask):
        torch.testing.assert_close(torch.sigmoid(last.bias), torch.full_like(last.bias, 0.01))
    with torch.inference_mode():
        outputs = network(torch.rand(1, 3, 64, 64) * 2 - 1)
    assert 0.005 < torch.sigmoid(outputs.logits).mean() < 0.02


def test_every_parameter_is_of_use():
    """None is left without a gradient by what the outputs depend on."""
    torch.manual_seed(0)
    network = UniversalNetwork(narrow(UniversalArchitecture()))
    outputs = network(torch.randn(1, 3, 64, 64))
    (outputs.logits.sum() + outputs.deltas.sum() + outputs.mask.sum()).backward()
    assert [name for name, one in network.named_parameters() if one.grad is None] == []


def test_an_output_belongs_to_its_anchor():
    """A head that sees only its own place: a bright place makes a response at the anchors of that place alone."""
    architecture = narrow(UniversalArchitecture(), head_layers=1)
    network = UniversalNetwork(architecture).eval()
    head = network.classification
    with torch.no_grad():
        for layer in (head.layers[0], head.last):
            layer.weight.zero_()
            layer.weight[:, 0, 1, 1] = 1
            layer.bias.zero_()
        for level, stride in enumerate(architecture.strides):
            places = torch.zeros(1, 4, 128 // stride, 192 // stride)
            y, x = (128 // stride) // 2, (192 // stride) - 1
            places[0, 0, y, x] = 1
            logits = [
                network.classify(places if n == level else torch.zeros(1, 4, 128 // s, 192 // s))
                for n, s in enumerate(architecture.strides)
            ]
            hit = anchor_boxes(architecture, 128, 192)[torch.cat(logits, dim=1)[0] > 0]
            assert len(hit) == 15
            torch.testing.assert_close(
                (hit[:, :2] + hit[:, 2:]) / 2, torch.tensor([[(x + 0.5) * stride, (y + 0.5) * stride]]).expand(15, 2)
            )


@pytest.mark.parametrize("size", [32.0, 512.0])
def test_anchors_keep_their_area_and_ratio(size):
    architecture = UniversalArchitecture()
    shapes = anchor_shapes(architecture, size)
    wanted = [(scale, ratio) for scale in architecture.scales for ratio in architecture.ratios]
    for (width, height), (scale, ratio) in zip(shapes.tolist(), wanted, strict=True):
        assert width * height == pytest.approx((size * scale) ** 2, rel=1e-5)
        assert height / width == pytest.approx(ratio, rel=1e-5)


def test_anchors_of_an_input_cover_it_evenly():
    architecture = ROWS[ORIGINAL]
    boxes = anchor_boxes(architecture, 128, 256)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    torch.testing.assert_close(centers.mean(dim=0), torch.tensor([128.0, 64.0]))
    first = boxes[: 16 * 32 * 9].reshape(16, 32, 9, 4)
    torch.testing.assert_close(first[3, 5, 0], first[0, 0, 0] + torch.tensor([40.0, 24, 40, 24]))


def test_some_anchors_are_those_of_the_list():
    every = level_anchors(ROWS[ATTENTION], 1, 64, 128)
    which = torch.tensor([[0, 14, 15], [77, len(every) - 1, 3]])
    assert torch.equal(anchors_at(ROWS[ATTENTION], 1, 128, which), every[which])


edges = st.tuples(st.floats(-300, 600), st.floats(-300, 600), st.floats(1, 500), st.floats(1, 500))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(edges, edges), min_size=1, max_size=8))
def test_boxes_come_back_from_their_offsets(pairs):
    def box(x, y, width, height):
        return [x, y, x + width, y + height]

    boxes = torch.tensor([box(*one) for one, _ in pairs], dtype=torch.float64)
    anchors = torch.tensor([box(*other) for _, other in pairs], dtype=torch.float64)
    # Sides of more than 62 times the anchor's are cut off.
    fits = ((boxes[:, 2:] - boxes[:, :2]) <= 62 * (anchors[:, 2:] - anchors[:, :2])).all(dim=1)
    torch.testing.assert_close(decode(encode(boxes, anchors), anchors)[fits], boxes[fits], rtol=0, atol=1e-6)
    torch.testing.assert_close(encode(anchors, anchors), torch.zeros_like(anchors), rtol=0, atol=1e-9)


def test_offsets_by_hand():
    """A box twice as wide, moved by half the anchor's width and a quarter of its height."""
    anchor, box = torch.tensor([10.0, 10, 30, 50]), torch.tensor([10.0, 20, 50, 60])
    torch.testing.assert_close(encode(box, anchor), torch.tensor([0.5, 0.25, math.log(2), 0.0]))


def test_an_attention_gate_is_a_share_of_what_comes_through():
    """alpha = sigmoid(psi(ReLU(theta x + phi g))), one map for all channels."""
    torch.manual_seed(0)
    gate = AttentionGate(6)
    x, g = torch.randn(2, 6, 5, 4), torch.randn(2, 6, 5, 4)
    mixed = torch.einsum("oc,ncyx->noyx", gate.theta.weight[:, :, 0, 0], x)
    mixed += torch.einsum("oc,ncyx->noyx", gate.phi.weight[:, :, 0, 0], g) + gate.phi.bias[:, None, None]
    alpha = torch.sigmoid((gate.psi.weight[0, :, 0, 0, None, None] * mixed.relu()).sum(dim=1) + gate.psi.bias)
    torch.testing.assert_close(gate(x, g), x * alpha[:, None])
    assert {layer.kernel_size for layer in gate.modules() if isinstance(layer, nn.Conv2d)} == {(1, 1)}


def test_the_mask_branch_reaches_from_p2_to_the_pixels():
    """Three ways in: P2, C1 and the input, each of which changes the mask."""
    torch.manual_seed(0)
    architecture = narrow(UniversalArchitecture())
    branch = DenseBranch(2, architecture).eval()
    inputs = [torch.randn(1, 4, 16, 16), torch.randn(1, 2, 32, 32), torch.randn(1, 3, 64, 64)]
    with torch.inference_mode():
        plain = branch(*inputs)
        assert plain.shape == (1, 64, 64)
        for n in range(3):
            changed = branch(*[2 * one if m == n else one for m, one in enumerate(inputs)])
            assert not torch.equal(changed, plain)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"backbone": "alexnet"}, "no backbone"),
        ({"lowest": 3}, "a mask needs"),
        ({"lowest": 1, "dense": False}, "must be 2 or 3"),
        ({"ratios": ()}, "a scale and a ratio"),
        ({"sizes": (32.0,)}, "5 sizes"),
        ({"scales": (0.0,)}, "above 0"),
        ({"head": 0}, "at least 1"),
    ],
)
def test_architectures_that_cannot_be_built(changes, told):
    architecture = narrow(UniversalArchitecture(), **changes)
    assert told in architecture.problem()
    with pytest.raises(ValueError, match=told):
        UniversalNetwork(architecture)


def test_widths_scale_and_anchors_stay():
    half = scaled(UniversalArchitecture(), 0.5)
    assert (half.base, half.pyramid, half.head, half.dense_widths) == (32, 128, 128, (32, 16))
    assert (half.scales, half.ratios, half.sizes, half.head_layers) == (
        UniversalArchitecture().scales,
        UniversalArchitecture().ratios,
        UniversalArchitecture().sizes,
        4,
    )
    assert scaled(half, 1e-6).base == 1


@pytest.fixture
def small(tmp_path):
    """``small(changes)``: a backbone of ours, and a file of other weights for it."""
    from safetensors.torch import save_file

    def make(change=lambda weights: weights, name=VGG19_BN):
        torch.manual_seed(1)
        given = {key: value.clone() for key, value in make_backbone(name, 2).state_dict().items()}
        save_file(change(given), tmp_path / "weights.safetensors")
        torch.manual_seed(2)
        return make_backbone(name, 2), given, tmp_path / "weights.safetensors"

    return make


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights,
        # The whole classifier's last layers; and features that were saved alone.
        lambda weights: {**weights, "classifier.0.weight": torch.zeros(3), "fc.bias": torch.zeros(2)},
        lambda weights: {name.removeprefix("features."): value for name, value in weights.items()},
        lambda weights: {name: value for name, value in weights.items() if "num_batches" not in name},
    ],
)
def test_weights_from_elsewhere(small, change):
    backbone, given, path = small(change)
    load_backbone(backbone, path)
    for name, value in backbone.state_dict().items():
        if "num_batches" not in name:
            torch.testing.assert_close(value, given[name], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: {name: v for name, v in w.items() if name != "features.0.weight"}, "has no “features.0.weight”"),
        (lambda w: {**w, "features.0.weight": torch.zeros(64, 3, 3, 3)}, "need the full width"),
        (lambda w: {**w, "features.0.bias": torch.full((2,), torch.nan)}, "not numbers"),
    ],
)
def test_files_that_do_not_fit_change_nothing(small, change, told):
    backbone, _, path = small(change)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    with pytest.raises(InputError, match=told):
        load_backbone(backbone, path)
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_no_file_of_weights_can_run_code(tmp_path):
    torch.save(make_backbone(VGG19, 2).state_dict(), tmp_path / "vgg19.pth")
    for name in ("vgg19.pth", "missing.safetensors"):
        with pytest.raises(InputError, match="must be a safetensors file"):
            load_backbone(make_backbone(VGG19, 2), tmp_path / name)
