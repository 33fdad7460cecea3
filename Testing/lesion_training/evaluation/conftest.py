"""What whole evaluations share."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, Image
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort, LeftOut
from LesionTrainingLib.evaluation import detecting

from .blocks import GRID, MARKS, TRUTH


@pytest.fixture
def blank_figures(monkeypatch):
    """Figures stay blank: that they are right is tested where they are made, and drawing takes most of an evaluation's time."""
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", lambda canvas: canvas.get_renderer())


@pytest.fixture
def nothing_drawn(blank_figures, monkeypatch):
    """PDFs are empty, too."""
    monkeypatch.setattr("LesionDetectionLib.app.documents.pdf.pdf_bytes", lambda document, made=None: b"%PDF-")


@dataclass(frozen=True)
class PlainCase(Case):
    """A case that is all in memory; "bad" has labels that cannot be read."""

    def images(self, progress=None):
        return {CT: Image(np.zeros(GRID.shape_kji, np.int16), GRID.ijk_to_ras, CT, "HU", self.id)}

    def truth(self):
        if self.id == "bad":
            raise InputError("The labels of bad are damaged.")
        return Truth(TRUTH[self.id])

    def sources(self):
        return ()


@pytest.fixture
def folders(tmp_path):
    """Truth and marks as folders of detections files."""
    for name, lesions in (*(("truth", n) for n in TRUTH), *(("marks", n) for n in MARKS)):
        source = TRUTH if name == "truth" else MARKS
        Detections(source[lesions], GRID, "stand-in").save(tmp_path / name / lesions / "detections.json")
    return tmp_path


@pytest.fixture
def a_cohort(monkeypatch):
    """``--cohort here:x`` opens three good cases, one bad, one without labels; one was left out."""
    cases = [PlainCase(name, name, "", (CT,), name != "unlabelled") for name in ("a", "bad", "b", "unlabelled", "c")]

    def open_cohort(spec, progress=None):
        return Cohort(spec, "computer-made blocks", tuple(cases), (LeftOut("lost", "Its file is gone."),), (), True)

    monkeypatch.setattr("LesionTrainingLib.cohorts.spec.open_cohort", open_cohort)


@pytest.fixture
def a_model(tmp_path, monkeypatch):
    """A bundle of a stand-in method that gives the marks above, all of them at the operating point 0."""

    @dataclass(frozen=True)
    class Settings:
        measure: bool = True
        operating_point: str = ""

    asked = []

    def detect(images, settings, progress):
        asked.append(settings)
        name = images[CT].name
        return Detections(MARKS[name], GRID, "stand-in", name)

    info = SimpleNamespace(
        id="stand-in",
        modalities=(CT,),
        required=(CT,),
        choices=(),
        review_settings={},
        create=lambda bundle, device: SimpleNamespace(detect=detect),
        default_settings=lambda bundle: Settings(),
    )
    monkeypatch.setattr(detecting, "method", lambda method_id: info)
    points = {"operating_points": {"strict": 0.65, "all": 0.0}, "default_operating_point": "strict"}
    write_bundle(tmp_path / "model", Manifest("stand-in", "blocks", "1", {}, points, {}, True), {"w": np.zeros(1)}, "")
    return SimpleNamespace(path=tmp_path / "model", asked=asked)


@pytest.fixture
def luna16_lists(tmp_path):
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\na,0,0,0,8\nb,9,9,9,6\n")
    (tmp_path / "excluded.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\na,50,0,0,-1\n")
    (tmp_path / "series.csv").write_text("a\nb\n")
    (tmp_path / "marks.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,probability\na,1,0,0,0.9\na,0,1,0,0.8\na,51,0,0,0.7\nb,90,9,9,0.6\n"
    )
    return [
        f"--{option}={tmp_path / name}"
        for option, name in (
            ("annotations", "annotations.csv"),
            ("excluded", "excluded.csv"),
            ("seriesuids", "series.csv"),
            ("detections", "marks.csv"),
        )
    ]
