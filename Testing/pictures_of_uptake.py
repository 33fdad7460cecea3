"""Pictures of Lesion Detection with PET, and with what looks active in CT, for ``make_pictures.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pictures_in_slicer import PATIENCE_S, outlined, save_side_by_side, slice_view, take
from PIL import Image

PROJECTED_SEEDS = (424281, 424282, 424283, 424286)
"""Of phantoms that no model of ours learned from, nor was measured on."""


def pet_ct(app: Any, output: Path) -> None:
    """The sample PET/CT searched by SUV, with the PET over the CT; the method's settings."""
    from LesionDetectionLib.panel import sample_data

    sample_data.make(_pet_ct_sample(), app.scene)
    widget = app.load_module("LesionDetection")
    app.show(widget)
    panel, ui = widget.panel, widget.ui
    chosen = panel.context.parameters
    chosen.method, chosen.fusionShown = "active-pet-ct", True
    ui.clickSection.collapsed = True
    app.process_events()
    ui.detectButton.click()
    app.process_events(lambda: not panel.session.busy, PATIENCE_S)
    assert panel.session.results is not None, panel.session.message
    largest = max(panel.session.listed, key=lambda item: item.lesion.diameter_mm)
    panel.session.select(largest.id)
    app.process_events()
    take(app, widget, output / "pet-ct.png", height=1100)
    place = largest.lesion.center_ras_mm
    middle = (0.0, 0.0, place[2] - 40)
    views = [slice_view("Red", place, middle, 260), slice_view("Green", place, middle, 260)]
    save_side_by_side(views, output / "pet-ct-views.png")
    ui.settingsGroup.collapsed = False
    chosen.methodSettings = {"active-pet-ct": '{"rule": "percist"}'}
    app.process_events()
    take(app, widget, output / "settings.png", ui.detectSection)


def uptake(app: Any, output: Path) -> None:
    """Projections of a computer-made PET in the coronal view: a finding in the bladder, and after a click on the tumour's
    projection; the section of the panel then."""
    from LesionDetectionLib.core.progress import Progress
    from LesionDetectionLib.io.mrml import volume_node
    from LesionTrainingLib.cohorts.phantoms.phantom import maker, protocol_of

    make_case, _default = maker("pet")
    case = make_case(4, protocol_of("pet", "default", 4), Progress())
    pet = volume_node(app.scene, case.image)
    pet.SetName("PET phantom")
    pet.GetDisplayNode().SetWindowLevel(10, 5)
    widget = app.load_module("LesionDetection")
    app.show(widget)
    panel, ui = widget.panel, widget.ui
    panel.context.parameters.petVolume = pet
    app.process_events()
    ui.projectionsCheckBox.click()
    ui.clickButton.click()
    middle = case.image.geometry.ras_from_ijk((np.array(case.image.shape_kji[::-1]) - 1) / 2)
    node = app._layout.sliceWidget("Green").mrmlSliceNode()
    views = []
    for place in (case.landmarks["bladder"], case.lesions[0].center_ras_mm):
        depth = node.GetSliceToRAS().GetElement(1, 3)
        app.click_in_slice((place[0], depth, place[2]), "Green")
        app.process_events(lambda: not panel.session.busy, PATIENCE_S)
        app.process_events()
        (finding,) = panel.session.listed
        view = slice_view("Green", panel.click.place, middle, 820)
        views.append(outlined(view, node, finding.lesion.mask, case.image.geometry))
    path = output / "uptake.png"
    take(app, widget, path, ui.clickSection)
    views.append(Image.open(path).convert("RGB"))
    save_side_by_side(views, path)


def projections(app: Any, output: Path) -> None:
    """What the demonstration model makes of both projections of four computer-made PETs that it did not learn from."""
    from LesionDetectionLib.core.bundle import Bundle
    from LesionDetectionLib.core.detector import method
    from LesionDetectionLib.core.progress import Progress
    from LesionDetectionLib.core.resources import demonstration_model
    from LesionTrainingLib.cohorts.phantoms.phantom import maker, protocol_of
    from LesionTrainingLib.evaluation.output.tiles import sheet
    from LesionTrainingLib.reproduction.pet_weak.maps_kept import SeenMap
    from LesionTrainingLib.reproduction.pet_weak.pictures import LEGEND, WIDTH, Views, axial_union, both_views

    info = method("pet-weak")
    bundle = Bundle.open(demonstration_model(info.demonstration_model))
    detector, settings = info.create(bundle, "cpu"), info.default_settings(bundle)
    make_case, _default = maker("pet")
    tiles = []
    for seed in PROJECTED_SEEDS:
        case = make_case(seed, protocol_of("pet", "mixed", seed), Progress())
        found = detector.detect(case.images, settings, Progress())
        (values,) = found.maps.values()
        masks = [
            axial_union([one.mask for one in lesions], found.geometry) for lesions in (case.lesions, found.lesions)
        ]
        seen = SeenMap.of(values) if found.lesions else None
        tiles.append((case.label, both_views(Views.of(case.image), *masks, seen)))
    (output / "pet-weak.png").write_bytes(sheet(tiles, len(tiles), WIDTH, LEGEND))


def similarity(app: Any, output: Path) -> None:
    """Some slices of a CT searched for what looks active: the map over the CT, and its thresholds. The patient is that of the
    sample PET/CT, scanned as the model wants it."""
    from LesionDetectionLib.core.progress import Progress
    from LesionDetectionLib.io.mrml import volume_node
    from LesionTrainingLib.cohorts.phantoms.phantom import maker, protocol_of

    sample = _pet_ct_sample()
    make_case, _default = maker(sample.anatomy)
    case = make_case(sample.seed, protocol_of(sample.anatomy, "chest", sample.seed), Progress())
    ct = volume_node(app.scene, case.image)
    ct.SetName("PET/CT phantom CT")
    place = max(case.lesions, key=lambda lesion: lesion.diameter_mm).center_ras_mm
    widget = app.load_module("LesionDetection")
    app.show(widget)
    panel, ui = widget.panel, widget.ui
    chosen = panel.context.parameters
    roi = app.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "slices")
    roi.SetCenter(0, 0, place[2])
    roi.SetSize(600, 600, 40)
    chosen.petVolume, chosen.method, chosen.roi = None, "high-uptake-ct", roi
    chosen.region = type(chosen.region).INSIDE
    app.process_events()
    assert not panel.detect.why_not(), panel.detect.why_not()
    ui.detectButton.click()
    app.process_events(lambda: not panel.session.busy, PATIENCE_S)
    assert panel.session.results is not None, panel.session.message
    chosen.mapShown = False
    app.process_events()
    ct.GetDisplayNode().SetWindowLevel(1500, -500)
    views = [slice_view("Red", place, (0.0, 0.0, place[2]), 260, background=ct)]
    chosen.mapShown = True
    ui.nextButton.click()
    app.process_events()
    views.append(slice_view("Red", place, (0.0, 0.0, place[2]), 260))
    save_side_by_side(views, output / "similarity.png")
    take(app, widget, output / "similarity-controls.png", ui.findingsSection, height=1100)


def _pet_ct_sample() -> Any:
    from LesionDetectionLib.panel import sample_data

    return next(one for one in sample_data.SAMPLES if one.anatomy == "pet-ct")


SUBJECTS = {"pet-ct": pet_ct, "uptake": uptake, "projections": projections, "similarity": similarity}
