"""Slicer module: find and measure lesions in the loaded volumes. The work is done in LesionDetectionLib."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class LesionDetection(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Lesion Detection")
        parent.categories = ["Segmentation"]
        parent.dependencies = []
        parent.contributors = ["The SlicerLesionDetection authors"]
        parent.helpText = _(
            "Finds lesions in CT and PET and measures the lesion at a point. For research; not a medical device."
        )
        parent.acknowledgementText = _("The methods are published ones; each names its paper.")


class LesionDetectionWidget(ScriptedLoadableModuleWidget):
    """Lists the methods. The panel to choose, detect and review comes on top of the same logic."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = LesionDetectionLogic()
        lines = [f"<p><b>{info.title}</b> ({info.id})<br>{info.finds}</p>" for info in self.logic.methods().values()]
        self.methodsLabel = qt.QLabel("".join(lines))
        self.methodsLabel.setWordWrap(True)
        self.layout.addWidget(self.methodsLabel)
        self.layout.addStretch(1)


class LesionDetectionLogic(ScriptedLoadableModuleLogic):
    """Detection and measuring on MRML volumes, for scripts; runs in this process."""

    def methods(self):
        """The methods by id (LesionDetectionLib.core.detector.MethodInfo)."""
        from LesionDetectionLib.core.detector import methods

        return methods()

    def detect(self, volumeNode, methodId="nodule-ct", bundlePath=None, device="auto", operatingPoint=""):
        """Find the lesions of ``volumeNode`` and add segmentation, markups and table nodes to its scene.

        Needs torch (the PyTorch extension). Raises LesionDetectionError with a sentence for the user.
        """
        from dataclasses import replace
        from pathlib import Path

        from LesionDetectionLib.core.bundle import Bundle
        from LesionDetectionLib.core.detector import method
        from LesionDetectionLib.core.image import understood_as
        from LesionDetectionLib.core.progress import Progress
        from LesionDetectionLib.core.resources import demonstration_model
        from LesionDetectionLib.io.mrml import add_detections, image_from_node

        info = method(methodId)
        bundle = None
        if info.needs_model:
            bundle = Bundle.open(Path(bundlePath) if bundlePath else demonstration_model(info.demonstration_model))
        settings = replace(info.default_settings(bundle), operating_point=operatingPoint)
        detector = info.create(bundle, device)
        images = {info.modalities[0]: understood_as(image_from_node(volumeNode))}
        detections = detector.detect(images, settings, Progress())
        return add_detections(volumeNode.GetScene(), volumeNode, detections)

    def measure(self, volumeNode, positionRas):
        """Outline and measure the lesion at ``positionRas`` (RAS mm, in the volume's scene) and add its nodes."""
        from LesionDetectionLib.core.detections import Detections
        from LesionDetectionLib.core.image import understood_as
        from LesionDetectionLib.imaging.click import measure_at
        from LesionDetectionLib.io.mrml import add_detections, image_from_node

        image = understood_as(image_from_node(volumeNode))
        lesion = measure_at(image, tuple(positionRas))
        detections = Detections(
            (lesion,), image.geometry, "click", image.name, image.modality, image.unit, warnings=image.notes
        )
        return add_detections(volumeNode.GetScene(), volumeNode, detections)


class LesionDetectionTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_measures_a_ball()

    def test_measures_a_ball(self):
        """A ball of 20 mm in lung-like surroundings is outlined with its diameter and gets one segment."""
        import numpy as np

        k, j, i = np.indices((40, 64, 64))
        distance = np.sqrt((i - 32.0) ** 2 + (j - 32.0) ** 2 + (k - 20.0) ** 2)
        noise = np.random.default_rng(0).normal(0, 20, distance.shape)
        voxels = (np.where(distance <= 10, 40, -850) + noise).astype(np.int16)
        volumeNode = slicer.util.addVolumeFromArray(voxels, name="ball")
        result = LesionDetectionLogic().measure(volumeNode, (32, 32, 20))
        segmentation = result.segmentation.GetSegmentation()
        assert segmentation.GetNumberOfSegments() == 1
        diameter = float(result.table.GetTable().GetValueByName(0, "diameter_mm").ToDouble())
        assert abs(diameter - 20) < 1.5, diameter
