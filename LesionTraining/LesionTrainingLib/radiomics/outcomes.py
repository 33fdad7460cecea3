"""What became of the patients: any table with a patient and a yes or no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import InputError, UsageError

from ..cohorts.rows import Row, Table, read_table

PATIENT_COLUMNS = ("patient", "patient_id", "patientid", "subject", "id")
"""What the column may be called, in the order in which it is looked for."""
UNKNOWN = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "?", "-"})
_PAIRS = (
    ("1", "0"),
    ("yes", "no"),
    ("y", "n"),
    ("true", "false"),
    ("positive", "negative"),
    ("dead", "alive"),
    ("event", "no event"),
    ("responder", "non-responder"),
)
"""Positive and negative words, where nobody says which of two is positive."""


@dataclass(frozen=True)
class Outcomes:
    """Attributes:
    column: that they stand in.
    values: patient -> whether the outcome is positive, of those where it is known.
    unknown: patients whose cell is empty or says that nobody knows.
    positive, negative: the words in the table.
    """

    column: str
    values: Mapping[str, bool]
    unknown: tuple[str, ...]
    positive: str
    negative: str


def read_outcomes(path: Path, column: str = "", positive: str = "") -> dict[str, bool]:
    """Patient -> whether the outcome is positive; see :func:`outcomes_in`."""
    return dict(outcomes_in(path, column, positive).values)


def outcomes_in(path: Path, column: str = "", positive: str = "") -> Outcomes:
    """The outcomes in a CSV table.

    Several rows of one patient may say the same; a patient who is not known in one row and known in another is known.

    Args:
        column: that has the outcome, in any case; empty where only one column can be meant.
        positive: the value that is positive, in any case; empty for 1, yes, y, true, positive, dead, event and responder.

    Raises:
        InputError: it cannot be read, has no column of patients or no outcomes, a patient with two outcomes, or other than two
            values.
        UsageError: there is no such column, or no such value, or nobody can tell which is meant.
    """
    table = read_table(path)
    if table.bad:
        raise InputError(table.bad[0].reason)
    patients = next((name for name in PATIENT_COLUMNS if name in table.columns), None)
    if patients is None:
        raise InputError(f"{path} has no column {PATIENT_COLUMNS[0]}. It has {', '.join(table.columns)}.")
    column = column.casefold() if column else _only_column(table, patients)
    if column not in table.columns or column == patients:
        others = ", ".join(name for name in table.columns if name != patients)
        raise UsageError(f"{path} has no column “{column}” with an outcome. It has {others or 'no other column'}.")
    words, unknown = _words(table, table.rows, patients, column)
    yes, no = _which_is_positive(path, column, sorted(set(words.values())), positive.strip().casefold())
    values = {patient: word == yes for patient, word in words.items()}
    return Outcomes(column, values, tuple(patient for patient in unknown if patient not in values), yes, no)


def _only_column(table: Table, patients: str) -> str:
    """The one column that holds two values."""
    found = [
        name
        for name in table.columns
        if name != patients and len({_word(row, name) for row in table.rows} - UNKNOWN) == 2
    ]
    if len(found) == 1:
        return found[0]
    several = f": {', '.join(found)}" if found else ""
    raise UsageError(
        f"{table.path} has {len(found)} columns that may be the outcome{several}. Name one: {table.path.name}:COLUMN."
    )


def _words(table: Table, rows: Sequence[Row], patients: str, column: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Patient -> word, and patients of whom a row says that nobody knows."""
    words, unknown = dict[str, str](), list[str]()
    for row in rows:
        patient, word = row.text(patients), _word(row, column)
        if not patient:
            raise InputError(f"{table.path.name}, line {row.line}: no patient is named.")
        if word in UNKNOWN:
            unknown.append(patient)
        elif words.setdefault(patient, word) != word:
            raise InputError(
                f"{table.path.name}, line {row.line}: the patient “{patient}” has the outcome “{words[patient]}” in an earlier row, "
                f"and “{word}” in this one. Keep the right one."
            )
    return words, tuple(dict.fromkeys(unknown))


def _word(row: Row, column: str) -> str:
    """A cell in small letters; ``1.0`` is ``1``, as programs write a column of whole numbers that has gaps."""
    word = row.text(column).casefold()
    return {"1.0": "1", "0.0": "0"}.get(word, word)


def _which_is_positive(path: Path, column: str, words: Sequence[str], positive: str) -> tuple[str, str]:
    """The positive and the negative one of the two words."""
    if not words:
        raise InputError(f"{path}: no patient has an outcome under “{column}”.")
    if len(words) == 1:
        raise InputError(f"{path}: all outcomes under “{column}” are “{words[0]}”: there is nothing to tell apart.")
    if len(words) > 2:
        shown = ", ".join(f"“{word}”" for word in words[:5]) + (", ..." if len(words) > 5 else "")
        raise InputError(
            f"{path}: the outcomes under “{column}” have {len(words)} values ({shown}); an outcome is one of two things."
        )
    first, second = words
    if positive:
        if positive not in words:
            raise UsageError(f"No outcome under “{column}” is “{positive}”: they are “{first}” and “{second}”.")
        return positive, second if positive == first else first
    for yes, no in _PAIRS:
        if {yes, no} == {first, second}:
            return yes, no
    raise UsageError(
        f"The outcomes under “{column}” are “{first}” and “{second}”: say which is positive, such as --positive "
        f"{first}."
    )
