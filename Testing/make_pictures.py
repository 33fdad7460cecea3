"""The pictures of the documentation: both panels, at work, on the strict double of Slicer; the viewer and reports in a browser.

``python Testing/make_pictures.py [--output FOLDER] [--only NAME ...]``. Everything in them is done by the program itself, by its
own worker process: the sample phantom is searched, phantoms are imported as DICOM and a small model is trained. Takes minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pictures_in_browser
from PIL import Image

TESTING = Path(__file__).resolve().parent
REPOSITORY = TESTING.parent
LISTS = REPOSITORY.parent / "shared" / "slicer-api" / "slicer-5.8.1.json"
WIDTH = 470
VIEW = 360
COLORS = 256
OUTLINE = (230, 60, 40)
PATIENCE_S = 900
PROJECTED_SEEDS = (424281, 424282, 424283, 424286)
"""Of phantoms that no model of ours learned from, nor was measured on."""


@contextmanager
def a_slicer(lists: Path) -> Iterator[Any]:
    """The double, as a person uses it, with folders of its own for models and settings."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(TESTING))
    import pytest
    from slicer_double import api
    from slicer_double.slicer_app import running

    with tempfile.TemporaryDirectory() as folder:
        patch = pytest.MonkeyPatch()
        patch.chdir(folder)
        patch.setenv("LESION_MODELS", "SlicerLesionDetection/Models")  # as it is shown: no folder of this computer
        try:
            with running(api.load(lists), Path(folder), patch) as app:
                app.testing = False
                yield app
        finally:
            patch.undo()


def take(app: Any, widget: Any, path: Path, only: Any = None, height: int = 2400, dark: bool = False) -> None:
    """Draw a module's panel, or one part of it, cut off what is empty, and keep it small."""
    from PySide6 import QtCore
    from slicer_double.values import to_real

    app.picture(widget, path, (WIDTH, height), dark=dark)
    picture = Image.open(path).convert("RGB")
    if only is not None:
        part, top = to_real(only), to_real(widget.parent)
        corner = part.mapTo(top, QtCore.QPoint(0, 0))
        picture = picture.crop((corner.x(), corner.y(), corner.x() + part.width(), corner.y() + part.height()))
    pixels = np.asarray(picture, dtype=np.int16)
    drawn = np.flatnonzero((np.abs(pixels - pixels[-1, -1]).max(axis=2) > 8).any(axis=1))
    picture = picture.crop((0, max(int(drawn[0]) - 8, 0), picture.width, min(int(drawn[-1]) + 10, picture.height)))
    picture.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def slice_view(name: str, place: Any, middle: Any, millimetres: float, background: Any = None) -> Image.Image:
    """What a slice view blends of its layers at a place, by Slicer's own slice logic: without outlines and marks, as the double
    has no graphics.

    Args:
        place, middle: RAS mm; the slice goes through the first, the picture's middle lies at the second within it.
        millimetres: width and height of what is shown.
        background: volume to show there first.
    """
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    if background is not None:
        slicer.util.setSliceViewerLayers(background=background)
    view = slicer.app.layoutManager().sliceWidget(name)
    node, logic = view.mrmlSliceNode(), view.sliceLogic()
    node.SetDimensions(VIEW, VIEW, 1)
    node.SetFieldOfView(millimetres, millimetres, 1)
    node.JumpSliceByCentering(*(float(n) for n in middle))
    node.JumpSliceByOffsetting(*(float(n) for n in place))
    logic.UpdatePipeline()
    producer = logic.GetImageDataConnection().GetProducer()
    producer.Update()
    data = producer.GetOutputDataObject(0)
    width, height, _one = data.GetDimensions()
    pixels = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(height, width, -1)
    return Image.fromarray(np.ascontiguousarray(pixels[::-1, :, :3]))


