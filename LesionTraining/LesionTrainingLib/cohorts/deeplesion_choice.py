"""A user's own choice of DeepLesion's images, and of lesions on them: ``deeplesion:PATH?list=FILE``.

DeepLesion tells types of lesions for its validation and test images only. Who wants one organ's lesions to learn from
names the training images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError

from .case import TEST, TRAINING, VALIDATION
from .cohort import LeftOut
from .deeplesion_rows import BOX, FILE, FIRST, KeySlice, Marked, image_name
from .rows import Row, read_table

NAMES, LESION = (FILE, "image", "case"), "lesion"
"""Columns for the image, the first that there is, and for the number of a lesion among its image's rows, from 1."""
NOT_TOLD = -1
_SAME_BOX_PX = 0.02
_FIRST_FEW = 3

Box = tuple[float, ...]


@dataclass(frozen=True)
class Choice:
    """Attributes:
    path: the file.
    images: name (``000001_01_01_109``) -> the lesions that it names, by number from 1 or by box in pixels from 0, each
        with its line; empty for all of the image.
    """

    path: Path
    images: Mapping[str, tuple[tuple[int, int | Box], ...]]


@dataclass(frozen=True)
class Chosen:
    """Attributes:
    key: the image with the lesions in question.
    kinds: those types of its lesions count; empty for all.
    others: lesions on it that were not chosen.
    """

    key: KeySlice
    kinds: tuple[int, ...]
    others: tuple[Marked, ...] = ()


def find_choice(folder: Path, name: str) -> Choice:
    """Read the list ``name``: in the set's ``folder`` if it is there, else where the path says. Raises InputError."""
    path = Path(name).expanduser()
    return read_choice(folder / path if (folder / path).is_file() else path)


def read_choice(path: Path) -> Choice:
    """Names of images one a line, or a table with a heading: the image (:data:`NAMES`) and, if wanted, which of its lesions.

    A lesion is named by its number among the image's rows, under ``lesion``, or by its box, under ``Bounding_boxes``: rows
    copied from ``DL_info.csv`` will do. An image that a row without lesion names is taken with all.

    Raises:
        InputError: it cannot be read, names nothing, or a line makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The list {path} cannot be read as text: {error}.") from error
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1)]
    lines = [(n, line) for n, line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"The list {path} is empty. Write names of images, one a line, such as 000001_01_01_109.")
    if _name(lines[0][1]) is None:
        return _from_table(path)
    images = {}
    for number, line in lines:
        name = _name(line)
        if name is None:
            raise InputError(
                f"{path.name}, line {number}: “{line[:60]}” is no image such as 000001_01_01_109. "
                f"A table needs a heading with {FILE}."
            )
        images[name] = ()
    return Choice(path, images)


def _from_table(path: Path) -> Choice:
    table = read_table(path)
    column = next((name for name in NAMES if name.casefold() in table.columns), None)
    if column is None:
        raise InputError(f"The list {path} has no column {FILE}: write names of images, such as 000001_01_01_109.")
    if table.bad:
        raise InputError(table.bad[0].reason)
    if not table.rows:
        raise InputError(f"The list {path} is empty below its heading. Write an image a row.")
    images: dict[str, list[tuple[int, int | Box]] | None] = {}
    for row in table.rows:
        name = _name(row.text(column))
        try:
            if name is None:
                raise ValueError(f"“{row.text(column)}” under {column} is no image such as 000001_01_01_109")
            lesion = _lesion(row)
        except ValueError as error:
            raise InputError(table.reason(row, error)) from error
        known = images.setdefault(name, [])
        if lesion is None:
            images[name] = None
        elif known is not None:
            known.append((row.line, lesion))
    return Choice(path, {name: tuple(lesions or ()) for name, lesions in images.items()})


def _name(text: str) -> str | None:
    """The image's name as a case has it; None for what is none."""
    series, _, number = image_name(text).rpartition("_")
    if not series or not number.isdecimal() or any(sign in text for sign in ",;\t"):
        return None
    return f"{series}_{int(number):03d}"


def _lesion(row: Row) -> int | Box | None:
    """Raises ValueError."""
    if row.text(LESION):
        return row.whole(LESION)
    return tuple(n - FIRST for n in row.numbers(BOX, 4)) if row.text(BOX) else None


def choose(key: KeySlice, kinds: tuple[int, ...], choice: Choice | None) -> Chosen | None:
    """What of an image counts; None where it is neither on the list nor, with ``kinds``, to be looked at for its types.

    On a listed image the lesions that the list names count, or, where it names none, all, but for those whose type is told
    and is none of ``kinds``. Elsewhere those of ``kinds`` count.

    Raises:
        InputError: the list names a lesion that the image does not have.
    """
    if choice is None or key.id not in choice.images:
        return Chosen(key, kinds) if choice is None or kinds else None
    named = choice.images[key.id]
    if not named:
        return Chosen(key, (*kinds, NOT_TOLD) if kinds else ())
    wanted = {_index_of(key, lesion, choice.path, line) for line, lesion in named}
    wanted |= {n for n, lesion in enumerate(key.lesions) if kinds and lesion.kind in kinds}
    own = tuple(lesion for n, lesion in enumerate(key.lesions) if n in wanted)
    others = tuple(lesion for n, lesion in enumerate(key.lesions) if n not in wanted)
    return Chosen(replace(key, lesions=own), (), others)


def _index_of(key: KeySlice, lesion: int | Box, path: Path, line: int) -> int:
    if isinstance(lesion, int):
        if 1 <= lesion <= len(key.lesions):
            return lesion - 1
        what = f"{key.id} has {len(key.lesions)} lesions, numbered from 1, and no lesion {lesion}"
    else:
        for n, marked in enumerate(key.lesions):
            if np.abs(np.subtract(marked.box, lesion)).max() <= _SAME_BOX_PX:
                return n
        what = f"{key.id} has no lesion with this box"
    raise InputError(f"{path.name}, line {line}: {what}. Take number or box from DL_info.csv.")


def check_known(choice: Choice, keys: Sequence[KeySlice], left_out: Sequence[LeftOut], info: str) -> None:
    """Raises InputError where the list names images that the set's list ``info`` does not have."""
    known = {key.id for key in keys} | {_name(left.case) for left in left_out}
    missing = [name for name in choice.images if name not in known]
    if missing:
        first = ", ".join(missing[:_FIRST_FEW]) + (", ..." if len(missing) > _FIRST_FEW else "")
        raise InputError(
            f"{len(missing)} of the {len(choice.images)} images that {choice.path.name} names are not in {info}: {first}."
        )


def notes_of(choice: Choice, chosen: Sequence[KeySlice], types: str) -> list[str]:
    """What the list did, for the cohort's notes.

    Args:
        chosen: the images of the cohort.
    """
    listed = Counter(key.split for key in chosen if key.id in choice.images)
    parts = ", ".join(f"{listed[split]} {split}" for split in (TRAINING, VALIDATION, TEST))
    notes = [f"{sum(listed.values())} images are on the user's list {choice.path.name} ({parts})."]
    others = len(chosen) - sum(listed.values())
    if types:
        notes[0] += f" {others} more have a lesion of the types {types}."
    unused = len(choice.images) - sum(listed.values())
    if unused:
        notes.append(
            f"{unused} listed images are not used: a file or a sensible row is missing, or no lesion on them counts."
        )
    notes.append(
        "The images that a paper on one organ used cannot be told from DeepLesion, which tells types for validation and "
        "test only: of liver-ct's 1989, 179 and 203 no list was published, and this one is the user's own."
    )
    return notes
