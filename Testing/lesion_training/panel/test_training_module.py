"""The module's own self-test, with its real worker processes, on the double of Slicer."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_the_self_test_passes(slicer_app, kept_phantoms, lung_parts_kept, monkeypatch):
    import slicer

    def write_phantoms(_test, folder, count):
        """Parts of lungs that are at hand; with all else the workers are busy for half a minute."""
        kept_phantoms.copy_series(count, folder)

    slicer_app.load_module("LesionTraining")
    from LesionTrainingLib.panel.self_test import TrainingSelfTest

    monkeypatch.setattr(TrainingSelfTest, "_write_phantoms", write_phantoms)
    slicer.selfTests["LesionTraining"]()  # as “Reload and Test” calls it
