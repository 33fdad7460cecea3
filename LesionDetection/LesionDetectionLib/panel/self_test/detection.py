"""The self-test of Lesion Detection. About a minute on two cores."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import SelfTest, scans


class DetectionSelfTest(SelfTest):
    """Detect, click, review, save and load, as a person does it."""

    def test_logic_measures_a_ball(self) -> None:
        """A ball of 20 mm in lung-like surroundings is outlined with its diameter and gets one segment."""
        if not self.can("measure"):
            return
        volume_node, center = scans.ball_volume()
        result = self.module.LesionDetectionLogic().measure(volume_node, center)
        assert result.segmentation.GetSegmentation().GetNumberOfSegments() == 1
        diameter = float(result.table.GetTable().GetValueByName(0, "diameter_mm").ToDouble())
        assert abs(diameter - 20) < 1.5

    def test_click_to_measure_and_undo(self) -> None:
        """A click in the ball gives a finding with nodes and a row; undo takes it back, redo brings it again."""
        if not self.can("measure"):
            return
        panel, ui = self.panel()
        volume_node, center = scans.ball_volume()
        panel.context.parameters.ctVolume = volume_node
        panel.click.clicked(center)
        self.wait(lambda: not panel.session.busy)
        assert ui.findingsTable.rowCount == 1, panel.session.message
        assert abs(float(ui.findingsTable.item(0, 2).text()) - 20) < 1.5
        segmentation = panel.session.results.nodes.segmentation
        assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
        ui.undoButton.click()
        assert ui.findingsTable.rowCount == 0
        assert panel.session.results.nodes.segmentation is None
        ui.redoButton.click()
        assert ui.findingsTable.rowCount == 1
        panel.session.next()
        panel.session.accept([panel.session.current])
        assert ui.findingsTable.item(0, 5).text() == _("Accepted")
        ui.undoButton.click()
        assert ui.findingsTable.item(0, 5).text() == _("New")
        ui.redoButton.click()
        assert ui.findingsTable.item(0, 5).text() == _("Accepted")

    def test_detect_and_review(self) -> None:
        """Detect finds nodules; the slider shows fewer and more of them; a rejected one is no longer drawn."""
        if not self.can("detect"):
            return
        panel, ui = self.panel()
        panel.context.parameters.ctVolume, truth = scans.phantom_volume()
        ui.detectButton.click()
        self.wait(lambda: not panel.session.busy)
        assert panel.session.results is not None, panel.session.message
        found = [item.lesion.center_ras_mm for item in panel.session.listed]
        hit = [center for center in truth if min(np.linalg.norm(np.subtract(found, center), axis=1)) < 6]
        assert len(hit) >= len(truth) // 2
        assert ui.findingsTable.rowCount == len(found)
        nodes = panel.session.results.nodes
        assert nodes.points.GetNumberOfControlPoints() == len(panel.session.findings.items)
        ui.operatingSlider.setValue(ui.operatingSlider.maximum)
        self.wait(lambda: ui.findingsTable.rowCount == len(panel.session.findings.items))
        ui.operatingSlider.setValue(0)
        self.wait(lambda: ui.findingsTable.rowCount < len(panel.session.findings.items))
        ui.operatingSlider.setValue(ui.operatingSlider.maximum)
        self.wait(lambda: ui.findingsTable.rowCount == len(panel.session.findings.items))
        ui.nextButton.click()
        rejected = panel.session.current
        ui.rejectButton.click()
        assert not nodes.segmentation.GetDisplayNode().GetSegmentVisibility(rejected)
        assert rejected not in panel.findings.table.shown
        ui.undoButton.click()
        assert rejected in panel.findings.table.shown

    def test_cancel_in_the_middle(self) -> None:
        """Detect turns into Cancel; after it nothing was added, and Detect works again."""
        if not self.can("detect"):
            return
        panel, ui = self.panel()
        panel.context.parameters.ctVolume, _truth = scans.phantom_volume()
        ui.detectButton.click()
        assert ui.detectButton.text == _("Cancel")
        self.wait(lambda: panel.session.job.state == "running" and panel.session.job.fraction > 0)
        ui.detectButton.click()
        self.wait(lambda: not panel.session.busy)
        assert panel.session.job.state == "cancelled"
        assert ui.detectButton.text == _("Detect")
        assert ui.detectButton.isEnabled()
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0

    def test_active_lesions_in_pet_ct(self) -> None:
        """Uptake in the lungs is found, the kidneys' is not; a threshold hides findings without a new search; a map lies over
        the image while it is wanted."""
        if not self.can("detect-without-model"):
            return
        panel, ui = self.panel()
        chosen = panel.context.parameters
        chosen.ctVolume, chosen.petVolume, truth, kidneys = scans.pet_ct_volumes()
        chosen.method = "active-pet-ct"
        ui.detectButton.click()
        self.wait(lambda: not panel.session.busy)
        assert panel.session.results is not None, panel.session.message
        found = np.array([item.lesion.center_ras_mm for item in panel.session.listed])
        assert all(np.linalg.norm(found - place, axis=1).min() < 12 for place in truth)
        assert all(np.linalg.norm(found - place, axis=1).min() > 30 for place in kidneys)
        assert ui.controlsBox.isVisibleTo(ui.findingsBox)
        slider = panel.findings.controls.sliders[0]
        slider.value = slider.maximum
        self.wait(lambda: ui.findingsTable.rowCount < len(found))
        ui.controlsResetButton.click()
        assert ui.findingsTable.rowCount == len(found)
        ui.nextButton.click()
        chosen.method, chosen.region, chosen.aroundMm = "high-uptake-ct", self.module.Region.AROUND, 30
        if panel.detect.why_not():
            self.say(_("Skipped the map: {reason}").format(reason=panel.detect.why_not()))
            return
        if not self.can("detect"):
            return
        ui.detectButton.click()
        self.wait(lambda: not panel.session.busy)
        maps = panel.session.results.maps
        assert ui.mapRow.isVisibleTo(ui.findingsBox), panel.session.message
        ui.mapCheckBox.setChecked(True)
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        shown = {node.GetForegroundVolumeID() for node in composites}
        assert shown == {node.GetID() for node in maps.values()}
        ui.mapCheckBox.setChecked(False)
        assert not any(node.GetForegroundVolumeID() for node in composites)

    def test_uptake_is_clicked_on_a_projection(self) -> None:
        """A finding in a kidney jumps to the lesion that is clicked on the coronal projection, and back with undo; the views
        are given back."""
        if not self.can("measure") or slicer.app.layoutManager() is None:
            return
        panel, ui = self.panel()
        chosen = panel.context.parameters
        _ct, chosen.petVolume, centers, kidneys = scans.pet_ct_volumes()
        chosen.measureOn, chosen.petClick = "PT", "focus"
        panel.click.clicked(kidneys[0])
        self.wait(lambda: not panel.session.busy)
        ui.projectionsCheckBox.setChecked(True)
        view = slicer.app.layoutManager().sliceWidget("Green").mrmlSliceNode()
        assert view.GetSlabReconstructionEnabled()
        mouse = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if mouse is not None:
            mouse.SetCursorPositionInvalid()
        panel.click.clicked((centers[0][0], view.GetSliceToRAS().GetElement(1, 3), centers[0][2]))
        self.wait(lambda: not panel.session.busy)
        for place in (centers[0], kidneys[0]):
            assert len(panel.session.listed) == 1, panel.session.message
            assert np.linalg.norm(np.subtract(panel.session.listed[0].lesion.center_ras_mm, place)) < 6
            ui.undoButton.click()
        ui.projectionsCheckBox.setChecked(False)
        assert not view.GetSlabReconstructionEnabled()

    def test_scene_keeps_decisions(self) -> None:
        """A saved scene opens with findings, decisions and choices as they were."""
        if not self.can("measure"):
            return
        panel, ui = self.panel()
        volume_node, center = scans.ball_volume()
        panel.context.parameters.ctVolume = volume_node
        panel.context.parameters.rejectedShown = True
        panel.click.clicked(center)
        self.wait(lambda: not panel.session.busy)
        panel.session.reject([panel.session.current])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            assert slicer.util.saveScene(str(path))
            slicer.mrmlScene.Clear()
            assert panel.session.results is None
            slicer.util.loadScene(str(path))
        self.wait(lambda: ui.findingsTable.rowCount == 1)
        assert ui.findingsTable.item(0, 5).text() == _("Rejected")
        assert ui.showRejectedCheckBox.isChecked()
        assert panel.context.parameters.ctVolume.GetName() == "ball"

    def test_nothing_is_left_observed(self) -> None:
        """A widget that is taken away observes nothing any more and has no worker."""
        assert not self.check_that_nothing_is_left().session.busy
