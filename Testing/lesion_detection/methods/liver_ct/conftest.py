"""A body with a box that is said to be its liver, a bundle of this method, and an engine that marks what is bright in it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.liver import Liver
from LesionDetectionLib.methods.liver_ct.architecture import LiverArchitecture
from LesionDetectionLib.methods.liver_ct.boxes import SliceBoxes
from LesionDetectionLib.methods.liver_ct.detector import LiverDetector

SIZE_PX = 64
TINY = LiverArchitecture(input_px=SIZE_PX, widths=(2, 2, 2, 2), vgg_base=2, resnet_base=4, roi_px=4)
LIMIT = 0.0
"""Of the input: 50 HU in the method's window; the balls of 150 HU and more lie in fat of -100 HU."""
BALLS_MM = ((20.0, 8.0, 10.0, 16.0, 150.0), (-26.0, -10.0, -8.0, 11.0, 200.0))
"""Right, anterior, superior, diameter, HU. The second one is the brighter."""


class BrightEngine:
    """Marks what is bright in the slice in the middle, where it may: a box 5 pixels around each part, the more probable the
    brighter; or one box around all of it, whatever is asked, as the single-box networks do.

    Attributes:
        inputs, limits, within: of every run.
    """

    def __init__(self, boxes_around, single_box=False):
        self.boxes_around, self.single_box = boxes_around, single_box
        self.inputs, self.limits, self.within = [], [], []

    def run(self, inputs, limits, within=None):
        self.inputs.append(inputs)
        self.limits.append(limits)
        self.within.append(within)
        return [self.of_slice(planes[1], limits, within and within[n]) for n, planes in enumerate(inputs)]

    def of_slice(self, plane, limits, within):
        boxes, probability = self.boxes_around(plane, LIMIT, 5.0, limits)
        if self.single_box:
            whole = np.array([[10.0, 10.0, 30.0, 30.0]])
            return SliceBoxes(whole if not len(boxes) else boxes[:1], np.ones(1))
        if within is not None:
            x0, y0, x1, y1 = within
            x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
            inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
            boxes, probability = boxes[inside], probability[inside]
        return SliceBoxes(boxes, probability)


def manifest(architecture=TINY, **changes) -> Manifest:
    plain = Manifest(
        method="liver-ct",
        name="tiny",
        version="1",
        architecture=dataclasses.asdict(architecture),
        settings={
            "liver_settings": {"size_px": SIZE_PX},
            "operating_points": {"balanced": 0.6, "sensitive": 0.1},
            "default_operating_point": "balanced",
        },
        training={"data": "none"},
        trained_on_phantoms=True,
    )
    return dataclasses.replace(plain, **changes)


@pytest.fixture(scope="session")
def described():
    """``described(architecture, manifest entries)``: a manifest."""
    return manifest


@pytest.fixture(scope="module")
def a_bundle(tmp_path_factory):
    """``a_bundle(weights, architecture, manifest entries)``: opened from disk, as users have it."""
    folder = tmp_path_factory.mktemp("bundle")

    def make(weights=None, architecture=TINY, settings=None, **entries) -> Bundle:
        if settings is not None:
            entries["settings"] = {**manifest().settings, **settings}
        weights = {"nothing": np.zeros(1, np.float32)} if weights is None else weights
        write_bundle(folder / "it", manifest(architecture, **entries), weights, "card", overwrite=True)
        return Bundle.open(folder / "it")

    return make


@pytest.fixture(scope="module")
def bright_engine(bright_boxes):
    """``bright_engine(single_box)``."""
    return lambda single_box=False: BrightEngine(bright_boxes, single_box)


@pytest.fixture(scope="module")
def with_engine(a_bundle):
    """``with_engine(engine)``: a detector that asks this one, of a kind that fits it."""
    import torch

    bundle = a_bundle()

    def make(engine, **changes):
        detector = "baseline" if engine.single_box else "faster-rcnn"
        architecture = dataclasses.replace(TINY, detector=detector, **changes)
        return LiverDetector(bundle, torch.device("cpu"), architecture, engine)

    return make


@pytest.fixture(scope="module")
def body(make_body):
    return make_body(BALLS_MM, fat=-100.0)


@pytest.fixture(scope="session")
def a_liver():
    """``a_liver(image, low, high)``: a box in RAS mm that is said to be the liver."""

    def make(image, low, high) -> Liver:
        axial = to_axial(image)
        coarse = resample(axial, (4.0, 4.0, 4.0)).geometry
        k, j, i = np.indices(coarse.shape_kji)
        places = coarse.ras_from_ijk(np.stack([i, j, k], axis=-1).reshape(-1, 3))
        mask = ((places >= low) & (places <= high)).all(axis=1).reshape(coarse.shape_kji)
        return Liver(mask, coarse, axial.geometry, 110.0)

    return make


@pytest.fixture(scope="session")
def make_slices():
    """``make_slices(count, (height, width))``: noise."""
    return lambda count=1, size=(128, 192): (
        np.random.default_rng(1).uniform(-1, 1, (count, 3, *size)).astype(np.float32)
    )


@pytest.fixture(scope="session")
def networks(make_slices):
    """``networks(architecture)``: random weights, in evaluation mode; the same one each time, so not to be changed."""
    import torch
    from LesionDetectionLib.methods.liver_ct.network import FasterRcnn, make_network

    made = {}

    def get(architecture=TINY):
        if architecture not in made:
            torch.manual_seed(0)
            made[architecture] = make_network(architecture).requires_grad_(False)
            if isinstance(made[architecture], FasterRcnn):
                spread(made[architecture], torch.from_numpy(make_slices(2)))
            made[architecture].eval()
        return made[architecture]

    return get


def spread(network, slices) -> None:
    """Faster R-CNN whose results differ from place to place as a trained one's do: logits of a deviation of 2 and 1, offsets of
    some tenths of a box."""
    import torch

    head, last, found = network.rpn.head, network.head.box_predictor, []
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
            # With random residuals of weight 1 rounding grows by a third from block to block, which training undoes.
            layer.weight.fill_(0.2 if name.endswith("bn3") else 1.0)
    c4 = network.train().features(slices)
    boxes = [torch.tensor([[20.0, 20.0, 60.0, 70.0], [90.0, 50.0, 190.0, 120.0], [3.0, 100.0, 30.0, 120.0]])] * 2
    hook = last.cls_score.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    network.judge(c4, boxes)
    hook.remove()
    layers = ((head.conv[0][0], 1.0), (head.cls_logits, 2.0), (head.bbox_pred, 0.3), (last.cls_score, 1.0))
    for layer, deviation in (*layers, (last.bbox_pred, 1.0)):
        given = c4 if layer is head.conv[0][0] else found[0] if isinstance(layer, torch.nn.Linear) else head.conv(c4)
        layer.weight.normal_()
        layer.bias.zero_()
        results = layer(given).movedim(1, -1).flatten(0, -2)
        scale = deviation / results.std(dim=0).mean()
        layer.weight.mul_(scale)
        layer.bias.copy_(-results.mean(dim=0) * scale)
