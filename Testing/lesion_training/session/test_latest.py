"""Only the newest question counts."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.session.latest import Latest
from LesionTrainingLib.session.requests import CohortSummaryRequest


@pytest.fixture
def asked(steered):
    """A question, the answers that came, and how often something changed."""
    answers, changes = [], []
    return Latest(lambda: steered, lambda: changes.append(1)), answers, changes


def test_an_answer_comes_once(asked, steered):
    latest, answers, changes = asked
    latest.ask(CohortSummaryRequest("a"), answers.append)
    assert latest.busy
    steered.tell(0.5, "Reading")
    assert (latest.fraction, latest.text) == (0.5, "Reading")
    steered.end(result="A")
    assert (answers, latest.busy, latest.error) == (["A"], False, None)
    assert changes


def test_an_older_answer_is_dropped_and_its_job_cancelled(asked, steered):
    latest, answers, _ = asked
    latest.ask(CohortSummaryRequest("a"), answers.append)
    latest.ask(CohortSummaryRequest("b"), answers.append)
    first, second = steered.jobs
    assert first.state == "cancelling"
    steered.end(result="A", job=first)
    assert answers == []
    assert latest.busy
    steered.end(result="B", job=second)
    assert answers == ["B"]


def test_an_error_is_kept_until_the_next_question(asked, steered):
    latest, answers, _ = asked
    latest.ask(CohortSummaryRequest("a"), answers.append)
    steered.end("failed", error=InputError("There is no folder."))
    assert (answers, str(latest.error), latest.busy) == ([], "There is no folder.", False)
    latest.ask(CohortSummaryRequest("b"), answers.append)
    assert latest.error is None
    latest.cancel()
    assert not latest.busy


def test_an_engine_that_answers_at_once(asked):
    from LesionDetectionLib.app.worker.engine import InProcess

    latest, answers, _ = asked
    latest._engine = InProcess
    latest.ask(CohortSummaryRequest("phantoms:chest?seeds=0-4&protocol=tiny", truth=False), answers.append)
    assert answers[0].cases == 5
    assert not latest.busy
