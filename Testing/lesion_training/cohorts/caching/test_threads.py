"""Processes that work together share the cores; what the user has set stays, and nothing is left set."""

from __future__ import annotations

import os

from LesionTrainingLib.cohorts.caching.threads import threads_shared
from LesionTrainingLib.cohorts.caching.workers import work_in_processes


def threads_here(_item):
    return os.environ["OMP_NUM_THREADS"], os.environ["OPENCV_FOR_THREADS_NUM"]


def test_each_process_has_its_part(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "7")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    with threads_shared(3):
        assert threads_here(None) == ("2", "7")
    with threads_shared(20):
        assert threads_here(None) == ("1", "7")
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["OPENCV_FOR_THREADS_NUM"] == "7"


def test_work_in_processes_shares_them(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "3")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    found = dict(work_in_processes(threads_here, [0, 1], 2, lambda: None))
    assert found == {0: ("2", "3"), 1: ("2", "3")}
