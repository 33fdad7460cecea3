"""What a reproduction's folder was begun with, so that a resume goes on with the same and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError, UsageError

from ..cohorts.cohort import Cohort

RECORD = "reproduction.json"
_SHOWN = 3


def data_digest(cohort: Cohort) -> str:
    """SHA-256 of the cases and their labels, wherever they lie; voxels are covered by the cache's own keys."""
    rows = sorted(json.dumps(dict(case.values()), sort_keys=True, default=repr) for case in cohort.cases)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def is_begun(folder: Path) -> bool:
    return (folder / RECORD).exists()


def begin(folder: Path, what: Mapping[str, Any]) -> None:
    """Write down what the reproduction is, or compare with what is written there; names that are not there are added.

    Args:
        what: plain JSON values by name; the names are what a refusal tells.

    Raises:
        UsageError: the folder was begun with other values; the text names them.
        InputError: what is written there cannot be read.
        OutputError: it cannot be written.
    """
    path = folder / RECORD
    now: dict[str, Any] = json.loads(json.dumps(what))
    before = _read(path) if path.exists() else {}
    differing = [text for name in now if name in before for text in _differing(before[name], now[name], name)]
    if differing:
        more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise UsageError(
            f"The reproduction in {folder} was begun otherwise ({'; '.join(differing[:_SHOWN])}{more}): go on as it was begun, "
            "or name another folder with --output."
        )
    if set(now) - set(before):
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps({**before, **now}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("it does not say what was begun")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}. Name another folder to begin anew.") from error
    return values


def _differing(before: Any, now: Any, name: str) -> list[str]:
    """``settings.recipe.regression_weight was 0.5, not 0.4``, one for each value that differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = list(dict.fromkeys([*before, *now]))
        return [text for key in names for text in _differing(before.get(key), now.get(key), f"{name}.{key}")]
    if before == now:
        return []
    if isinstance(before, str) and isinstance(now, str) and len(now) == hashlib.sha256().digest_size * 2:
        return [f"{name} were others"]
    return [f"{name} was {json.dumps(before)}, not {json.dumps(now)}"]
