"""Rounds through the samples, as papers tell the length of a fit in, as steps of the engine."""

from __future__ import annotations

import math
from dataclasses import replace

from ..engine.settings import EngineSettings


def in_steps(fit: EngineSettings, samples: int, epochs: float = 0.0, validate_epochs: float = 0.0) -> EngineSettings:
    """How a network is fitted to so many samples.

    Args:
        epochs: so many rounds, in place of ``fit.steps``; 0 for these.
        validate_epochs: a validation after so many rounds, in place of ``fit.validate_every``; 0 for these steps.
    """
    one = samples / fit.batch
    if epochs:
        fit = replace(fit, steps=max(1, math.ceil(epochs * one)))
    if validate_epochs:
        fit = replace(fit, validate_every=max(1, math.ceil(validate_epochs * one)))
    return fit
