"""Slicer module: train and judge lesion detectors on a cohort. The work is done in LesionTrainingLib."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class LesionTraining(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Lesion Training")
        parent.categories = ["Segmentation"]
        parent.dependencies = ["LesionDetection"]
        parent.contributors = ["The SlicerLesionDetection authors"]
        parent.helpText = _("Trains lesion detectors on a cohort and judges them. For research; not a medical device.")
        parent.acknowledgementText = _("The methods are published ones; each names its paper.")


class LesionTrainingWidget(ScriptedLoadableModuleWidget):
    """Says what can be trained so far. The panel to choose a cohort and train comes on top of the same logic."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = LesionTrainingLogic()
        self.statusLabel = qt.QLabel(
            _("Load a computer-made chest scan with known nodules to try Lesion Detection on.")
        )
        self.statusLabel.setWordWrap(True)
        self.phantomButton = qt.QPushButton(_("Load a phantom"))
        self.phantomButton.connect("clicked(bool)", self.onLoadPhantom)
        self.layout.addWidget(self.statusLabel)
        self.layout.addWidget(self.phantomButton)
        self.layout.addStretch(1)

    def onLoadPhantom(self, _checked=False):
        with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
            self.logic.loadPhantom(slicer.mrmlScene)


class LesionTrainingLogic(ScriptedLoadableModuleLogic):
    """Phantoms into the scene, and cohorts from the DICOM database, for scripts; runs in this process."""

    def openDatabase(self, database, **options):
        """The series of an open DICOM database (``slicer.dicomDatabase``) as a cohort; nothing is written to it.

        Options are those of ``lesion cohort --kinds`` for ``dicomdb``: ``modality="CT"``, ``description="*lung*"``, ...
        """
        from LesionTrainingLib.cohorts.dicom.live import open_live
        from LesionTrainingLib.cohorts.dicom.options import DicomOptions

        return open_live(database, DicomOptions(**options))

    def loadPhantom(self, scene, seed=0):
        """Add a chest phantom's volume and its true nodules to ``scene``; returns (volume node, result nodes)."""
        from LesionDetectionLib.core.detections import Detections
        from LesionDetectionLib.io.mrml import add_detections, volume_node
        from LesionTrainingLib.cohorts.phantoms.chest import make_chest

        case = make_chest(seed)
        volumeNode = volume_node(scene, case.image)
        truth = Detections(
            case.lesions, case.image.geometry, "truth", case.image.name, case.image.modality, case.image.unit
        )
        return volumeNode, add_detections(scene, volumeNode, truth, name="Truth")


class LesionTrainingTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        volumeNode, truth = LesionTrainingLogic().loadPhantom(slicer.mrmlScene)
        assert volumeNode.GetImageData().GetNumberOfPoints() > 0
        assert truth.segmentation.GetSegmentation().GetNumberOfSegments() > 0
