"""What to train, as a person chose it: plain values that are written beside the run, so that it can go on another day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from LesionDetectionLib.core.errors import InputError, UsageError

from ..learning.recipe import recipe
from .presets import preset

ALL_FOLDS = -1
MOST_FOLDS = 20
SCHEMA, SCHEMA_VERSION = "lesion-training-plan", 1


@dataclass(frozen=True)
class Part:
    """One model of a plan: the only one, or that of a fold.

    Attributes:
        fold: from 0; -1 where there are no folds.
        name: of the model.
        folder: in the run's folder.
    """

    fold: int
    name: str
    folder: str


@dataclass(frozen=True)
class TrainingPlan:
    """Everything but where it is kept.

    Attributes:
        name: of the model.
        method: id of the method.
        cohort: specification of what to learn from, or the path of a YAML file.
        validation, test: specifications of cohorts of their own; empty: parts of the main one.
        preset: of the recipe's settings (:mod:`.presets`).
        settings_file: YAML with further settings, in place of the preset's; empty for none.
        folds: 0: one model, measured on patients set aside; else as many models, each measured on its own part.
        fold: which of them is trained, from 0; :data:`ALL_FOLDS` for one after another.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        seed: of everything random.
        workers: processes that prepare cases.
    """

    name: str
    method: str
    cohort: str
    validation: str = ""
    test: str = ""
    preset: str = ""
    settings_file: str = ""
    folds: int = 0
    fold: int = ALL_FOLDS
    device: str = "auto"
    seed: int = 0
    workers: int = 1

    def check(self) -> None:
        """Raises UsageError for what makes no sense, before anything is read."""
        if not folder_name(self.name):
            raise UsageError("Give the model a name, of letters and digits.")
        recipe(self.method)
        preset(self.method, self.preset)
        if not self.cohort:
            raise UsageError("Choose the data to learn from.")
        if self.folds == 1 or not 0 <= self.folds <= MOST_FOLDS:
            raise UsageError(f"Cross-validation needs 2 to {MOST_FOLDS} folds; 0 is for none.")
        if self.folds and not ALL_FOLDS <= self.fold < self.folds:
            raise UsageError(f"There is no fold {self.fold + 1} of {self.folds}.")
        if self.folds and (self.validation or self.test):
            raise UsageError("Folds take validation and test cases from the cohort itself: leave other cohorts out.")
        if self.seed < 0 or self.workers < 1:
            raise UsageError("The seed is 0 or more, and at least one process prepares cases.")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The models to train, one after another."""
        if not self.folds:
            return (Part(-1, self.name, "run"),)
        folds = range(self.folds) if self.fold == ALL_FOLDS else (self.fold,)
        return tuple(Part(fold, f"{self.name} fold {fold + 1} of {self.folds}", f"fold-{fold:02d}") for fold in folds)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainingPlan:
        """Raises InputError where it is no plan, or of another version."""
        try:
            if value["schema"] != SCHEMA or value["schema_version"] != SCHEMA_VERSION:
                raise ValueError("it is of another program or version")
            # Every field has the type of what it is by default, or is a text.
            plan = cls(**{name: value[name] for name in cls.__dataclass_fields__})
            if any(type(got) is not type(want) for got, want in zip(asdict(plan).values(), _TYPES, strict=True)):
                raise ValueError("a value has another form")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"This is no plan of a training run: {error}.") from error
        return plan


_TYPES = asdict(TrainingPlan("", "", "")).values()


def folder_name(name: str) -> str:
    """A name as a folder's: letters, digits, dashes and dots, none at the ends; empty where nothing is left."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in name.strip())
    return "-".join(filter(None, kept.split("-")))[:60].strip("-.")
