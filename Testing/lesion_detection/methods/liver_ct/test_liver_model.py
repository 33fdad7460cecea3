"""The network in a bundle: what goes in comes out, and what does not fit is refused before memory is taken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import BundleError
from LesionDetectionLib.methods.liver_ct.architecture import DETECTORS, LiverArchitecture
from LesionDetectionLib.methods.liver_ct.boxes import Limits
from LesionDetectionLib.methods.liver_ct.model import load_network, weights_of
from LesionDetectionLib.methods.liver_ct.network import FasterRcnn, make_network

TINY = LiverArchitecture(input_px=64, widths=(2, 2, 2, 2), vgg_base=2, resnet_base=2, roi_px=4)


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_comes_back(a_bundle, detector):
    architecture = dataclasses.replace(TINY, detector=detector, vgg_normalised=True)
    torch.manual_seed(1)
    again = make_network(architecture).eval()
    network = load_network(a_bundle(weights_of(again), architecture))
    assert network.architecture == architecture
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    inputs = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        if isinstance(again, FasterRcnn):
            ((boxes, _),), ((others, _),) = (one.find(inputs, Limits(proposals=5)) for one in (network, again))
        else:
            boxes, others = network(inputs), again(inputs)
    assert len(boxes) > 0
    torch.testing.assert_close(boxes, others, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"resnet_base": 10**6}, "widths must lie between 1 and 4096"),
        ({"widths": [2, 2, 2, 0]}, "widths must lie"),
        ({"widths": [2, 2, 2]}, "“widths” cannot be"),
        ({"input_px": 10**6}, "sides must lie"),
        ({"roi_px": 0}, "sides must lie"),
        ({"detector": "yolo"}, "no detector “yolo”"),
        ({"front_block": 5}, "must be 2, 3 or 4"),
        ({"sizes": [16.0] * 17}, "more than 16"),
        ({"sizes": []}, "a size and a ratio"),
        ({"ratios": [1.0, -1.0]}, "above 0"),
        ({"roi_pooling": "mean"}, "no pooling of regions"),
        ({"depth": 3}, "“depth” is not known"),
    ],
)
def test_architectures_that_cannot_be(a_bundle, changed, told):
    bundle = a_bundle(architecture=TINY)
    described = dataclasses.replace(bundle.manifest, architecture={**dataclasses.asdict(TINY), **changed})
    with pytest.raises(BundleError, match=told):
        load_network(dataclasses.replace(bundle, manifest=described))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda w: {name: a for name, a in w.items() if name != "rpn.head.cls_logits.bias"},
            "cls_logits.bias is missing",
        ),
        (lambda w: {**w, "extra": np.zeros(1, np.float32)}, "also holds extra"),
        (lambda w: {**w, "backbone.bn1.bias": np.zeros(3, np.float32)}, "has the shape"),
        (lambda w: {**w, "backbone.bn1.bias": np.full(2, np.nan, np.float32)}, "not numbers"),
    ],
)
def test_weights_that_do_not_fit(a_bundle, change, told):
    with pytest.raises(BundleError, match=told):
        load_network(a_bundle(change(weights_of(make_network(TINY))), TINY))
