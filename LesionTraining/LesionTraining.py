"""Slicer module: train and judge lesion detectors on a cohort. The work is done in LesionTrainingLib."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import qt
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
    """Presses the panel's own buttons, with its own worker processes. About a minute on two cores; asks nothing."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        for test in (
            self.test_phantom_is_loaded,
            self.test_training_from_the_dicom_database,
            self.test_choices_are_kept_in_the_scene,
            self.test_nothing_is_left_observed,
        ):
            self.setUp()
            self.delayDisplay(test.__name__.replace("_", " "), 100)
            test()

    def test_phantom_is_loaded(self):
        """A phantom made by the worker comes as a volume with its true nodules."""
        panel, _ui = self._panel()
        panel.sample.load("tiny")
        self._wait(lambda: not panel.session.phantom.busy)
        assert panel.session.phantom.error is None
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
        truth = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        assert truth.GetSegmentation().GetNumberOfSegments() > 0

    def test_training_from_the_dicom_database(self):
        """Phantoms are imported as DICOM with SEG, chosen in the tree, checked and trained on; the run is paused and goes on;
        the model then lies in the model folder."""
        if not self._librariesAreHere():
            return
        from DICOMLib import DICOMUtils

        before, models = Path.cwd(), os.environ.get("LESION_MODELS")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.chdir(folder)  # Slicer 5.8 leaves a database in the current folder
            os.environ["LESION_MODELS"] = str(folder / "models" / "Models")
            try:
                self._writePhantoms(folder / "phantoms", 3)
                with DICOMUtils.TemporaryDICOMDatabase(str(folder / "database")):
                    DICOMUtils.importDicom(str(folder / "phantoms"))
                    self._train(folder)
            finally:
                os.chdir(before)
                os.environ.pop("LESION_MODELS")
                if models is not None:
                    os.environ["LESION_MODELS"] = models

    def _train(self, folder):
        panel, ui = self._panel()
        chosen, session = panel.context.parameters, panel.session
        panel.enter()
        panel.data.list_database(again=True)
        self._wait(lambda: not session.listing.busy)
        assert session.catalogue.counts.labelled == 3
        chosen.labelledOnly = True
        ui.allButton.click()
        assert len(chosen.series) == 3
        ui.checkButton.click()
        self._wait(lambda: not session.checking.busy)
        assert session.checking.error is None
        assert session.summary.lesions > 0
        chosen.preset, chosen.name, chosen.device = "trial", "Self-test", "cpu"
        chosen.settingsFile = str(folder / "few-steps.yaml")
        Path(chosen.settingsFile).write_text(
            "screening_stage: {steps: 12, batch: 8}\nreduction_stage: {steps: 4, batch: 4}\n"
        )
        ui.startButton.click()
        assert ui.startButton.text == _("Pause")
        self._wait(lambda: session.run.text.startswith("Step") or not session.run.state.is_busy)
        ui.startButton.click()
        self._wait(lambda: not session.run.state.is_busy)
        assert session.run.state.value == "paused", str(session.run.error)
        assert ui.startButton.text == _("Resume")
        ui.startButton.click()
        self._wait(lambda: not session.run.state.is_busy)
        assert session.run.state.value == "finished", str(session.run.error)
        panel.run.poll()
        assert [len(curve.steps) for curve in session.run.curves.losses] == [12, 4]
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") > 0
        assert "Self-test" in [entry.name for entry in panel.context.shelf.entries("nodule-ct")]
        assert panel.result.result.name == "Self-test"
        assert panel.result.result.scans == 1

    def test_choices_are_kept_in_the_scene(self):
        """A saved scene opens with what was chosen; a closed one shows the usual again."""
        panel, ui = self._panel()
        chosen = panel.context.parameters
        chosen.source, chosen.folds, chosen.name = "phantoms", 3, "Mine"
        chosen.options = {"phantoms/seeds": "0-5"}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            assert slicer.util.saveScene(str(path))
            slicer.mrmlScene.Clear()
            assert ui.foldsSpinBox.value == 0
            slicer.util.loadScene(str(path))
        assert ui.foldsSpinBox.value == 3
        assert ui.nameEdit.text == "Mine"
        assert panel.data.cohort() == "phantoms:chest?seeds=0-5"

    def test_nothing_is_left_observed(self):
        """A widget that is taken away observes nothing any more and has no worker."""
        parent = slicer.qMRMLWidget()
        parent.setLayout(qt.QVBoxLayout())
        parent.setMRMLScene(slicer.mrmlScene)
        widget = LesionTrainingWidget(parent)
        widget.setup()
        assert widget.panel is not None, "setup() did not come to its end"
        panel = widget.panel
        widget.cleanup()
        assert len(widget.Observations) == 0
        assert widget.panel is None
        slicer.mrmlScene.Clear()
        assert not panel.session.listing.busy
        parent.deleteLater()

    def _panel(self):
        widget = slicer.util.getModuleWidget("LesionTraining")
        assert widget.panel is not None, "setup() did not come to its end"
        return widget.panel, widget.ui

    def _writePhantoms(self, folder, count):
        """Phantoms as DICOM series with their nodules as SEG; by the worker, which has the libraries for it."""
        from LesionTrainingLib.panel.training_panel import worker_engine
        from LesionTrainingLib.session.requests import PhantomSeriesRequest

        engine = worker_engine()
        try:
            job = engine.submit(PhantomSeriesRequest(str(folder), count), {}, lambda _job: None)
            self._wait(lambda: job.finished)
            assert job.state == "done", str(job.error)
        finally:
            engine.close()

    def _librariesAreHere(self):
        from LesionDetectionLib.app.packages import missing

        lacking = missing("train")
        if lacking:
            self.delayDisplay(_("Skipped: {why}.").format(why="; ".join(one.problem for one in lacking)), 100)
        return not lacking

    def _wait(self, until, seconds=120):
        """Let Qt's events pass until something is so."""
        waited = qt.QElapsedTimer()
        waited.start()
        while not until():
            assert waited.elapsed() < 1000 * seconds, "it took too long"
            loop = qt.QEventLoop()
            qt.QTimer.singleShot(20, loop.quit)
            loop.exec_()
