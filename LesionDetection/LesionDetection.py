"""Slicer module: find, measure and review lesions in the loaded volumes. The work is done in LesionDetectionLib."""

import enum
import sys
from pathlib import Path
from typing import Annotated

import qt
import slicer
from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class LesionDetection(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Lesion Detection")
        parent.categories = ["Segmentation"]
        parent.dependencies = []
        parent.contributors = ["The SlicerLesionDetection authors"]
        parent.helpText = _(
            "<p>Finds and measures lesions in CT and PET. Choose a volume, a method and a model, press "
            "<b>Detect</b>, and review what was found: accept, reject, relabel, correct. Or switch on <b>Click to measure</b> "
            "and click on a lesion, or draw its two diameters.</p>"
            "<p>Results are segments, marks, diameters and a table beside the volume, and go out as report, CSV, scene and "
            "DICOM SEG and SR. Each Detect makes a new result; nothing of yours is changed.</p>"
            "<p>What it cannot do: each method finds only what it names, misses some of it, and marks what is none. The models "
            "that come with it were trained on computer-made phantoms and say nothing about patients. Scores are no "
            "probability of cancer. Nothing leaves this computer.</p>"
            "<p>For research. It is not a medical device and not for clinical decisions.</p>"
        )
        parent.acknowledgementText = _(
            "<p>Method nodule-ct: Dou Q, Chen H, Jin Y, Lin H, Qin J, Heng PA. Automated Pulmonary Nodule Detection via 3D "
            "ConvNets with Online Sample Filtering and Hybrid-Loss Residual Learning. MICCAI 2017.</p>"
            "<p>Methods high-uptake-ct and active-pet-ct: Pawełczyk K, Kawulok M, Nalepa J, Hayball MP, McQuaid SJ, "
            "Prakash V, Ganeshan B. Towards Detecting High-Uptake Lesions from Lung CT Scans Using Deep Learning. "
            "ICIAP 2017.</p>"
            "<p>Method universal-ct, and masks from two diameters: Zlocha M, Dou Q, Glocker B. Improving RetinaNet for CT Lesion "
            "Detection with Dense Masks from Weak RECIST Labels. MICCAI 2019.</p>"
            "<p>Method liver-ct: Aluko S, Hari SN, Yakubenko VP. Liver Lesion Localization using Deep Convolutional Neural "
            "Networks. Stanford University.</p>"
            "<p>Method pet-weak: Amyar A, Modzelewski R, Vera P, Morard V, Ruan S. Weakly Supervised PET Tumor Detection Using "
            "Class Response. 2020.</p>"
            "<p>Size and change: Eisenhauer EA et al. New response evaluation criteria in solid tumours: revised RECIST "
            "guideline (version 1.1). Eur J Cancer 2009.</p>"
            "<p>3D Slicer: Fedorov A et al. 3D Slicer as an Image Computing Platform for the Quantitative Imaging Network. "
            "Magn Reson Imaging 2012.</p>"
        )
        slicer.app.connect("startupCompleted()", registerSampleData)  # Sample Data may be loaded after this module


def registerSampleData():
    """List our phantoms in the module Sample Data; they are made when they are asked for."""
    from LesionDetectionLib.panel import sample_data

    sample_data.register(Path(__file__).parent / "Resources" / "Icons")


class Region(enum.Enum):
    """Which part of the scan is searched."""

    WHOLE = 0
    INSIDE = 1
    AROUND = 2

    def label(self):
        return {
            Region.WHOLE: _("The whole scan"),
            Region.INSIDE: _("A region (ROI)"),
            Region.AROUND: _("Around the click"),
        }[self]


@parameterNodeWrapper
class LesionDetectionParameters:
    """What a person chose; kept in the scene.

    ctVolume, petVolume - the images.
    method, model - id, and path of the bundle; the first of either where it is not known here.
    device - "auto", "cpu", "cuda:0".
    region, roi, aroundMm - where to search; the edge of the cube around the click.
    measureOn - "CT" or "PT": in which image a click measures where there are both.
    petClick - "border", "focus" or "new focus": what a click in a PET does.
    outlineWay, outlineCarried - how two diameters become a mask, and whether it goes on to the neighbouring slices.
    methodSettings - of a method, by id, what was changed of its settings (JSON).
    fusionShown, fusionOpacity - the PET over the CT.
    mapShown, mapOpacity - a map of the result over its image; it takes the place of the PET.
    rejectedShown - list rejected findings too.
    """

    ctVolume: vtkMRMLScalarVolumeNode
    petVolume: vtkMRMLScalarVolumeNode
    method: str = "nodule-ct"
    model: str = ""
    device: str = "auto"
    region: Region = Region.WHOLE
    roi: vtkMRMLMarkupsROINode
    aroundMm: Annotated[float, WithinRange(20, 300)] = 80.0
    measureOn: str = "CT"
    petClick: str = "border"
    outlineWay: str = "best"
    outlineCarried: bool = True
    methodSettings: dict[str, str]
    fusionShown: bool = False
    fusionOpacity: Annotated[float, WithinRange(0, 1)] = 0.5
    mapShown: bool = False
    mapOpacity: Annotated[float, WithinRange(0, 1)] = 0.5
    rejectedShown: bool = False


class LesionDetectionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Ties the panel (LesionDetectionLib.panel) to Slicer: its parameter node, its scene, entering and leaving."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._tie = None
        self._entered = False

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from LesionDetectionLib.panel.detection_panel import DetectionPanel
        from LesionDetectionLib.panel.parameter_tie import ParameterTie

        self.logic = LesionDetectionLogic()
        self.uiWidget = slicer.util.loadUI(self.resourcePath("UI/LesionDetection.ui"))
        self.layout.addWidget(self.uiWidget)
        self.ui = slicer.util.childWidgetVariables(self.uiWidget)
        self.ui.LesionDetection = self.uiWidget
        self.uiWidget.setMRMLScene(slicer.mrmlScene)
        self._tie = ParameterTie(self.uiWidget, self._onParameters)
        panel = DetectionPanel(self.ui, slicer.mrmlScene)
        for event, call in (
            (slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose),
            (slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose),
            (slicer.mrmlScene.StartImportEvent, self.onSceneStartImport),
            (slicer.mrmlScene.EndImportEvent, self.onSceneEndImport),
        ):
            self.addObserver(slicer.mrmlScene, event, call)
        # The last thing that is made: where it is missing, something above failed (Slicer only prints that).
        self.panel = panel
        self._useParameterNode()
        if getattr(self.parent, "isEntered", False):  # reloaded while it is shown: Slicer does not enter it again
            self.enter()

    def cleanup(self):
        if self._tie is not None:
            self._tie.connect(None)
        self.removeObservers()
        if self.panel is not None:
            self.panel.close()
            self.panel = None

    def enter(self):
        self._entered = True
        if self.panel is not None:
            self._useParameterNode()
            self.panel.enter()

    def exit(self):
        self._entered = False
        if self.panel is not None:
            self.panel.leave()
        if self._tie is not None:
            self._tie.release()

    def onSceneStartClose(self, _caller, _event):
        self._tie.connect(None)
        self.panel.scene_closing()

    def onSceneEndClose(self, _caller, _event):
        self._useParameterNode()

    def onSceneStartImport(self, _caller, _event):
        # Selectors begin anew when a scene was loaded, with nothing chosen: that is not to be written to the parameter node.
        self._tie.release()

    def onSceneEndImport(self, _caller, _event):
        # After loading, fields of the old wrapper that name nodes read None. Selectors learn of new nodes when the batch
        # that a load is part of has ended: they are tied to the node again then.
        self._useParameterNode()
        qt.QTimer.singleShot(0, self._onSceneLoaded)

    def _onSceneLoaded(self):
        if self.panel is not None:
            self._useParameterNode()
            self.panel.scene_loaded()

    def onReload(self):
        """Also load the library anew: Slicer executes this file only."""
        if self.panel is not None:
            self.panel.close()
            self.panel = None
        for name in [name for name in sys.modules if name.split(".")[0] == "LesionDetectionLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def _useParameterNode(self):
        self._tie.connect(self.logic.getParameterNode())
        self.panel.use(self._tie.parameters)
        if self._entered:
            self.panel.images.choose_volumes()

    def _onParameters(self):
        if self.panel is not None:
            self.panel.refresh()


class LesionDetectionLogic(ScriptedLoadableModuleLogic):
    """Detection and measuring on MRML volumes, for scripts; runs in this process and returns when it is done."""

    def getParameterNode(self):
        return LesionDetectionParameters(ScriptedLoadableModuleLogic.getParameterNode(self))

    def methods(self):
        """The methods by id (LesionDetectionLib.core.detector.MethodInfo)."""
        from LesionDetectionLib.core.detector import methods

        return methods()

    def detect(
        self,
        volumeNode,
        methodId="nodule-ct",
        bundlePath=None,
        device="auto",
        operatingPoint="",
        regionRas=None,
        others=(),
        **settings,
    ):
        """Find the lesions of ``volumeNode`` and add segmentation, markups, table and map nodes to its scene.

        volumeNode - the method's main image, such as the PET of active-pet-ct.
        regionRas - lowest and highest corner of a box (RAS mm) in which lesions' centres must lie; None for everywhere.
        others - further volumes of the same examination, such as the CT to a PET.
        settings - of the method, where they shall differ from the model's, such as ``lungs_only=False``.

        A method with a model needs torch (the PyTorch extension). Raises LesionDetectionError with a sentence for the user.
        """
        from LesionDetectionLib.app.worker.requests import DetectRequest
        from LesionDetectionLib.core.image import understood_as
        from LesionDetectionLib.io.mrml import add_detections, image_from_node

        image, *rest = (understood_as(image_from_node(node)) for node in (volumeNode, *others))
        images = {self._method(methodId).modalities[0]: image}
        for one in rest:
            images.setdefault(one.modality, one)
        request = DetectRequest(methodId, str(bundlePath or ""), device, operatingPoint, regionRas, dict(settings))
        return add_detections(volumeNode.GetScene(), volumeNode, self._result(request, images))

    def measure(self, volumeNode, positionRas, borderRas=()):
        """Outline and measure the lesion at ``positionRas`` (RAS mm, in the volume's scene) and add its nodes.

        borderRas - further points, that the outline goes through.
        """
        from LesionDetectionLib.app.worker.requests import MeasureRequest
        from LesionDetectionLib.core.image import understood_as
        from LesionDetectionLib.io.mrml import image_from_node

        image = understood_as(image_from_node(volumeNode))
        request = MeasureRequest(image.modality, tuple(positionRas), tuple(map(tuple, borderRas)))
        return self._add(volumeNode, image, request)

    def focus(self, volumeNode, positionRas, through=""):
        """Outline and measure the uptake at ``positionRas`` (RAS mm, in the PET's scene) and add its nodes.

        through - "coronal", "sagittal" or "axial" where the position is one on that projection.
        """
        from LesionDetectionLib.app.focus_request import FocusRequest
        from LesionDetectionLib.core.image import PET, understood_as
        from LesionDetectionLib.io.mrml import image_from_node

        image = understood_as(image_from_node(volumeNode), PET)
        return self._add(volumeNode, image, FocusRequest(PET, tuple(positionRas), through))

    def outline(self, volumeNode, lineNodes, way="best", carry=True):
        """Outline and measure the lesion whose two diameters are line markups, drawn in one axial slice, and add its nodes.

        way - "best", "grabcut", "grabcut-dilated" or "ellipse"; carry - on to the neighbouring slices.
        """
        from LesionDetectionLib.app.recist_request import RecistRequest
        from LesionDetectionLib.app.session.diameters import ends_of
        from LesionDetectionLib.core.image import understood_as
        from LesionDetectionLib.io.mrml import image_from_node

        image = understood_as(image_from_node(volumeNode))
        return self._add(volumeNode, image, RecistRequest(image.modality, ends_of(lineNodes), way, carry))

    def _add(self, volumeNode, image, request):
        """The nodes of the one lesion that a request gives."""
        from LesionDetectionLib.core.detections import Detections
        from LesionDetectionLib.io.mrml import add_detections

        lesion = self._result(request, {image.modality: image})
        detections = Detections(
            (lesion,), image.geometry, "click", image.name, image.modality, image.unit, warnings=image.notes
        )
        return add_detections(volumeNode.GetScene(), volumeNode, detections)

    def _method(self, methodId):
        from LesionDetectionLib.core.detector import method

        return method(methodId)

    def _result(self, request, images):
        from LesionDetectionLib.app.worker.engine import InProcess

        job = InProcess().submit(request, images, lambda _job: None)
        if job.error is not None:
            raise job.error
        return job.result


class LesionDetectionTest(ScriptedLoadableModuleTest):
    """Presses the panel's own buttons, with its own worker process. About a minute on two cores; asks nothing.

    What it does is in LesionDetectionLib.panel.self_test, which is loaded when it is run.
    """

    def runTest(self):
        from LesionDetectionLib.panel.self_test.detection import DetectionSelfTest

        DetectionSelfTest("LesionDetection", self.delayDisplay).run()
