"""What whole evaluations share."""

from __future__ import annotations

import pytest


@pytest.fixture
def blank_figures(monkeypatch):
    """Figures stay blank: that they are right is tested where they are made, and drawing takes most of an evaluation's time."""
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", lambda canvas: canvas.get_renderer())


@pytest.fixture
def nothing_drawn(blank_figures, monkeypatch):
    """PDFs are empty, too."""
    monkeypatch.setattr("LesionDetectionLib.app.documents.pdf.pdf_bytes", lambda document, made=None: b"%PDF-")
