"""The module's own self-test, with its real worker processes, on the double of Slicer."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_the_self_test_passes(slicer_app):
    import sys

    slicer_app.load_module("LesionTraining")
    sys.modules["LesionTraining"].LesionTrainingTest().runTest()
