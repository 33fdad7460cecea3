"""The module's own self-test, with its real worker processes, on the double of Slicer."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_the_self_test_passes(slicer_app, lung_parts_kept, monkeypatch):
    import sys

    from LesionDetectionLib.app.worker.engine import InProcess
    from LesionTrainingLib.session.requests import PhantomSeriesRequest

    def write_phantoms(_test, folder, count):
        """Parts of lungs that this process has at hand; with all else the workers are busy for half a minute."""
        job = InProcess().submit(PhantomSeriesRequest(str(folder), count), {})
        assert job.error is None, job.details

    slicer_app.load_module("LesionTraining")
    self_test = sys.modules["LesionTraining"].LesionTrainingTest
    monkeypatch.setattr(self_test, "_writePhantoms", write_phantoms)
    self_test().runTest()
