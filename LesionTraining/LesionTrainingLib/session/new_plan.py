"""What a new plan can be: methods that learn, a name that is free, and what is refused before anything is read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.translation import tr as _
from LesionDetectionLib.core.detector import MethodInfo, methods
from LesionDetectionLib.core.errors import UsageError

from ..learning.recipe import recipes
from .plan import TrainingPlan, folder_name

_MANY = 100


def trainable() -> dict[str, MethodInfo]:
    """The methods that can be trained, by id."""
    known = methods()
    return {name: known[name] for name in recipes() if name in known}


def method_text(info: MethodInfo) -> str:
    """What a method finds, and what it learns that from."""
    return _("{finds} Learns from {what} with labelled lesions.").format(
        finds=info.finds, what=_(" and ").join(info.modalities)
    )


def folds_text(folds: int) -> str:
    """Who is measured on."""
    if folds == 1:
        return _("Cross-validation needs at least 2 folds.")
    if folds:
        return _(
            "{folds} models, each measured on the patients that it has not seen; their curves are put together."
        ).format(folds=folds)
    return _("15 % of the patients set thresholds, and 15 % are only measured on.")


def free_name(method: str, shelf: ModelShelf, runs: Path) -> str:
    """Method and day, with a number behind it where there is a model or a run of that name."""
    own = {entry.name for entry in shelf.entries() if not entry.shipped}
    first = f"{method} {date.today().isoformat()}"
    names = [first, *(f"{first} {n}" for n in range(2, _MANY))]
    free = (name for name in names if name not in own and not (runs / folder_name(name)).exists())
    return next(free, first)


def check_new(plan: TrainingPlan, shelf: ModelShelf) -> None:
    """Raises UsageError where the plan makes no sense, or one of its models is in the model folder already."""
    plan.check()
    taken = {entry.name for entry in shelf.entries() if not entry.shipped}
    for part in plan.parts:
        if part.name in taken:
            text = _("A model “{name}” is in the model folder already. Give the new one another name.")
            raise UsageError(text.format(name=part.name))
