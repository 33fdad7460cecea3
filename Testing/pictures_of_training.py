"""Pictures of Lesion Training for ``make_pictures.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pictures_in_slicer import PATIENCE_S, take


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


SUBJECTS = {"training": training}
