"""Slicer module: train and judge lesion detectors on a cohort. The work is done in LesionTrainingLib."""

import sys
from pathlib import Path
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class LesionTraining(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Lesion Training")
        parent.categories = ["Segmentation"]
        parent.dependencies = ["LesionDetection"]
        parent.contributors = ["The SlicerLesionDetection authors"]
        parent.helpText = _(
            "<p>Trains lesion detectors on a cohort and judges them. Choose scans with labelled lesions, from Slicer’s DICOM "
            "database or from folders, tables and public collections, check them, and press <b>Start training</b>. Slicer "
            "stays free meanwhile; a run can be paused and goes on another day.</p>"
            "<p>The new model is measured on patients that it has not seen: a FROC curve with 95 % bounds. It lies in the "
            "model folder then, and <b>Lesion Detection</b> offers it at once.</p>"
            "<p>What it cannot do: few scans make poor models, and figures from one hospital say little about another. Figures "
            "from computer-made phantoms say nothing about patients. Nothing leaves this computer.</p>"
            "<p>For research. It is not a medical device and not for clinical decisions.</p>"
        )
        parent.acknowledgementText = _(
            "<p>Method nodule-ct: Dou Q, Chen H, Jin Y, Lin H, Qin J, Heng PA. Automated Pulmonary Nodule Detection via 3D "
            "ConvNets with Online Sample Filtering and Hybrid-Loss Residual Learning. MICCAI 2017.</p>"
            "<p>Judging: Setio AAA et al. Validation, comparison, and combination of algorithms for automatic detection of "
            "pulmonary nodules in computed tomography images: the LUNA16 challenge. Med Image Anal 2017.</p>"
            "<p>3D Slicer: Fedorov A et al. 3D Slicer as an Image Computing Platform for the Quantitative Imaging Network. "
            "Magn Reson Imaging 2012.</p>"
        )


@parameterNodeWrapper
class LesionTrainingParameters:
    """What a person chose; kept in the scene.

    source - kind of cohort.
    descriptionFilter, modalityFilter, labelledOnly - which series of the DICOM database are shown.
    series - UIDs of those that are checked.
    labels, labelTable, segments, structures, oneLesion - what counts as a lesion there.
    paths, options - of the other kinds: kind -> path, "kind/option" -> value.
    method, preset, name - id, name of settings, name of the model; empty for the usual.
    folds, fold - 0: none; -1: all in turn.
    device, seed, workers, settingsFile, validation, test - as in LesionTrainingLib.session.plan.
    plotShown - curves in the plot view.
    model - path of the model whose result is shown.
    phantomSeed - number of the sample scan.
    """

    source: str = "dicomdb"
    descriptionFilter: str = ""
    modalityFilter: str = ""
    labelledOnly: bool = False
    series: list[str]
    labels: str = "auto"
    labelTable: str = ""
    segments: str = ""
    structures: str = ""
    oneLesion: str = "usual"
    paths: dict[str, str]
    options: dict[str, str]
    method: str = "nodule-ct"
    preset: str = ""
    name: str = ""
    folds: Annotated[int, WithinRange(0, 20)] = 0
    fold: int = -1
    device: str = "auto"
    seed: Annotated[int, WithinRange(0, 999999)] = 0
    workers: Annotated[int, WithinRange(1, 64)] = 1
    settingsFile: str = ""
    validation: str = ""
    test: str = ""
    plotShown: bool = True
    model: str = ""
    phantomSeed: Annotated[int, WithinRange(0, 99999)] = 0


class LesionTrainingWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Ties the panel (LesionTrainingLib.panel) to Slicer: its parameter node, its scene, entering and leaving."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._tie = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from LesionDetectionLib.panel.parameter_tie import ParameterTie
        from LesionTrainingLib.panel.training_panel import TrainingPanel

        self.logic = LesionTrainingLogic()
        self.uiWidget = slicer.util.loadUI(self.resourcePath("UI/LesionTraining.ui"))
        self.layout.addWidget(self.uiWidget)
        self.ui = slicer.util.childWidgetVariables(self.uiWidget)
        self.uiWidget.setMRMLScene(slicer.mrmlScene)
        self._tie = ParameterTie(self.uiWidget, self._onParameters)
        panel = TrainingPanel(self.ui, slicer.mrmlScene)
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
        if self.panel is not None:
            self._useParameterNode()
            self.panel.enter()

    def exit(self):
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
        # After loading, the old wrapper does not know the loaded values.
        self._useParameterNode()

    def onReload(self):
        """Also load the library anew: Slicer executes this file only."""
        if self.panel is not None:
            self.panel.close()
            self.panel = None
        for name in [name for name in sys.modules if name.split(".")[0] == "LesionTrainingLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def _useParameterNode(self):
        self._tie.connect(self.logic.getParameterNode())
        self.panel.use(self._tie.parameters)

    def _onParameters(self):
        if self.panel is not None:
            self.panel.choices_changed()


class LesionTrainingLogic(ScriptedLoadableModuleLogic):
    """Cohorts, training and phantoms for scripts; runs in this process and returns when it is done."""

    def getParameterNode(self):
        return LesionTrainingParameters(ScriptedLoadableModuleLogic.getParameterNode(self))

    def openDatabase(self, database, **options):
        """The series of an open DICOM database (``slicer.dicomDatabase``) as a cohort; nothing is written to it.

        Options are those of ``lesion cohort --kinds`` for ``dicomdb``: ``modality="CT"``, ``description="*lung*"``, ...
        """
        from LesionTrainingLib.cohorts.dicom.live import open_live
        from LesionTrainingLib.cohorts.dicom.options import DicomOptions

        return open_live(database, DicomOptions(**options))

    def train(self, cohort, output, methodId="nodule-ct", preset="", device="auto", seed=0, resume=False, report=None):
        """Train on the cohort of a specification (``dicomdb:...``, ``luna16:...``) and write a bundle to ``output``.

        preset - name of settings (LesionTrainingLib.session.presets); empty for the recipe's own.
        report - called with (fraction, text); may raise LesionDetectionLib.core.errors.Cancelled to stop.
        resume - go on with the run beside ``output`` (``<output>.run``) that was stopped.

        Returns the bundle (LesionDetectionLib.core.bundle.Bundle). Raises LesionDetectionError with a sentence for the user.
        """
        from LesionDetectionLib.core.progress import Progress
        from LesionDetectionLib.methods.plain_values import changed
        from LesionTrainingLib.learning.parts import PartsRequest
        from LesionTrainingLib.learning.recipe import recipe
        from LesionTrainingLib.learning.training import TrainingRequest, train_bundle
        from LesionTrainingLib.session.presets import preset as namedPreset

        settings = changed(recipe(methodId).default_settings(), namedPreset(methodId, preset).settings)
        request = TrainingRequest(
            methodId, PartsRequest(cohort, seed=seed), Path(output), settings, device=device, resume=resume
        )
        return train_bundle(request, Progress(report))

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
    """Presses the panel's own buttons, with its own worker processes. About a minute on two cores; asks nothing.

    What it does is in LesionTrainingLib.panel.self_test, which is loaded when it is run.
    """

    def runTest(self):
        from LesionTrainingLib.panel.self_test import TrainingSelfTest

        TrainingSelfTest("LesionTraining", self.delayDisplay).run()
