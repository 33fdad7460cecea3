"""What the tests of both user interfaces of training share: engines that the test itself moves on, and what a run leaves behind."""

from __future__ import annotations

import itertools

import numpy as np
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionTrainingLib.learning.engine.history import STEP, VALIDATION, HistoryWriter, Record
from LesionTrainingLib.session.cohort_choice import CohortSummary

SUMMARY = CohortSummary(
    "Slicer's DICOM database",
    "dicomdb:/db",
    3,
    2,
    3,
    17,
    {"0-6": 4, "6-10": 9, "10-20": 4},
    {},
    (),
    ("A note.",),
    False,
)

FIGURES = {
    "scans": 20,
    "cpm": 0.731,
    "froc": [[0.99, 0.05, 0.31], [0.9, 0.25, 0.55], [0.7, 1.0, 0.76], [0.4, 4.0, 0.91], [0.1, 12.0, 0.95]],
    "confidence": {
        "level": 0.95,
        "samples": 1000,
        "cpm": [0.662, 0.794],
        "froc": [[0.125, 0.3, 0.52], [0.5, 0.55, 0.74], [2.0, 0.75, 0.9], [8.0, 0.87, 0.98]],
    },
}
CARD = "# Mine\n\nLung nodules in CT.\n\n## Limits\n\n- It is a test.\n\n## How good it is\n\nCPM 0.731.\n"


class SteeredEngine:
    """Each job waits until the test says what becomes of it."""

    def __init__(self):
        self.jobs, self.closed = [], False
        self._numbers = itertools.count(1)
        self._callbacks = {}

    def submit(self, request, images, on_change):
        job = Job(next(self._numbers), request, self._cancel)
        self._callbacks[job.id] = on_change
        self.jobs.append(job)
        job.state = "running"
        on_change(job)
        return job

    def close(self):
        self.closed = True
        for job in self.jobs:
            if not job.finished:
                self.end("cancelled", job=job)

    def _cancel(self, job):
        job.state = "cancelling"
        self._callbacks[job.id](job)

    @property
    def asked(self):
        return [job.request for job in self.jobs]

    def tell(self, fraction, text="", job=None):
        job = job or self.jobs[-1]
        job.fraction, job.text = fraction, text
        self._callbacks[job.id](job)

    def end(self, state="done", result=None, error=None, details="", job=None):
        job = job or self.jobs[-1]
        job.state, job.result, job.error, job.details = state, result, error, details
        self._callbacks[job.id](job)


class Engines:
    """All that were made; requests of a kind are found wherever they are."""

    def __init__(self):
        self.made = []

    def __call__(self, _grace_s=0.0, **_options):
        self.made.append(SteeredEngine())
        return self.made[-1]

    def asked(self, kind):
        """(engine, job) of each request of this kind, the oldest first."""
        return [(e, job) for e in self.made for job in e.jobs if type(job.request).__name__ == kind]

    def last(self, kind):
        found = self.asked(kind)
        assert found, f"no {kind} was asked"
        return found[-1]

    def tell(self, kind, fraction, text=""):
        engine, job = self.last(kind)
        engine.tell(fraction, text, job)

    def end(self, kind, state="done", **facts):
        engine, job = self.last(kind)
        engine.end(state, job=job, **facts)


def learned(run, steps, stage="screening", validated=()):
    """Write a history of so many steps as a recipe does; with validations after those that are named."""
    folder = run.folder.folder(run.part)
    (folder / stage).mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text("{}")
    writer = HistoryWriter(folder / stage)
    random = np.random.default_rng(0)
    for step in range(1, steps + 1):
        loss = float(0.1 + 0.6 * np.exp(-step / 30) + 0.04 * random.normal())
        writer(Record(STEP, step, float(step), {"loss": loss}))
        if step in validated:
            writer(Record(VALIDATION, step, float(step), {"found": 1 - float(np.exp(-step / 40))}))
    writer.close()


def write_model(path, name, figures=FIGURES, on_phantoms=False, card=None):
    """A model that is measured as ``figures`` say, with a card."""
    settings = {"operating_points": {"all": 0.1}, "default_operating_point": "all"}
    training = {"cases": {"training": 14, "validation": 3, "test": 3}}
    metrics = {"test": figures} if figures else {}
    manifest = Manifest("nodule-ct", name, "1", {}, settings, training, on_phantoms, metrics)
    text = CARD.replace("Mine", name) if card is None else card
    write_bundle(path, manifest, {"w": np.zeros(1, np.float32)}, text, overwrite=True)
