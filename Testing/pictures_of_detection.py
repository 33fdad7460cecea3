"""Pictures of Lesion Detection for ``make_pictures.py``: searching, reviewing, clicking, two diameters, follow-up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pictures_in_slicer import PATIENCE_S, save_side_by_side, take
from PIL import Image


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
    save_side_by_side([Image.open(path).convert("RGB"), axial], path)


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
    app.process_events(lambda: panel.follow_up.comparing.job.finished, PATIENCE_S)
    assert panel.follow_up.comparison is not None, panel.follow_up.comparing.job.error
    app.process_events()
    take(app, widget, output / "follow-up.png", ui.followUpSection, height=1700)


SUBJECTS = {"detection": detection, "diameters": diameters, "follow-up": follow_up}
