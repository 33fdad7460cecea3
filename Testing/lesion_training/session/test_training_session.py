"""The session of training: two workers, what is told to whom, and what is left after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from LesionDetectionLib.app.worker.requests import DevicesRequest
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.session.catalogue import Catalogue, LabelChoice
from LesionTrainingLib.session.plan import TrainingPlan
from LesionTrainingLib.session.requests import CohortSummaryRequest, MeasureModelRequest, TrainRequest
from LesionTrainingLib.session.training_run import RunState
from LesionTrainingLib.session.training_session import CHECK, LISTING, RUN, TrainingSession

PLAN = TrainingPlan("mine", "nodule-ct", "phantoms:chest?seeds=0-9&protocol=tiny")


@pytest.fixture
def engines(steered):
    """Those that were made so far."""
    return []


@pytest.fixture
def session(engines, steered, tmp_path):
    def make():
        engines.append(type(steered)())
        return engines[-1]

    made = TrainingSession(make, make, lambda: tmp_path / "models", lambda: tmp_path / "runs")
    yield made
    made.close()


@pytest.fixture
def told(session):
    changes = []
    session.observe(changes.append)
    return changes


def test_no_process_is_started_before_it_is_needed(session, engines):
    assert not engines
    session.check("phantoms:chest")
    assert len(engines) == 1


def test_data_can_be_looked_at_while_a_run_goes_on(session, engines, told):
    session.start(PLAN)
    session.list_database(Path("/db"), LabelChoice())
    session.check("phantoms:chest")
    working, looking = engines
    assert isinstance(working.asked[0], TrainRequest)
    assert len(looking.jobs) == 2
    looking.end(result=Catalogue(Path("/db")), job=looking.jobs[0])
    assert session.catalogue == Catalogue(Path("/db"))
    assert {RUN, LISTING, CHECK} <= set(told)


def test_another_choice_forgets_what_was_checked(session, engines):
    session.check("phantoms:chest")
    engines[0].end(result="a summary")
    assert (session.summary, session.checked) == ("a summary", "phantoms:chest")
    session.forget_check()
    assert (session.summary, session.checked) == (None, "")
    session.check("table:x.csv")
    assert engines[0].asked[-1] == CohortSummaryRequest("table:x.csv")


def test_devices_are_known_by_id(session, engines):
    session.find_devices()
    assert engines[0].asked == [DevicesRequest()]
    engines[0].end(result=[{"id": "auto", "title": "Automatic"}, {"id": "cpu", "title": "CPU"}])
    assert session.devices == {"auto": "Automatic", "cpu": "CPU"}


def test_a_run_that_is_removed_ends_with_its_process(session, engines, tmp_path):
    session.start(PLAN)
    (working,) = engines
    session.stop(remove=True)
    assert working.closed
    assert session.run.state is RunState.NONE
    assert not (tmp_path / "runs" / "mine").exists()
    session.start(PLAN)
    assert len(engines) == 2


def test_a_process_that_trains_no_more_gives_its_memory_back(session, engines, tmp_path):
    session.start(PLAN)
    session.run.pause()
    assert not engines[-1].closed
    engines[-1].end("cancelled")
    assert engines[-1].closed
    session.run.resume()
    assert len(engines) == 2
    session.run.pause()
    engines[-1].end("cancelled")
    session.measure(tmp_path / "m", "phantoms:chest", "cpu", 1, lambda result: None)
    assert not engines[-1].closed
    engines[-1].end("failed")
    assert engines[-1].closed


def test_measuring_and_training_exclude_each_other(session, engines, tmp_path):
    session.measure(tmp_path / "m", "phantoms:chest", "cpu", 1, lambda result: None)
    assert engines[0].asked == [
        MeasureModelRequest(str(tmp_path / "m"), "phantoms:chest", str(tmp_path / "models"), "cpu")
    ]
    with pytest.raises(UsageError, match="being measured"):
        session.start(PLAN)
    session.measuring.cancel()
    session.start(PLAN)
    with pytest.raises(UsageError, match="training run is going on"):
        session.measure(tmp_path / "m", "phantoms:chest", "cpu", 1, lambda result: None)


def test_a_phantoms_folder_goes_with_the_next_and_with_the_session(session, engines):
    folders = []
    session.make_phantom(1, folders.append)
    first = Path(engines[0].asked[0].folder)
    assert first.parent.is_dir()
    engines[0].end(result=first)
    assert folders == [first]
    session.make_phantom(2, folders.append)
    assert not first.parent.exists()
    second = Path(engines[0].asked[1].folder)
    session.close()
    assert not second.parent.exists()
    assert engines[0].closed


def test_who_no_longer_looks_is_not_told(session, told):
    session.close()
    before = len(told)
    session._tell(RUN)
    assert len(told) == before
