"""Windows by what an image is, and colours that can be told apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, MR, PET, SUV_BW, Image
from LesionDetectionLib.io.display import LUNG, SOFT_TISSUE, SUV, lesion_color, window_for


def image_of(values, modality="", unit=""):
    return Image(np.asarray(values).reshape(1, 1, -1), np.eye(4), modality=modality, unit=unit)


@pytest.mark.parametrize(
    ("values", "modality", "unit", "window"),
    [
        ([-1000, -800, -800, 40], CT, HU, LUNG),
        ([-1000, -1000, 40, 40], CT, HU, SOFT_TISSUE),
        ([-1000, -800, -800, 40], "", "", LUNG),
        ([0.0, 3.0], PET, SUV_BW, SUV),
        ([0.0, 3.0], "", SUV_BW, SUV),
    ],
)
def test_known_images_get_the_window_of_the_clinic(values, modality, unit, window):
    assert window_for(image_of(values, modality, unit)) == window


def test_other_images_get_their_own_range():
    window = window_for(image_of(np.linspace(0, 1000, 1001), MR))
    assert np.allclose((window.low, window.high), (10, 995), atol=16), "a sample of the values is enough"
    assert not window.inverted
    assert window_for(image_of(np.linspace(0, 1000, 1001), PET, BQ_PER_ML)).inverted


@pytest.mark.parametrize("values", [[np.nan, np.inf], [5.0, 5.0], [np.nan, -800.0, np.nan, -900.0]])
def test_odd_values_still_give_a_window(values):
    window = window_for(image_of(values))
    assert np.isfinite([window.low, window.high]).all()
    assert window.width > 0


def test_the_first_twenty_colours_differ_and_are_seen_on_dark_tissue():
    colors = np.array([lesion_color(rank) for rank in range(1, 21)])
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(colors, 2)) > 0.1
    assert (colors @ (0.2126, 0.7152, 0.0722)).min() > 0.32
    assert colors.min() >= 0
    assert colors.max() <= 1
