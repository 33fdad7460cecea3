"""Asking for libraries at the moment when they are first needed."""

from __future__ import annotations

import importlib.util

from LesionDetectionLib.core.late import load


def ensure(feature: str) -> bool:
    """Whether all libraries of a feature are there; offers to install what is missing, and is False where that is declined.

    Args:
        feature: ``detect``, ``measure``, ``report``, ``dicom``, ``follow-up``.
    """
    if importlib.util.find_spec("LesionDetectionLib.panel.dependencies") is None:
        return True
    return bool(load("LesionDetectionLib.panel.dependencies:ensure")(feature))