def _save_side_by_side(pictures: list[Image.Image], path: Path, gap: int = 8) -> None:
    width = sum(one.width for one in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(one.height for one in pictures)), "white")
    x = 0
    for picture in pictures:
        sheet.paste(picture, (x, 0))
        x += picture.width + gap
    sheet.quantize(COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {sheet.width} x {sheet.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def detection(app: Any, output: Path) -> None:
    """The sample phantom searched and partly reviewed; a lesion measured by a click; export; models and set-up."""
    from LesionDetectionLib.panel import sample_data

    sample_data.make(sample_data.SAMPLES[0], app.scene)
    widget = app.load_module("LesionDetection")
    app.show(widget)
    panel, ui = widget.panel, widget.ui
    ui.detectButton.click()
    app.process_events(lambda: panel.session.job.fraction > 0.3, PATIENCE_S)
    take(app, widget, output / "detecting.png", ui.detectSection)
    app.process_events(lambda: not panel.session.busy, PATIENCE_S)
    assert panel.session.results is not None, panel.session.message
    for button in (ui.nextButton, ui.acceptButton, ui.nextButton, ui.acceptButton, ui.nextButton, ui.rejectButton):
        button.click()
    ui.showRejectedCheckBox.setChecked(True)
    ui.nextButton.click()
    app.process_events()
    take(app, widget, output / "detection.png", height=1230)
    take(app, widget, output / "findings.png", ui.findingsSection, height=1230)
    ui.exportSection.collapsed = False
    app.process_events()
    take(app, widget, output / "export.png", ui.exportSection)
    ui.modelsSection.collapsed = False
    app.process_events()
    take(app, widget, output / "models.png", ui.modelsSection)
    _click(app, widget, output)


def _click(app: Any, widget: Any, output: Path) -> None:
    """A click on a nodule of the phantom, with the mouse mode on."""
    panel, ui = widget.panel, widget.ui
    finding = panel.session.listed[0]
    panel.session.delete([finding.id])
    app.process_events()
    ui.clickButton.setChecked(True)
    panel.click.clicked(finding.lesion.center_ras_mm)
    app.process_events(lambda: not panel.session.busy, PATIENCE_S)
    app.process_events()
    take(app, widget, output / "click.png", ui.clickSection)


def diameters(app: Any, output: Path) -> None:
    """Two diameters drawn on the largest whole lesion of the sample body, and what is made of them: the section of the panel, and the
    key slice as a report shows it, without and with the outline."""
    from dataclasses import replace

    from LesionDetectionLib.app.pictures import lesion_picture
    from LesionDetectionLib.imaging.measurements import measure_mask
    from LesionDetectionLib.io.mrml import image_from_node
    from LesionDetectionLib.io.mrml_segments import masks_of
    from LesionDetectionLib.panel import sample_data

    sample = next(one for one in sample_data.SAMPLES if one.anatomy == "body")
    nodes, truth = sample_data.make(replace(sample, truth="True lesions"), app.scene)
    image = image_from_node(nodes["CT"])
    masks = masks_of(truth.segmentation, truth.segmentation.GetSegmentation().GetSegmentIDs(), image.geometry)
    measured = [measure_mask(image, mask) for mask in masks.values()]
    recist = max((one.recist for one in measured if not one.touches_border), key=lambda one: one.long_mm)
    for node in truth.all:
        app.scene.RemoveNode(node)
    widget = app.load_module("LesionDetection")
    app.show(widget)
    panel, ui = widget.panel, widget.ui
    ui.diametersGroup.collapsed = False
    ui.drawDiametersButton.click()
    for end in (*recist.long_axis_ras_mm, *recist.short_axis_ras_mm):
        app.click_in_slice(end)
    ui.outlineButton.click()
    app.process_events(lambda: not panel.session.busy, PATIENCE_S)
    assert panel.session.listed, panel.session.message
    app.process_events()
    path = output / "diameters.png"
    take(app, widget, path, ui.clickSection)
    planes = lesion_picture(image, panel.session.findings.as_detections(), 1)
    square = planes.shape[1] // 4 - 4
    axial = Image.fromarray(planes[-square:, : planes.shape[1] // 2])
    _save_side_by_side([Image.open(path).convert("RGB"), axial], path)


def follow_up(app: Any, output: Path) -> None:
    """The sample phantom, and the same 14 mm higher and turned a little, in which one finding is deleted by hand."""
    from LesionDetectionLib.panel import sample_data
    from vtk import vtkMatrix4x4, vtkTransform

    earlier, later = (sample_data.make(sample_data.SAMPLES[0], app.scene)[0]["CT"] for _ in range(2))
    earlier.SetName("January")
    later.SetName("April")
    move, matrix = vtkTransform(), vtkMatrix4x4()
    later.GetIJKToRASMatrix(matrix)
    move.Translate(3, -5, 14)
    move.RotateX(4)
    move.Concatenate(matrix)
    later.SetIJKToRASMatrix(move.GetMatrix())
    widget = app.load_module("LesionDetection")
    app.show(widget)
    panel, ui = widget.panel, widget.ui
    for volume in (earlier, later):
        panel.context.parameters.ctVolume = volume
        app.process_events()
        ui.detectButton.click()
        app.process_events(lambda: not panel.session.busy, PATIENCE_S)
    panel.session.delete([max(panel.session.listed, key=lambda item: item.lesion.diameter_mm).id])
    ui.followUpSection.collapsed = False
    app.process_events()
    ui.compareButton.click()
    app.process_events(lambda: panel.follow_up.job.finished, PATIENCE_S)
    assert panel.follow_up.comparison is not None, panel.follow_up.job.error
    app.process_events()
    take(app, widget, output / "follow-up.png", ui.followUpSection, height=1700)


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
    _save_side_by_side(views, output / "pet-ct-views.png")
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
        views.append(_outlined(view, node, finding.lesion.mask, case.image.geometry))
    path = output / "uptake.png"
    take(app, widget, path, ui.clickSection)
    views.append(Image.open(path).convert("RGB"))
    _save_side_by_side(views, path)


def _outlined(picture: Image.Image, slice_node: Any, mask: Any, geometry: Any) -> Image.Image:
    """The picture of a slice view with the outline of a mask's cut through its plane."""
    from scipy.ndimage import binary_dilation

    matrix = slice_node.GetXYToRAS()
    to_ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    y, x = np.mgrid[: picture.height, : picture.width]
    places = np.stack([x, picture.height - 1 - y, np.zeros_like(x), np.ones_like(x)], axis=-1) @ to_ras.T
    kji = np.rint(geometry.ijk_from_ras(places[..., :3])).astype(int)[..., ::-1]
    there = ((kji >= 0) & (kji < geometry.shape_kji)).all(axis=-1)
    inside = there & mask.full(geometry.shape_kji)[tuple(np.where(there[..., None], kji, 0).T)].T
    pixels = np.array(picture)
    pixels[binary_dilation(inside, iterations=2) & ~inside] = OUTLINE
    return Image.fromarray(pixels)


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
    _save_side_by_side(views, output / "similarity.png")
    take(app, widget, output / "similarity-controls.png", ui.findingsSection, height=1100)


def _pet_ct_sample() -> Any:
    from LesionDetectionLib.panel import sample_data

    return next(one for one in sample_data.SAMPLES if one.anatomy == "pet-ct")


def training(app: Any, output: Path) -> None:
    """Phantoms in the DICOM database chosen, checked and trained on for some steps, and what came of it."""
    from DICOMLib import DICOMUtils
    from LesionDetectionLib.app.worker.engine import InProcess
    from LesionDetectionLib.core.resources import demonstration_model
    from LesionTrainingLib.session.requests import PhantomSeriesRequest

    phantoms = Path.cwd() / "phantoms"
    job = InProcess().submit(PhantomSeriesRequest(str(phantoms), 12), {})
    assert job.state == "done", job.error
    with DICOMUtils.TemporaryDICOMDatabase(str(Path.cwd() / "database")):
        DICOMUtils.importDicom(str(phantoms))
        widget = app.load_module("LesionTraining")
        app.show(widget)
        panel, ui = widget.panel, widget.ui
        chosen, session = panel.context.parameters, panel.session
        app.process_events(lambda: session.catalogue is not None and not session.listing.busy, PATIENCE_S)
        ui.allButton.click()
        ui.checkButton.click()
        app.process_events(lambda: not session.checking.busy, PATIENCE_S)
        assert session.checking.error is None, session.checking.error
        chosen.preset, chosen.name, chosen.device = "trial", "My first model", "cpu"
        app.process_events()
        take(app, widget, output / "training-data.png", ui.dataSection, height=1250)
        take(app, widget, output / "training-plan.png", ui.planSection)
        ui.startButton.click()
        app.process_events(lambda: session.run.fraction > 0.4 or not session.run.state.is_busy, PATIENCE_S)
        panel.run.poll()
        take(app, widget, output / "training-run.png", ui.runSection)
        app.process_events(lambda: not session.run.state.is_busy, PATIENCE_S)
        assert session.run.state.value == "finished", session.run.error
        app.process_events()
        chosen.model = str(demonstration_model("nodule-ct-phantom"))  # a trial of minutes finds nothing worth showing
        app.process_events()
        take(app, widget, output / "training-result.png", ui.resultSection)


SUBJECTS: dict[str, Callable[[Any, Path], None]] = {
    "detection": detection,
    "diameters": diameters,
    "follow-up": follow_up,
    "pet-ct": pet_ct,
    "uptake": uptake,
    "projections": projections,
    "similarity": similarity,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "Resources" / "Screenshots")
    names = [*SUBJECTS, *pictures_in_browser.SUBJECTS]
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    parser.add_argument(
        "--lists", type=Path, default=LISTS, help="what Slicer 5.8.1 shows to Python (slicer-5.8.1.json)"
    )
    options = parser.parse_args()
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        if name in pictures_in_browser.SUBJECTS:
            pictures_in_browser.SUBJECTS[name](output)
            continue
        with a_slicer(options.lists.resolve()) as app:
            SUBJECTS[name](app, output)


if __name__ == "__main__":
    main()
