"""Slicer module: find, measure and review lesions in the loaded volumes. The work is done in LesionDetectionLib."""

import enum
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
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
    """Presses the panel's own buttons, with its own worker process. About a minute on two cores; asks nothing."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for test in (
            self.test_logic_measures_a_ball,
            self.test_click_to_measure_and_undo,
            self.test_detect_and_review,
            self.test_cancel_in_the_middle,
            self.test_active_lesions_in_pet_ct,
            self.test_uptake_is_clicked_on_a_projection,
            self.test_scene_keeps_decisions,
            self.test_nothing_is_left_observed,
        ):
            self.setUp()
            self.delayDisplay(test.__name__.replace("_", " "), 100)
            test()

    def test_logic_measures_a_ball(self):
        """A ball of 20 mm in lung-like surroundings is outlined with its diameter and gets one segment."""
        if not _isPossible(self, "measure"):
            return
        volumeNode, center, _count = _ballVolume()
        result = LesionDetectionLogic().measure(volumeNode, center)
        assert result.segmentation.GetSegmentation().GetNumberOfSegments() == 1
        diameter = float(result.table.GetTable().GetValueByName(0, "diameter_mm").ToDouble())
        assert abs(diameter - 20) < 1.5

    def test_click_to_measure_and_undo(self):
        """A click in the ball gives a finding with nodes and a row; undo takes it back, redo brings it again."""
        if not _isPossible(self, "measure"):
            return
        panel, ui = self._panel()
        volumeNode, center, _count = _ballVolume()
        panel.context.parameters.ctVolume = volumeNode
        panel.click.clicked(center)
        self._wait(lambda: not panel.session.busy)
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

    def test_detect_and_review(self):
        """Detect finds nodules; the slider shows fewer and more of them; a rejected one is no longer drawn."""
        if not _isPossible(self, "detect"):
            return
        panel, ui = self._panel()
        panel.context.parameters.ctVolume, truth = _phantomVolume()
        ui.detectButton.click()
        self._wait(lambda: not panel.session.busy)
        assert panel.session.results is not None, panel.session.message
        found = [item.lesion.center_ras_mm for item in panel.session.listed]
        hit = [center for center in truth if min(np.linalg.norm(np.subtract(found, center), axis=1)) < 6]
        assert len(hit) >= len(truth) // 2
        assert ui.findingsTable.rowCount == len(found)
        nodes = panel.session.results.nodes
        assert nodes.points.GetNumberOfControlPoints() == len(panel.session.findings.items)
        ui.operatingSlider.setValue(ui.operatingSlider.maximum)
        self._wait(lambda: ui.findingsTable.rowCount == len(panel.session.findings.items))
        ui.operatingSlider.setValue(0)
        self._wait(lambda: ui.findingsTable.rowCount < len(panel.session.findings.items))
        ui.operatingSlider.setValue(ui.operatingSlider.maximum)
        self._wait(lambda: ui.findingsTable.rowCount == len(panel.session.findings.items))
        ui.nextButton.click()
        rejected = panel.session.current
        ui.rejectButton.click()
        assert not nodes.segmentation.GetDisplayNode().GetSegmentVisibility(rejected)
        assert rejected not in panel.findings.table.shown
        ui.undoButton.click()
        assert rejected in panel.findings.table.shown

    def test_cancel_in_the_middle(self):
        """Detect turns into Cancel; after it nothing was added, and Detect works again."""
        if not _isPossible(self, "detect"):
            return
        panel, ui = self._panel()
        panel.context.parameters.ctVolume, _truth = _phantomVolume()
        ui.detectButton.click()
        assert ui.detectButton.text == _("Cancel")
        self._wait(lambda: panel.session.job.state == "running" and panel.session.job.fraction > 0)
        ui.detectButton.click()
        self._wait(lambda: not panel.session.busy)
        assert panel.session.job.state == "cancelled"
        assert ui.detectButton.text == _("Detect")
        assert ui.detectButton.isEnabled()
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0

    def test_active_lesions_in_pet_ct(self):
        """Uptake in the lungs is found, the kidneys' is not; a threshold hides findings without a new search; a map lies over
        the image while it is wanted."""
        if not _isPossible(self, "detect-without-model"):
            return
        panel, ui = self._panel()
        chosen = panel.context.parameters
        chosen.ctVolume, chosen.petVolume, truth, kidneys = _petCtVolumes()
        chosen.method = "active-pet-ct"
        ui.detectButton.click()
        self._wait(lambda: not panel.session.busy)
        assert panel.session.results is not None, panel.session.message
        found = np.array([item.lesion.center_ras_mm for item in panel.session.listed])
        assert all(np.linalg.norm(found - place, axis=1).min() < 12 for place in truth)
        assert all(np.linalg.norm(found - place, axis=1).min() > 30 for place in kidneys)
        assert ui.controlsBox.isVisible()
        slider = panel.findings.controls.sliders[0]
        slider.value = slider.maximum
        self._wait(lambda: ui.findingsTable.rowCount < len(found))
        ui.controlsResetButton.click()
        assert ui.findingsTable.rowCount == len(found)
        ui.nextButton.click()
        chosen.method, chosen.region, chosen.aroundMm = "high-uptake-ct", Region.AROUND, 30
        if panel.detect.why_not():
            self.delayDisplay(_("Skipped the map: {reason}").format(reason=panel.detect.why_not()), 100)
            return
        if not _isPossible(self, "detect"):
            return
        ui.detectButton.click()
        self._wait(lambda: not panel.session.busy)
        maps = panel.session.results.maps
        assert ui.mapRow.isVisible(), panel.session.message
        ui.mapCheckBox.setChecked(True)
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        shown = {node.GetForegroundVolumeID() for node in composites}
        assert shown == {node.GetID() for node in maps.values()}
        ui.mapCheckBox.setChecked(False)
        assert not any(node.GetForegroundVolumeID() for node in composites)

    def test_uptake_is_clicked_on_a_projection(self):
        """A finding in a kidney jumps to the lesion that is clicked on the coronal projection, and back with undo; the views
        are given back."""
        if not _isPossible(self, "measure") or slicer.app.layoutManager() is None:
            return
        panel, ui = self._panel()
        chosen = panel.context.parameters
        _ct, chosen.petVolume, centers, kidneys = _petCtVolumes()
        chosen.measureOn, chosen.petClick = "PT", "focus"
        panel.click.clicked(kidneys[0])
        self._wait(lambda: not panel.session.busy)
        ui.projectionsCheckBox.setChecked(True)
        view = slicer.app.layoutManager().sliceWidget("Green").mrmlSliceNode()
        assert view.GetSlabReconstructionEnabled()
        mouse = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if mouse is not None:
            mouse.SetCursorPositionInvalid()
        panel.click.clicked((centers[0][0], view.GetSliceToRAS().GetElement(1, 3), centers[0][2]))
        self._wait(lambda: not panel.session.busy)
        for place in (centers[0], kidneys[0]):
            assert len(panel.session.listed) == 1, panel.session.message
            assert np.linalg.norm(np.subtract(panel.session.listed[0].lesion.center_ras_mm, place)) < 6
            ui.undoButton.click()
        ui.projectionsCheckBox.setChecked(False)
        assert not view.GetSlabReconstructionEnabled()

    def test_scene_keeps_decisions(self):
        """A saved scene opens with findings, decisions and choices as they were."""
        if not _isPossible(self, "measure"):
            return
        panel, ui = self._panel()
        volumeNode, center, _count = _ballVolume()
        panel.context.parameters.ctVolume = volumeNode
        panel.context.parameters.rejectedShown = True
        panel.click.clicked(center)
        self._wait(lambda: not panel.session.busy)
        panel.session.reject([panel.session.current])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            assert slicer.util.saveScene(str(path))
            slicer.mrmlScene.Clear()
            assert panel.session.results is None
            slicer.util.loadScene(str(path))
        self._wait(lambda: ui.findingsTable.rowCount == 1)
        assert ui.findingsTable.item(0, 5).text() == _("Rejected")
        assert ui.showRejectedCheckBox.isChecked()
        assert panel.context.parameters.ctVolume.GetName() == "ball"

    def test_nothing_is_left_observed(self):
        """A widget that is taken away observes nothing any more and has no worker."""
        parent = slicer.qMRMLWidget()
        parent.setLayout(qt.QVBoxLayout())
        parent.setMRMLScene(slicer.mrmlScene)
        widget = LesionDetectionWidget(parent)
        widget.setup()
        assert widget.panel is not None, "setup() did not come to its end"
        panel = widget.panel
        widget.cleanup()
        assert len(widget.Observations) == 0
        assert widget.panel is None
        volumeNode, _center, _count = _ballVolume()
        slicer.mrmlScene.RemoveNode(volumeNode)
        slicer.mrmlScene.Clear()
        assert not panel.session.busy
        parent.deleteLater()

    def _panel(self):
        widget = slicer.util.getModuleWidget("LesionDetection")
        assert widget.panel is not None, "setup() did not come to its end"
        return widget.panel, widget.ui

    def _wait(self, until, seconds=120):
        """Let Qt's events pass until something is so."""
        waited = qt.QElapsedTimer()
        waited.start()
        while not until():
            assert waited.elapsed() < 1000 * seconds, "it took too long"
            loop = qt.QEventLoop()
            qt.QTimer.singleShot(20, loop.quit)
            loop.exec_()


