"""A session on a real scene, with an engine whose jobs the test ends as it likes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.session.session import DetectChoice, Session
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.io import mrml, mrml_scene

from .in_nodes import ball_at


class HandEngine:
    """Holds each job until the test ends it."""

    def __init__(self):
        self.jobs = []
        self.closed = False

    def submit(self, request, images, on_change):
        job = Job(len(self.jobs) + 1, request, self._cancel)
        job.state = "running"
        self.jobs.append((job, dict(images), on_change))
        on_change(job)
        return job

    def _cancel(self, job):
        job.state = "cancelled"
        next(tell for one, _, tell in self.jobs if one is job)(job)

    def done(self, result):
        job, _, tell = self.jobs[-1]
        job.result, job.state = result, "done"
        tell(job)

    def failed(self, text):
        job, _, tell = self.jobs[-1]
        job.error, job.state = InputError(text), "failed"
        tell(job)

    def close(self):
        self.closed = True


@pytest.fixture
def scene():
    with mrml_scene.temporary_scene() as temporary:
        yield temporary


@pytest.fixture
def engine():
    return HandEngine()


@pytest.fixture
def session(scene, engine):
    return Session(scene, engine)


@pytest.fixture
def changes(session):
    told = []
    session.observe(told.append)
    return told


@pytest.fixture
def detected(scene, session, engine, make_run):
    """``detected(count)`` -> (volume node, image, detections): a result in the scene, as the worker would have given it."""

    def detect(count=4, threshold=0.6, **options):
        image, detections = make_run(count, **options)
        detections = replace(detections, provenance={"model": {"name": "m", "sha256": "s"}})
        volume = mrml.volume_node(scene, image)
        session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
        engine.done(detections)
        session.set_threshold(threshold)
        return volume, image, detections

    return detect


@pytest.fixture
def clicked(session, engine, scene):
    """A clicked lesion in an image of nothing else."""
    image = Image(
        np.full((30, 60, 60), -800, np.int16), np.diag([1.0, 1.0, 1.0, 1.0]), modality="CT", unit="HU", name="ct"
    )
    volume = mrml.volume_node(scene, image)
    session.measure(volume, (20.0, 20.0, 15.0))
    engine.done(ball_at(image, (20, 20, 15)))
    return volume, image
