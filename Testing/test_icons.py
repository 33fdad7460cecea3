"""The icons are of the size that Slicer and its Extension Manager want, and stand out from a light and a dark theme."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parent.parent
ICONS = (
    "LesionDetection/Resources/Icons/LesionDetection.png",
    "LesionTraining/Resources/Icons/LesionTraining.png",
    "Resources/LesionDetectionExtension.png",
)
THEMES = {"light": (239, 239, 239), "dark": (50, 50, 50)}


@pytest.mark.parametrize("path", ICONS)
def test_size(path):
    with Image.open(REPOSITORY / path) as icon:
        assert (icon.size, icon.mode) == ((128, 128), "RGBA")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("path", ICONS)
def test_at_22_points_it_stands_out_from_the_theme(path, theme):
    with Image.open(REPOSITORY / path) as icon:
        small = icon.resize((22, 22), Image.Resampling.LANCZOS)
    drawn = Image.new("RGBA", small.size, THEMES[theme])
    drawn.alpha_composite(small)
    away = np.abs(np.asarray(drawn.convert("L"), dtype=float) - np.mean(THEMES[theme]))
    assert (away > 40).mean() > 0.3


@pytest.mark.parametrize(
    "name",
    [f"LesionDetection{kind}Phantom" for kind in ("Chest", "PetCt", "Body", "Pet")],
)
def test_a_sample_has_a_small_picture(name):
    path = REPOSITORY / "LesionDetection" / "Resources" / "Icons" / f"{name}.png"
    with Image.open(path) as picture:
        assert picture.size == (192, 144)
    assert path.stat().st_size < 40_000