def _isPossible(test, feature):
    """Whether the libraries of a feature are there; says what is skipped where they are not: tests install nothing."""
    from LesionDetectionLib.app import packages

    lacking = ", ".join(found.package.name for found in packages.missing(feature))
    if lacking:
        test.delayDisplay(_("Skipped: {libraries} not installed.").format(libraries=lacking), 100)
    return not lacking


def _ballVolume(diameterMm=20.0):
    """A ball in lung-like surroundings as a volume node, its centre (RAS mm), and how many there are."""
    k, j, i = np.indices((40, 64, 64))
    distance = np.sqrt((i - 32.0) ** 2 + (j - 32.0) ** 2 + (k - 20.0) ** 2)
    noise = np.random.default_rng(0).normal(0, 20, distance.shape)
    voxels = (np.where(distance <= diameterMm / 2, 40, -850) + noise).astype(np.int16)
    return slicer.util.addVolumeFromArray(voxels, name="ball"), (32.0, 32.0, 20.0), 1


def _phantomVolume():
    """A small chest with nodules as a volume node, and the nodules' centres (RAS mm)."""
    if importlib.util.find_spec("LesionTrainingLib") is not None:
        from LesionDetectionLib.io.mrml import volume_node
        from LesionTrainingLib.cohorts.phantoms.chest import make_chest
        from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY

        case = make_chest(1, TINY)
        nk, nj, ni = case.image.shape_kji
        part = case.image.crop(
            (0, 0, nk // 2), (ni // 2, nj, nk // 2)
        )  # one lung's upper half, in a quarter of the time
        centers = [lesion.center_ras_mm for lesion in case.lesions]
        inside = [center for center in centers if part.geometry.contains_ras(center)]
        return volume_node(slicer.mrmlScene, part), inside
    return _plainChest()


def _plainChest():
    """Two lungs of noise in a body of noise, with four balls: what can be made without LesionTraining."""
    shape, spacing = (90, 120, 150), np.array([2.0, 2.0, 2.0])
    rng = np.random.default_rng(0)
    z, y, x = (np.indices(shape).T * spacing).T - (np.array(shape) * spacing / 2)[:, None, None, None]
    voxels = np.full(shape, -1000.0)
    voxels[(x / 140) ** 2 + (y / 105) ** 2 < 1] = 40
    for side in (-1, 1):
        voxels[((x - side * 65) / 52) ** 2 + (y / 75) ** 2 + (z / 78) ** 2 < 1] = -860
    centers = [(-65.0, 20.0, 10.0), (-60.0, -25.0, -20.0), (65.0, 15.0, -10.0), (70.0, -20.0, 25.0)]
    for center, radius in zip(centers, (5.0, 6.0, 7.0, 8.0), strict=True):
        away = np.sqrt(sum((axis - at) ** 2 for axis, at in zip((x, y, z), center, strict=True)))
        voxels = np.where(away < radius, 20, voxels)
    voxels = (voxels + rng.normal(0, 20, shape)).astype(np.int16)
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = -(np.array(shape[::-1]) * 2.0 / 2)
    return slicer.util.addVolumeFromArray(voxels, ijkToRAS=matrix, name="chest"), centers


def _petCtVolumes():
    """A CT and a PET in SUV as volume nodes; places (RAS mm) of active lesions in the lungs, and of brighter kidneys.

    The plain chest, and uptake in its balls: made in a second, with or without LesionTraining.
    """
    ct, centers = _plainChest()
    kidneys = [(-45.0, -40.0, -84.0), (45.0, -40.0, -84.0)]
    k, j, i = np.indices((46, 60, 75), dtype=float)
    x, y, z = 4 * i - 148, 4 * j - 118, 4 * k - 90
    values = np.full(x.shape, 0.6)
    for center, suv in [*((center, 8.0) for center in centers), *((center, 20.0) for center in kidneys)]:
        away = (x - center[0]) ** 2 + (y - center[1]) ** 2 + (z - center[2]) ** 2
        values += suv * np.exp(-away / 100)
    matrix = np.diag([4.0, 4.0, 4.0, 1.0])
    matrix[:3, 3] = (-148, -118, -90)
    pet = slicer.util.addVolumeFromArray(values.astype(np.float32), ijkToRAS=matrix, name="uptake")
    unit = slicer.vtkCodedEntry()
    unit.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    pet.SetVoxelValueUnits(unit)
    return ct, pet, centers, kidneys
