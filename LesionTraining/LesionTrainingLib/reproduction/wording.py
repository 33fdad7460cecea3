"""How reproductions say counts and lists, and what was not used of the data."""

from __future__ import annotations

from collections.abc import Sequence

from LesionDetectionLib.core.progress import Progress

from ..cohorts.cohort import LeftOut


def counted(number: int, what: str, several: str = "") -> str:
    """``1 scan``, ``2 scans``; ``several`` where the plural is another than with an s."""
    return f"{number} {what if number == 1 else several or what + 's'}"


def ranges(numbers: Sequence[int]) -> str:
    """``0-4, 7``."""
    runs = list[list[int]]()
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def unused(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """What listing the data found wrong, as one sentence; nothing where all of it is used."""
    if not left_out:
        return ()
    first, count = left_out[0], len(left_out)
    were = "was" if count == 1 else "were"
    entries = counted(count, "entry", "entries")
    return (f"{entries} of the data {were} not used. The first, {first.case}: {first.reason}",)


def named(progress: Progress, name: str) -> Progress:
    """The same, each text with a name before it."""

    def tell(fraction: float, text: str) -> None:
        progress(fraction, f"{name}: {text}")

    return Progress(tell)
