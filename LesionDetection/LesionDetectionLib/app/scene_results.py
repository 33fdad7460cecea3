"""The results that come with a scene: which to look at, and the models that made them."""

from __future__ import annotations

from LesionDetectionLib.core.finding import Findings

from .models import ModelEntry, ModelShelf
from .session.review import Review


class ModelsOfFindings:
    """Which of the models at hand made findings; each is looked for once, as listing models reads all their manifests.

    Args:
        shelf: the models. Where they have changed, another one of these is to be made.
    """

    def __init__(self, shelf: ModelShelf) -> None:
        self._shelf = shelf
        self._known: dict[str, ModelEntry | None] = {}

    def of(self, findings: Findings) -> ModelEntry | None:
        """The model that made the findings; None for none, and where it is not here."""
        digest = findings.run.provenance.get("model", {}).get("sha256", "")
        if digest and digest not in self._known:
            self._known[digest] = next((one for one in self._shelf.entries() if one.digest == digest), None)
        return self._known.get(digest)


def look_at_newest(session: Review) -> None:
    """Look at the newest result of the scene, where none is looked at."""
    there = session.results_in_scene()
    if session.results is None and there:
        session.activate(there[-1])


def take_over(session: Review, models: ModelsOfFindings) -> None:
    """A scene was loaded: look at its newest result, and learn what the thresholds of all of them mean."""
    look_at_newest(session)
    for result in session.results_in_scene():
        entry = models.of(result.findings)
        if entry is not None:
            session.know_model(entry.method, entry.path)
