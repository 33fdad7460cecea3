"""Diameters drawn as line markups, on real MRML: which lines count, where their ends lie, what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import vtk
from LesionDetectionLib.app.recist_request import RecistRequest, lesion_from_diameters
from LesionDetectionLib.app.session.diameters import drawn_lines, ends_of
from LesionDetectionLib.app.worker.in_process import InProcess
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.finding import DRAWN
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io import mrml

CENTER = (30.0, 26.0, 12.0)
LONG = ((22.0, 26.0, 12.0), (38.0, 26.0, 12.0))
SHORT = ((30.0, 20.0, 12.0), (30.0, 32.0, 12.0))


@pytest.fixture(scope="module")
def image():
    """An ellipsoid with axes of 16, 12 and 10 mm in noise; RAS mm are voxel indices."""
    k, j, i = np.indices((24, 52, 60), dtype=float)
    inside = ((i - 30) / 8) ** 2 + ((j - 26) / 6) ** 2 + ((k - 12) / 5) ** 2 <= 1
    noise = np.random.default_rng(0).normal(0, 12, inside.shape)
    return Image((np.where(inside, 60, -80) + noise).astype(np.int16), np.eye(4), "CT", "HU", "ct")


@pytest.fixture(scope="module")
def made(image):
    """What the worker makes of the diameters."""
    return lesion_from_diameters(RecistRequest("CT", (SHORT, LONG)), {"CT": image}, None, Progress())


@pytest.fixture
def volume(scene, image):
    return mrml.volume_node(scene, image)


@pytest.fixture
def draw(scene):
    def drawn(ends, name="L"):
        node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
        for end in ends:
            node.AddControlPoint(list(end))
        return node

    return drawn


def test_the_lesion_is_outlined_through_the_slices(made):
    assert made.recist.long_axis_ras_mm == LONG
    assert made.method == "recist", "the panel knows it by this word"
    assert made.score == 1
    assert made.note
    assert made.center_ras_mm == pytest.approx(CENTER, abs=1.5)
    assert made.mask.voxels.any(axis=(1, 2)).sum() > 3


def test_the_request_survives_the_way_to_the_worker():
    request = RecistRequest("CT", (LONG, SHORT), "ellipse", False)
    assert RecistRequest.from_json(request.to_json()) == request
    with pytest.raises(ValueError, match="unpack"):
        RecistRequest.from_json({**request.to_json(), "lines_ras_mm": [LONG]})


def test_lines_that_do_not_cross_are_refused_in_a_sentence(image):
    far = tuple((r, a + 20, s) for r, a, s in SHORT)
    job = InProcess().submit(RecistRequest("CT", (LONG, far)), {"CT": image})
    assert isinstance(job.error, UsageError)
    job = InProcess().submit(RecistRequest("PT", (LONG, SHORT)), {"CT": image})
    assert isinstance(job.error, InputError)


def test_it_becomes_a_drawn_finding_with_its_nodes(session, engine, volume, draw, made):
    lines = draw(LONG), draw(SHORT)
    session.outline(volume, lines, "grabcut", False)
    assert engine.jobs[-1][0].request == RecistRequest("CT", (LONG, SHORT), "grabcut", False)
    engine.done(made)
    (item,) = session.listed
    assert (item.origin, session.current, session.message) == (DRAWN, "L1", made.note)
    assert list(session.results.nodes.segmentation.GetSegmentation().GetSegmentIDs()) == ["L1"]
    session.undo()
    assert session.listed == ()
    session.redo()
    assert len(session.listed) == 1


def test_ends_are_where_the_lines_are_seen(scene, draw):
    line, other = draw(LONG), draw(SHORT)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    move = vtk.vtkMatrix4x4()
    move.SetElement(1, 3, 7.0)
    transform.SetMatrixTransformToParent(move)
    line.SetAndObserveTransformNodeID(transform.GetID())
    moved = tuple((r, a + 7, s) for r, a, s in LONG)
    assert ends_of((line, other)) == (moved, SHORT)


def test_lines_of_results_are_no_persons(scene, session, engine, volume, draw, made):
    lines = draw(LONG), draw(SHORT)
    session.outline(volume, lines)
    engine.done(made)
    mrml.add_detections(scene, volume, session.findings.as_detections())
    hidden = draw(LONG)
    hidden.SetHideFromEditors(True)
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 7
    assert drawn_lines(scene) == lines


def test_moved_lines_correct_their_finding_and_what_clicks_said_of_it_goes(session, engine, volume, draw, made):
    lines = draw(LONG), draw(SHORT)
    session.outline(volume, lines)
    engine.done(made)
    session.measure(volume, (30.0, 33.0, 12.0))
    engine.done(replace(made, method="click"))
    assert session.findings.get("L1").border_ras_mm
    session.outline(volume, lines[::-1])
    engine.done(made)
    (item,) = session.listed
    assert (item.corrected, item.seed_ras_mm, item.border_ras_mm) == (True, None, ())
    assert session.undo_text == "correct L1"
    session.outline(volume, (lines[0], draw(SHORT)))
    engine.done(made)
    assert [item.id for item in session.listed] == ["L1", "L2"], "another pair is another lesion"


def test_a_finding_goes_to_its_own_volumes_result_whichever_is_looked_at(session, engine, scene, volume, draw, made):
    session.outline(volume, (draw(LONG), draw(SHORT)))
    engine.done(made)
    first = session.results
    other = Image(np.zeros((24, 52, 61), np.int16), np.eye(4), "CT", "HU", "other")
    session.measure(mrml.volume_node(scene, other), CENTER)
    engine.done(Lesion(CENTER, 10.0, 1.0))
    assert session.results is not first
    session.outline(volume, (draw(LONG), draw(SHORT)))
    engine.done(made)
    assert session.results is first
    assert session.current == "L2"


def test_what_cannot_be_asked_is_refused_before_anything_runs(session, engine, scene, volume, draw):
    lines = draw(LONG), draw(SHORT)
    with pytest.raises(InputError, match="No volume is chosen"):
        session.outline(None, lines)
    for few, words in (((), "no line yet"), (lines[:1], "only one line"), (lines * 2, "Choose two lines")):
        with pytest.raises(UsageError, match=words):
            session.outline(volume, few)
    half = draw(SHORT[:1], "half")
    with pytest.raises(UsageError, match="“half” does not have both"):
        session.outline(volume, (lines[0], half))
    assert engine.jobs == []
    session.outline(volume, lines)
    with pytest.raises(UsageError, match="running already"):
        session.outline(volume, lines)
