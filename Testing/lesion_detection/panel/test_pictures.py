"""The panel as a person sees it; ``LESION_PICTURES=folder`` keeps the pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from .conftest import chest_image

SIZE = (460, 1180)


@pytest.fixture
def picture(slicer_app, widget, tmp_path):
    """``picture("name")`` draws the panel in a light and in a dark theme and looks whether something is on it."""
    folder = Path(os.environ.get("LESION_PICTURES", tmp_path))

    def draw(name: str, size: tuple[int, int] = SIZE) -> None:
        for theme, dark in (("light", False), ("dark", True)):
            path = slicer_app.picture(widget, folder / f"detection_{name}_{theme}.png", size, dark=dark)
            assert len(np.unique(colors(path))) > 50

    return draw


def colors(path: Path) -> np.ndarray:
    from PIL import Image

    rgb = np.asarray(Image.open(path).convert("RGB"), dtype=np.int32)
    return rgb[..., 0] * 65536 + rgb[..., 1] * 256 + rgb[..., 2]


def test_before_anything_is_loaded(picture):
    picture("empty", (460, 790))


def test_while_it_detects(picture, ui, ct, engine):
    ui.detectButton.click()
    engine.go_on(0.37, "Screening the lungs")
    picture("running", (460, 790))


def test_with_findings(picture, panel, ui, detected):
    ui.operatingSlider.setValue(ui.operatingSlider.maximum)
    panel.session.set_threshold(0.12)
    ui.nextButton.click()
    ui.acceptButton.click()
    ui.nextButton.click()
    ui.nextButton.click()
    ui.showRejectedCheckBox.setChecked(True)
    ui.rejectButton.click()
    ui.nextButton.click()
    ui.previousButton.click()
    picture("findings")


def test_all_sections_open(picture, ui, detected):
    for section in (ui.exportSection, ui.followUpSection, ui.modelsSection):
        section.collapsed = False
    picture("all", (460, 1700))


def test_with_a_pet(slicer_app, picture, panel, ui, ct):
    from LesionDetectionLib.core.image import BQ_PER_ML, PET
    from LesionDetectionLib.io.mrml import volume_node

    image = chest_image()
    pet = image.with_voxels((image.voxels + 1000.0) * 10, modality=PET, unit=BQ_PER_ML, name="PET")
    node = volume_node(slicer_app.scene, pet)
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    panel.context.parameters.petVolume = node
    ui.fusionCheckBox.setChecked(True)
    ui.regionComboBox.setCurrentIndex(1)
    ui.methodText.linkActivated.emit("limits")
    ui.clickButton.click()
    picture("pet", (460, 1080))


def test_two_diameters_drawn(slicer_app, picture, panel, ui, ct, engine):
    from dataclasses import replace

    from .conftest import CENTERS, clicked_lesion

    (r, a, s), radius = CENTERS[0], 6.0
    for section in (ui.imagesSection, ui.detectSection):
        section.collapsed = True
    ui.diametersGroup.collapsed = False
    ui.drawDiametersButton.click()
    for end in ((r - radius, a, s), (r + radius, a, s), (r, a - radius, s), (r, a + radius, s)):
        slicer_app.click_in_slice(end)
    picture("diameters", (460, 700))
    ui.outlineButton.click()
    note = "GrabCut: inside and outside differ by 40 HU; the ellipse would be 8 % larger. Carried through 7 slices."
    engine.finish(replace(clicked_lesion(), method="recist", note=note))
    picture("outlined", (460, 700))


def test_a_follow_up(slicer_app, picture, panel, ui, detected, engine):
    from dataclasses import replace

    from LesionDetectionLib.io.mrml import volume_node

    from .conftest import CENTERS, SCORES, ball, found_in

    later = replace(chest_image(), name="chest, later")
    panel.context.parameters.ctVolume = volume_node(slicer_app.scene, later)
    ui.detectButton.click()
    lesions = (ball(later, CENTERS[0], 4.0, SCORES[0]), ball(later, CENTERS[1], 4.5, 0.9))
    engine.finish(replace(found_in(later), lesions=lesions))
    for section in (ui.imagesSection, ui.detectSection, ui.clickSection, ui.findingsSection):
        section.collapsed = True
    ui.followUpSection.collapsed = False
    ui.alignComboBox.setCurrentIndex(1)
    ui.compareButton.click()
    picture("follow_up", (460, 700))
