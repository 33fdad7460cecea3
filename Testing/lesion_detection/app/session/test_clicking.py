"""Clicks that measure, correct or select, on real MRML."""

from __future__ import annotations

from LesionDetectionLib.core.finding import CLICKED

from .in_nodes import ball_at, segments


def test_a_click_makes_a_result_of_its_own(session, clicked):
    assert [item.origin for item in session.listed] == [CLICKED]
    assert session.current == "L1"
    assert session.results.title == "ct clicks"
    assert segments(session) == ["L1"]


def test_the_first_click_can_be_undone_too(session, clicked):
    assert session.undo_text == "measure L1"
    session.undo()
    assert (session.listed, segments(session), session.current) == ((), [], "")
    session.redo()
    assert segments(session) == ["L1"]


def test_a_click_near_the_outline_corrects_it_and_undo_takes_it_back(session, engine, clicked):
    volume, image = clicked
    before = session.results.nodes.masks()["L1"]
    session.measure(volume, (26.0, 20.0, 15.0))
    request = engine.jobs[-1][0].request
    assert request.seed_ras_mm == (20.0, 20.0, 15.0)
    assert request.border_ras_mm == ((26.0, 20.0, 15.0),)
    engine.done(ball_at(image, (20, 20, 15), 6.0))
    assert session.results.nodes.masks()["L1"].count > before.count
    assert session.findings.get("L1").corrected
    assert session.undo_text == "correct L1"
    session.undo()
    assert session.results.nodes.masks()["L1"].count == before.count
    session.redo()
    session.measure(volume, (20.0, 26.0, 15.0))
    assert len(engine.jobs[-1][0].request.border_ras_mm) == 2, "the next click adds to the one before"


def test_a_click_elsewhere_is_a_new_lesion(session, engine, clicked):
    volume, image = clicked
    session.measure(volume, (45.0, 40.0, 15.0))
    assert engine.jobs[-1][0].request.border_ras_mm == ()
    engine.done(ball_at(image, (45, 40, 15)))
    assert segments(session) == ["L1", "L2"]
    assert session.current == "L2"


def test_a_click_into_another_outline_selects_it(session, engine, clicked):
    volume, image = clicked
    session.measure(volume, (45.0, 40.0, 15.0))
    engine.done(ball_at(image, (45, 40, 15)))
    assert session.measure(volume, (20.0, 20.0, 15.0)) is None
    assert session.current == "L1"


def test_a_click_into_a_detected_volume_joins_its_result(session, engine, detected):
    volume, image, _ = detected(1)
    center = image.geometry.ras_from_ijk((30, 34, 4))
    session.measure(volume, tuple(center))
    engine.done(ball_at(image, (30, 34, 4), 3.0))
    assert [item.id for item in session.listed] == ["L2", "L1"], "a person's score is 1"
    assert len(session.results_in_scene()) == 1


def test_a_result_that_went_during_the_measurement_gets_a_new_one(session, engine, clicked):
    volume, image = clicked
    session.measure(volume, (45.0, 40.0, 15.0))
    session.results.nodes.remove()
    engine.done(ball_at(image, (45, 40, 15)))
    assert [item.id for item in session.listed] == ["L1"]
