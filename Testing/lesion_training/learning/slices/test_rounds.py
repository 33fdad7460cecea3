"""Rounds through the samples become steps."""

from __future__ import annotations

from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.slices.rounds import in_steps


def test_rounds_become_steps():
    fit = EngineSettings(steps=7, batch=8, validate_every=3)
    found = in_steps(fit, 1989, epochs=150, validate_epochs=1)
    assert (found.steps, found.validate_every) == (37_294, 249)
    assert in_steps(fit, 1989) == fit
    assert in_steps(fit, 10, epochs=2).validate_every == 3
    assert in_steps(fit, 10, validate_epochs=0.001).validate_every == 1
    assert in_steps(fit, 10, epochs=0.001).steps == 1
