"""A search on made cases, of a real recipe with a tiny network; the cases are those of the recipe's own tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

LEARNING = Path(__file__).resolve().parent.parent / "learning" / "high_uptake_ct"
sys.path[:0] = [str(Path(__file__).parent), str(LEARNING)]


@pytest.fixture
def made_parts(monkeypatch):
    """Four cases to learn from and two for validations, whatever cohort is asked for."""
    from tuning_searches import PARTS

    monkeypatch.setattr("LesionTrainingLib.tuning.search.open_parts", lambda _request, _progress: PARTS)
    for module in ("loss_curves", "by_setting"):  # rendering takes longer than the fits
        monkeypatch.setattr(f"LesionTrainingLib.tuning.{module}.as_png", lambda _figure: b"")
