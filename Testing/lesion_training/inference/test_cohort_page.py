"""What a run over a cohort leaves for people: its counts are those of the run, hostile names do no harm, gaps are told."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from LesionDetectionLib.app.documents.document import Facts, Picture, Tiles
from LesionDetectionLib.app.documents.html import html_text
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.io.lesion_table import write_csv
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.inference import cohort_page
from LesionTrainingLib.inference.cohort_page import cohort_document
from LesionTrainingLib.inference.ending import CohortDetections, write_ending
from LesionTrainingLib.inference.found import read_findings
from LesionTrainingLib.inference.job import Outcome
from read_page import Page
from read_pdf import Pdf

GRID = Geometry((10, 10, 10), np.eye(4))
HOSTILE = '<img src=x onerror="alert(1)">'
FOUND = {"quiet": (), "busy": ((0.9, 4.0), (0.55, 12.0), (0.1, 0.0)), HOSTILE: ((0.97, 30.0),)}


@pytest.fixture
def drawn(monkeypatch):
    """The histograms that are drawn, by what they count; as blank figures."""
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", lambda canvas: canvas.get_renderer())
    plots = {}
    histogram = cohort_page.histogram

    def kept(*arguments, **named):
        plots[named["x"]] = histogram(*arguments, **named)
        return plots[named["x"]]

    monkeypatch.setattr(cohort_page, "histogram", kept)
    return plots


@pytest.fixture
def ended(a_cohort, a_job, drawn):
    """A cohort, its job, and what became of it: three cases are done, one failed, one was never listed."""
    outcomes = []
    for name, lesions in FOUND.items():
        found = tuple(Lesion((1.0, 2.0, 3.0), size, score) for score, size in lesions)
        detections = Detections(found, GRID, "stand-in", operating_point=OperatingPoint("all", 0.0))
        (a_job.output / name).mkdir(parents=True)
        detections.save(a_job.output / name / "detections.json")
        write_csv(detections, a_job.output / name / "lesions.csv")
        outcomes.append(Outcome(name, len(found), max((score for score, _ in lesions), default=None), 1.5))
    (a_job.output / HOSTILE / "report.html").write_text("a report")
    failed, unlisted = (LeftOut("bad", "Its file is damaged."),), (LeftOut("lost", "=It has no scan."),)
    return a_cohort("good"), a_job, CohortDetections(tuple(outcomes), 1, unlisted, failed, 0, 12.0)


def total(plot):
    return sum(row[-1] for row in plot.data.rows)


def test_the_histograms_add_up_with_the_run(ended, drawn):
    cohort, job, result = ended
    document = cohort_document(cohort, job, None, result)
    assert document.lead == "4 findings in 3 cases, 1 of them without any; 1 case failed."
    assert [total(plot) for plot in drawn.values()] == [4, 4, 3]
    assert drawn["Diameter (mm)"].data.rows[-1] == (None, None, 1), "one of unknown size"
    assert "1 of unknown size is not drawn." in html_text(document)
    assert [row[-1] for row in drawn["Findings in a case"].data.rows] == [1, 1, 0, 1, 0]
    (tiles,) = document.sections[0].blocks
    assert isinstance(tiles, Tiles)
    assert [type(block) for block in tiles.blocks] == [Picture] * 3 + [Facts]


def test_cases_with_their_reports_and_what_was_left_out(ended):
    page = Page(html_text(cohort_document(*ended[:2], None, ended[2])))
    assert not [tag for tag, attributes in page.elements if "onerror" in attributes or tag == "script"]
    places = [
        page.text.rindex(name) for name in ("Cases, the highest score first", HOSTILE, "busy", "quiet", "Left out")
    ]
    assert places == sorted(places)
    (link,) = [attributes["href"] for attributes in page.all("a") if not attributes["href"].startswith("#")]
    assert link.endswith("/report.html")
    assert link.startswith(("./", "%3C"))
    assert "Its file is damaged." in page.text
    assert "=It has no scan." in page.text
    assert "2 cases were left out of every figure" in page.text
    assert "Nothing was compared with what is true" in page.text
    assert "1 case was done by an earlier run" in page.text
    assert "not known: nothing was measured at this threshold" in page.text


def test_the_files_beside_the_cases(ended):
    cohort, job, result = ended
    write_ending(dataclasses.replace(cohort, on_phantoms=True), job, None, result, 2)
    text = (job.output / "index.html").read_text(encoding="utf-8")
    assert "The cohort is computer-made: no patients." in text
    pdf = Pdf(job.output / "report.pdf")
    assert "4 findings in 3 cases" in pdf.text
    assert "Its file is damaged." in pdf.text
    assert pdf.images, "blank figures are alike, and kept once"
    assert json.loads((job.output / "cohort.json").read_text())["counts"]["lesions"] == 4


def test_tables_that_cannot_be_read_any_more(ended):
    cohort, job, result = ended
    (job.output / "busy" / "lesions.csv").write_text("rank,score\n1,often\n")
    (job.output / HOSTILE / "lesions.csv").unlink()
    (job.output / "quiet" / "detections.json").write_text("{}")
    found = read_findings(job.output, result.done)
    assert [bool(case.problem) for case in found] == [False, True, True]
    text = html_text(cohort_document(cohort, job, None, result))
    assert "lesions.csv cannot be read (FileNotFoundError)." in text
    assert "The tables of 2 cases could not be read any more" in text


def test_a_run_that_was_stopped_before_anything_was_done(ended):
    cohort, job, _ = ended
    text = html_text(cohort_document(cohort, job, None, CohortDetections((), 0, (), (), 2, 1.0)))
    assert "Not one of 2 cases is done." in text
    assert "The run was stopped, with 2 cases not done yet." in text
    assert "Findings in a case" not in text
