"""The models whose results can be looked at, and the one that is: for every user interface."""

from __future__ import annotations

from collections.abc import Callable

from LesionDetectionLib.app.models import ModelEntry, ModelShelf
from LesionDetectionLib.app.translation import tr as _
from LesionDetectionLib.core.errors import BundleError

from .result_texts import model_title
from .results import TrainingResult
from .training_run import TrainingRun

_FOLDS = "folds:"
"""Item of the models of all folds together; no path begins so."""


class ChosenResult:
    """Args:
        run: of the session; its models of all folds together are an item too.
        warn: told why a model cannot be read.

    Attributes:
        result: of the item that was read last; None for none, and where it cannot be read.
        item: that item.
    """

    def __init__(self, run: TrainingRun, warn: Callable[[str], None]) -> None:
        self._run, self._warn = run, warn
        self._entries: dict[str, ModelEntry] = {}
        self._digest = ""
        self.result: TrainingResult | None = None
        self.item = ""

    def items(self, shelf: ModelShelf, method_id: str) -> list[tuple[str, str]]:
        """(item, title) of the usable models of a method, those of all folds together first."""
        entries = [entry for entry in shelf.entries(method_id) if not entry.problem]
        self._entries = {str(entry.path): entry for entry in entries}
        items = [(path, model_title(entry)) for path, entry in self._entries.items()]
        together = self._together()
        if together is not None and together.method == method_id:
            items.insert(0, (item_of(together), _("{name}, all folds").format(name=together.name)))
        return items

    def read(self, item: str) -> None:
        """Take the result of this item; from its bundle where that is another one than before."""
        if item.startswith(_FOLDS):
            self.result, self.item, self._digest = self._together(), item, ""
            return
        entry = self._entries.get(item)
        digest = entry.digest if entry is not None else ""
        if (item, digest) == (self.item, self._digest) and self.result is not None:
            return
        self.result, self.item, self._digest = None, item, digest
        if entry is not None:
            try:
                self.result = TrainingResult.of(entry.path)
            except BundleError as error:
                self._warn(str(error))

    def _together(self) -> TrainingResult | None:
        results = self._run.results
        return results[-1] if results and results[-1].path is None else None


def item_of(result: TrainingResult) -> str:
    """The item of a result."""
    return str(result.path) if result.path is not None else f"{_FOLDS}{result.name}"
