"""The self-test of Lesion Training. About a minute on two cores."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import slicer
from LesionDetectionLib.panel.self_test import SelfTest
from slicer.i18n import tr as _


class TrainingSelfTest(SelfTest):
    """List, choose, check, train, pause, resume, judge, as a person does it."""

    def test_phantom_is_loaded(self) -> None:
        """A phantom made by the worker comes as a volume with its true nodules."""
        panel, _ui = self.panel()
        panel.sample.load("tiny")
        self.wait(lambda: not panel.session.phantom.busy)
        assert panel.session.phantom.error is None
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
        truth = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        assert truth.GetSegmentation().GetNumberOfSegments() > 0

    def test_training_from_the_dicom_database(self) -> None:
        """Phantoms are imported as DICOM with SEG, chosen in the tree, checked and trained on; the run is paused and goes on;
        the model then lies in the model folder."""
        if not self.can("train"):
            return
        from DICOMLib import DICOMUtils

        before, models = Path.cwd(), os.environ.get("LESION_MODELS")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.chdir(folder)  # Slicer 5.8 leaves a database in the current folder
            os.environ["LESION_MODELS"] = str(folder / "models" / "Models")
            try:
                self._write_phantoms(folder / "phantoms", 3)
                with DICOMUtils.TemporaryDICOMDatabase(str(folder / "database")):
                    DICOMUtils.importDicom(str(folder / "phantoms"))
                    self._train(folder)
            finally:
                os.chdir(before)
                os.environ.pop("LESION_MODELS")
                if models is not None:
                    os.environ["LESION_MODELS"] = models

    def _train(self, folder: Path) -> None:
        panel, ui = self.panel()
        chosen, session = panel.context.parameters, panel.session
        panel.enter()
        panel.data.list_database(again=True)
        self.wait(lambda: not session.listing.busy)
        assert session.catalogue.counts.labelled == 3
        chosen.labelledOnly = True
        ui.allButton.click()
        assert len(chosen.series) == 3
        ui.checkButton.click()
        self.wait(lambda: not session.checking.busy)
        assert session.checking.error is None
        assert session.summary.lesions > 0
        chosen.preset, chosen.name, chosen.device = "trial", "Self-test", "cpu"
        chosen.settingsFile = str(folder / "few-steps.yaml")
        Path(chosen.settingsFile).write_text(
            "screening_stage: {steps: 12, batch: 8}\nreduction_stage: {steps: 4, batch: 4}\n"
        )
        ui.startButton.click()
        assert ui.startButton.text == _("Pause")
        self.wait(lambda: session.run.text.startswith("Step") or not session.run.state.is_busy)
        ui.startButton.click()
        self.wait(lambda: not session.run.state.is_busy)
        assert session.run.state.value == "paused", str(session.run.error)
        assert ui.startButton.text == _("Resume")
        ui.startButton.click()
        self.wait(lambda: not session.run.state.is_busy)
        assert session.run.state.value == "finished", str(session.run.error)
        panel.run.poll()
        assert [len(curve.steps) for curve in session.run.curves.losses] == [12, 4]
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") > 0
        assert "Self-test" in [entry.name for entry in panel.context.shelf.entries("nodule-ct")]
        assert panel.result.result.name == "Self-test"
        assert panel.result.result.scans == 1

    def test_choices_are_kept_in_the_scene(self) -> None:
        """A saved scene opens with what was chosen; a closed one shows the usual again."""
        panel, ui = self.panel()
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

    def test_nothing_is_left_observed(self) -> None:
        """A widget that is taken away observes nothing any more and has no worker."""
        assert not self.check_that_nothing_is_left().session.listing.busy

    def _write_phantoms(self, folder: Path, count: int) -> None:
        """Phantoms as DICOM series with their nodules as SEG; by the worker, which has the libraries for it."""
        from LesionTrainingLib.panel.training_panel import worker_engine
        from LesionTrainingLib.session.requests import PhantomSeriesRequest

        engine = worker_engine()
        try:
            job = engine.submit(PhantomSeriesRequest(str(folder), count), {}, lambda _job: None)
            self.wait(lambda: job.finished)
            assert job.state == "done", str(job.error)
        finally:
            engine.close()
