"""Cohorts of small scan files, and a job that works on them; Dask's processes find ``stand_ins`` by name."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.inference.cohort_run import make_job


@pytest.fixture
def stand_ins(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("stand_ins")


@pytest.fixture
def a_cohort(stand_ins, forked_workers, tmp_path):
    """``a_cohort("good-1", "dies")`` -> a cohort of scans of these names; ``corrupt...`` is no scan."""

    def make(*names: str) -> Cohort:
        scans = tmp_path / "scans"
        scans.mkdir(exist_ok=True)
        cases = []
        for name in names:
            path = scans / f"{name}.nrrd"
            if name.startswith("corrupt"):
                path.write_bytes(b"NRRD0004\nnonsense")
            elif not path.exists():
                stand_ins.write_scan(path)
            cases.append(stand_ins.FileCase(name, name, "", ("CT",), False, path))
        return Cohort("files:here", "small files", tuple(cases))

    return make


@pytest.fixture
def a_job(stand_ins, tmp_path):
    """A job of the stand-in, writing to ``tmp_path / "out"``; its detector leaves a line a scan in ``tmp_path / "seen"``."""
    (tmp_path / "seen").mkdir()
    job, _ = make_job(stand_ins.METHOD, None, "", tmp_path / "out", device="cpu")
    return dataclasses.replace(job, settings=dataclasses.replace(job.settings, notes=str(tmp_path / "seen")))


@pytest.fixture
def plain_endings(monkeypatch):
    """Reports of a cohort have blank figures and an empty PDF: what is in them is tested where they are made."""
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", lambda canvas: canvas.get_renderer())
    monkeypatch.setattr("LesionDetectionLib.app.documents.pdf.pdf_bytes", lambda document, made=None: b"%PDF-")
