"""The panel on the double of Slicer, with an engine that the test itself moves on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.core.lesion import NODULE, Lesion, Mask
from LesionDetectionLib.core.resources import demonstration_model
from LesionDetectionLib.imaging.measurements import measure_mask

CENTERS = ((20.0, 20.0, 12.0), (44.0, 40.0, 28.0), (16.0, 44.0, 30.0), (46.0, 16.0, 10.0))
SCORES = (0.97, 0.81, 0.40, 0.16)
"""Of the demonstration model's points (0.88, 0.56, 0.15), two pass the usual one and all pass the lowest."""
RADII = (6.0, 5.0, 4.0, 3.0)


@dataclass
class HeldEngine:
    """Keeps what is submitted until the test says how it ends."""

    jobs: list[Any] = field(default_factory=list)
    closed: bool = False

    def submit(self, request, images, on_change):
        job = Job(len(self.jobs) + 1, request, self._cancel)
        self.jobs.append((job, on_change, dict(images)))
        return job

    def go_on(self, fraction, text):
        job, on_change, _ = self.jobs[-1]
        job.state, job.fraction, job.text = "running", fraction, text
        on_change(job)

    def finish(self, result):
        self._end("done", result=result)

    def fail(self, text, details=""):
        self._end("failed", error=InputError(text), details=details)

    def end_cancelled(self):
        self._end("cancelled")

    def end_all(self):
        for job, on_change, _ in [held for held in self.jobs if not held[0].finished]:
            job.state = "cancelled"
            on_change(job)

    @property
    def request(self):
        return self.jobs[-1][0].request

    def _cancel(self, job):
        job.state = "cancelling"
        next(on_change for one, on_change, _ in self.jobs if one is job)(job)

    def _end(self, state, **facts):
        job, on_change, _ = self.jobs[-1]
        for name, value in facts.items():
            setattr(job, name, value)
        job.state = state
        on_change(job)

    def close(self):
        self.closed = True


@pytest.fixture
def engine():
    return HeldEngine()


@pytest.fixture
def widget(slicer_app, engine, monkeypatch, tmp_path):
    """The module's widget, entered, with the engine above instead of a process, and no models but the shipped ones."""
    monkeypatch.setenv("LESION_MODELS", str(tmp_path / "models"))
    from LesionDetectionLib.panel import detection_panel

    monkeypatch.setattr(detection_panel, "worker_engine", lambda: engine)
    made = slicer_app.load_module("LesionDetection")
    slicer_app.show(made)
    return made


@pytest.fixture
def panel(widget):
    return widget.panel


@pytest.fixture
def ui(widget):
    return widget.ui


def chest_image() -> Image:
    """Lung-like noise with four balls at ``CENTERS``; RAS mm equal voxel indices."""
    k, j, i = np.indices((40, 64, 64), dtype=np.float32)
    voxels = np.random.default_rng(0).normal(-850, 20, i.shape)
    for (r, a, s), radius in zip(CENTERS, RADII, strict=True):
        voxels[(i - r) ** 2 + (j - a) ** 2 + (k - s) ** 2 <= radius**2] += 890
    return Image(voxels.astype(np.int16), np.eye(4), CT, HU, "chest")


def found_in(image: Image) -> Detections:
    """What the demonstration model might find in ``chest_image``."""
    bundle = Bundle.open(demonstration_model("nodule-ct-phantom"))
    model = {"name": bundle.manifest.name, "version": bundle.manifest.version, "sha256": bundle.digest}
    lesions = [ball(image, *facts) for facts in zip(CENTERS, RADII, SCORES, strict=True)]
    return Detections(
        tuple(lesions),
        image.geometry,
        "nodule-ct",
        image.name,
        image.modality,
        image.unit,
        OperatingPoint("0.12", 0.12),
        {"model": model},
        bundle.warnings(),
    )


def ball(image: Image, center, radius, score=1.0) -> Lesion:
    mask = ball_mask(image.geometry, center, radius)
    measured = measure_mask(image, mask)
    return Lesion(
        measured.center_ras_mm,
        measured.recist.long_mm,
        score,
        measured.box_ras_mm,
        mask,
        measured.recist,
        measured.values,
        NODULE,
        "nodule-ct",
        "nodule-ct-phantom",
    )


def ball_mask(geometry: Geometry, center, radius) -> Mask:
    k, j, i = np.indices(geometry.shape_kji)
    r, a, s = center
    return Mask.from_full((i - r) ** 2 + (j - a) ** 2 + (k - s) ** 2 <= radius**2)


@pytest.fixture
def ct(slicer_app, panel):
    """The chest in the scene, chosen as CT."""
    from LesionDetectionLib.io.mrml import volume_node

    node = volume_node(slicer_app.scene, chest_image())
    panel.context.parameters.ctVolume = node
    return node


@pytest.fixture
def detected(slicer_app, panel, ui, ct, engine):
    """The panel after Detect: four candidates, two of them shown."""
    ui.detectButton.click()
    engine.finish(found_in(chest_image()))
    return panel.session.results


def clicked_lesion(center=CENTERS[0], radius=RADII[0]) -> Lesion:
    """What click to measure might give."""
    return replace(ball(chest_image(), center, radius), method="click", model="")
