"""A table of features: one row a patient, one column a feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.io.lesion_table import safe_text

from ..cohorts.rows import read_table
from ..evaluation.output.tables import Cell, write_columns

FloatArray = npt.NDArray[np.float64]
PATIENT, SETTINGS = "patient", "settings"


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of patients. n = patients, m = features.

    Attributes:
        patients: each once.
        names: of the features, each once.
        values: [n, m] float64; NaN where a feature is not defined.
        digest: of the settings that the features were made with; empty where they came from elsewhere.

    Raises:
        InputError: a patient or a name twice, or another number of them than of values.
    """

    patients: tuple[str, ...]
    names: tuple[str, ...]
    values: FloatArray
    digest: str = ""

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        values[~np.isfinite(values)] = np.nan
        if values.shape != (len(self.patients), len(self.names)):
            raise InputError(
                f"A table of {len(self.patients)} patients and {len(self.names)} features has values of shape {values.shape}."
            )
        for what, given in (("patient", self.patients), ("feature", self.names)):
            twice = {one for one in given if given.count(one) > 1} if len(set(given)) < len(given) else set()
            if twice:
                raise InputError(f"The {what} “{min(twice)}” is in the table of features twice.")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def of(self, patients: Sequence[str]) -> FeatureTable:
        """Only these patients, in this order.

        Raises:
            InputError: one of them is not in the table.
        """
        places = {patient: place for place, patient in enumerate(self.patients)}
        missing = [patient for patient in patients if patient not in places]
        if missing:
            raise InputError(f"The table of features has no patient “{missing[0]}” ({len(missing)} such).")
        rows = self.values[[places[patient] for patient in patients]]
        return FeatureTable(tuple(patients), self.names, rows, self.digest)

    def save(self, path: Path) -> None:
        """Write it as CSV with all digits; the digest stands beside each patient.

        Raises:
            OutputError: it cannot be written.
        """
        columns: dict[str, list[Cell]] = {PATIENT: [*self.patients], SETTINGS: [self.digest] * len(self.patients)}
        for name, column in zip(self.names, self.values.T, strict=True):
            columns[name] = [None if math.isnan(value) else float(value) for value in column]
        write_columns(path, columns)

    @classmethod
    def load(cls, path: Path, digest: str = "") -> FeatureTable:
        """Read what :meth:`save` wrote, or any CSV with a column ``patient`` and numbers.

        Args:
            digest: of the settings that the features should be of; empty: of any.

        Raises:
            InputError: it cannot be read, holds what is no number, or was made with other settings.
        """
        table = read_table(path, (PATIENT,))
        if table.bad:
            raise InputError(table.bad[0].reason)
        if not table.rows:
            raise InputError(f"{path} names no patient.")
        found = {row.text(SETTINGS) for row in table.rows}
        if len(found) > 1 or (digest and found != {digest}):
            raise InputError(
                f"The features in {path} were made with other settings. Make them anew, or use the settings of that time."
            )
        names = tuple(name for name in table.columns if name not in (PATIENT, SETTINGS))
        try:
            values = [[row.number(name) if row.text(name) else math.nan for name in names] for row in table.rows]
        except ValueError as error:
            raise InputError(f"{path}: {error}.") from error
        patients = tuple(_as_it_was(row.text(PATIENT)) for row in table.rows)
        return cls(patients, names, np.array(values, dtype=np.float64).reshape(len(patients), len(names)), min(found))


def _as_it_was(text: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return text[1:] if text.startswith("'") and safe_text(text[1:]) == text else text


def joined(rows: Sequence[tuple[str, dict[str, float]]], digest: str) -> FeatureTable:
    """A table of (patient, features) rows; a feature that a row lacks is NaN there."""
    names = tuple(dict.fromkeys(name for _, features in rows for name in features))
    values = np.array([[features.get(name, math.nan) for name in names] for _, features in rows], dtype=np.float64)
    return FeatureTable(tuple(patient for patient, _ in rows), names, values.reshape(len(rows), len(names)), digest)
