"""From where on a run shows lesions, in words: by a score alone, or by its controls; and what the score is."""

from __future__ import annotations

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import Score, methods

_PLAIN = Score()


def score_of(detections: Detections) -> Score:
    """What the score of the run's method is; a plain score where the method is not known here."""
    return _score(detections.method)


def score_name(detections: Detections) -> str:
    """What to call the score within a sentence: ``score``, ``SUVmax``."""
    return score_name_of(detections.method)


def score_name_of(method: str) -> str:
    """The same for a method of this id; ``score`` where it is not known here, as of a click."""
    title = _score(method).title
    return title.lower() if title == _PLAIN.title else title


def _score(method: str) -> Score:
    info = methods().get(method)
    return _PLAIN if info is None else info.score


def point_text(detections: Detections) -> str:
    """The operating point and what it means: ``balanced, score ≥ 0.3``; ``verified, above Least response 0.30, Least area 12 px``."""
    return f"{detections.operating_point.name}, {least_text(detections)}"


def least_text(detections: Detections) -> str:
    """``score ≥ 0.3``, or ``above Least response 0.30, Least area 12 px``."""
    if detections.controls:
        return f"above {controls_text(detections)}"
    return f"{score_name(detections)} ≥ {detections.operating_point.threshold:.3g}"


def controls_text(detections: Detections) -> str:
    """``Least response 0.30, Least area 12 px``; empty for a run without controls."""
    return ", ".join(control.text for control in detections.controls)
