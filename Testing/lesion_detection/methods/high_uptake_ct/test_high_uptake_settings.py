"""Settings, thresholds by operating point, and the network in a bundle."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import BundleError, UsageError
from LesionDetectionLib.methods.high_uptake_ct.model import load_network, weights_of
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture, PatchNetwork
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings, settings_for, thresholds_for


@pytest.mark.parametrize(
    ("given", "threshold", "area", "name"),
    [
        ({}, 0.2, 12, "verified"),
        ({"operating_point": "verified"}, 0.2, 12, "verified"),
        ({"operating_point": "every candidate"}, 0.0, 0, "every candidate"),
        ({"operating_point": "0"}, 0.0, 12, "chosen score"),
        ({"operating_point": "0.35", "least_response": 0.5}, 0.35, 12, "chosen score"),
        ({"operating_point": "every candidate", "least_response": 0.5}, 0.0, 0, "every candidate"),
        ({"least_response": 0.2}, 0.2, 12, "verified"),
        ({"least_response": 0.5}, 0.5, 12, "chosen response"),
        ({"least_response": 0.5, "least_area_px": 3}, 0.5, 3, "chosen response"),
    ],
)
def test_thresholds(a_bundle, given, threshold, area, name):
    """The chosen point wins over T_R of the settings, that over the model's default; only one point drops T_S, too."""
    bundle = a_bundle(settings={"high_uptake_settings": {"least_area_px": 12}})
    point, found = thresholds_for(bundle, dataclasses.replace(settings_for(bundle), **given))
    assert (point.threshold, point.name) == (threshold, name)
    assert (found.least_response, found.least_area_px) == (threshold, area)


@pytest.mark.parametrize(("given", "text"), [("loose", "no operating point “loose”"), ("1.5", "T_R"), ("-0.1", "T_R")])
def test_thresholds_that_are_none(a_bundle, given, text):
    with pytest.raises(UsageError, match=text):
        thresholds_for(a_bundle(), HighUptakeSettings(operating_point=given))


def test_settings_of_a_bundle(a_bundle):
    assert settings_for(None) == HighUptakeSettings()
    assert settings_for(a_bundle()).hull_margin_mm == 0.0
    for wrong, text in [
        ({"colour": 1}, "“colour” is not known"),
        ({"spacing_mm": [1, 1]}, "“spacing_mm” cannot be"),
        ({"spacing_mm": [0.01, 1, 1]}, "not between"),
        ({"spacing_mm": [0, -1, 1]}, "not between"),
        ({"normalisation": "8-bit"}, "normalisation"),
        ({"window_hu": [400, -1000]}, "does not rise"),
        ({"hull_margin_mm": -1}, "cannot be negative"),
        ({"least_area_px": -1}, "cannot be negative"),
        ({"least_response": 1.5}, "T_R"),
        ({"least_shared": 2}, "share of two blobs"),
        ({"most_lesions": 0}, "At least one"),
        ({"most_candidates": 0}, "At least one"),
        ({"slices_mm": [3, 1]}, "“slices_mm”"),
        ({"region_ras_mm": [[0, 0, 0], [1, 50, 50]]}, "at least 5 mm"),
        (["spacing_mm"], "no table"),
    ]:
        with pytest.raises(BundleError, match=text):
            settings_for(a_bundle(settings={"high_uptake_settings": wrong}))


def test_what_users_can_choose_are_settings():
    info = method("high-uptake-ct")
    fields = {field.name for field in dataclasses.fields(HighUptakeSettings)}
    assert {choice.name for choice in info.choices} | set(info.review_settings) | {"operating_point"} <= fields
    settings = dataclasses.replace(HighUptakeSettings(), **info.review_settings)
    assert settings.all_candidates
    for choice in info.choices:
        value = getattr(settings, choice.name)
        assert isinstance(value, bool) or choice.range[0] <= value <= choice.range[1]


def test_a_network_comes_back_from_its_bundle(a_bundle):
    torch.manual_seed(0)
    architecture = PatchArchitecture(filters=(2, 3), hidden=(5, 4), dropout=0.25)
    network = PatchNetwork(architecture)
    loaded = load_network(a_bundle(network=network, architecture=dataclasses.asdict(architecture)))
    assert loaded.architecture == architecture
    assert not loaded.training
    patches = torch.rand(3, 5, 75, 75)
    np.testing.assert_array_equal(loaded(patches), network.eval()(patches).detach())
    assert set(weights_of(loaded)) == set(weights_of(network))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda w: {k: v for k, v in w.items() if k != "conv2.weight"}, "conv2.weight is missing"),
        (lambda w: {**w, "fc3.bias": np.zeros(3, np.float32)}, r"fc3.bias has the shape \(3,\), not \(2,\)"),
        (lambda w: {**w, "optimizer.state": np.zeros(3)}, "also holds optimizer.state"),
        (lambda w: {**w, "fc3.bias": np.full(2, np.nan, np.float32)}, "not numbers"),
    ],
)
def test_weights_that_do_not_fit_are_refused(a_bundle, change, text):
    with pytest.raises(BundleError, match=text):
        load_network(a_bundle(change))


@pytest.mark.parametrize(
    ("architecture", "text"),
    [
        ({}, "conv1.weight has the shape"),
        ({"filter": [16, 48]}, "“filter” is not known"),
        ({"filters": [1, 2, 3]}, "“filters” cannot be"),
        ({"filters": [1, "x"]}, "“filters” cannot be"),
        ({"filters": [0, 1]}, "between 1 and"),
        ({"hidden": [1, 10**9]}, "between 1 and"),
        ({"dropout": 1.0}, "“dropout” cannot be 1.0"),
        ({"screening": {}}, "“screening” is not known"),
    ],
)
def test_architectures_of_another_kind_are_refused(a_bundle, architecture, text):
    with pytest.raises(BundleError, match=text):
        load_network(a_bundle(architecture=architecture))
