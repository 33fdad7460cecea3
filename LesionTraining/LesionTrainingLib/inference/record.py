"""``run.json`` in a case's folder: that the case is finished, and what its result depended on.

A later run skips a case whose record is finished and still true. It is written last: a run that was killed leaves either
none or an unfinished one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.app.export import DETECTIONS, TABLE
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError

from ..cohorts.caching.keys import key_of
from ..cohorts.case import Case
from .job import Job, Outcome

RECORD = "run.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Record:
    """What ``run.json`` says.

    Attributes:
        depends_on: all that the result follows from, by name; see :func:`dependencies`.
        full: whether scene, pictures and report were written.
        finished: whether the results beside it are whole.
        outcome: what was found.
    """

    depends_on: dict[str, Any]
    full: bool
    finished: bool
    outcome: Outcome = field(default_factory=lambda: Outcome(""))

    def save(self, folder: Path) -> None:
        """Write it to a case's folder. Raises OutputError."""
        content = {
            "schema": "lesion-cohort-case",
            "schema_version": SCHEMA_VERSION,
            "finished": self.finished,
            "case": self.outcome.case,
            "lesions": self.outcome.lesions,
            "best_score": self.outcome.best_score,
            "seconds": self.outcome.seconds,
            "full": self.full,
            "depends_on": self.depends_on,
        }
        with atomic_file(folder / RECORD) as temporary:
            temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Record | None:
        """The record in a case's folder; None where there is none.

        Raises:
            InputError: a ``run.json`` that is none of ours.
        """
        path = Path(folder) / RECORD
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema"] != "lesion-cohort-case" or content["schema_version"] != SCHEMA_VERSION:
                raise ValueError("another schema")
            best = content["best_score"]
            outcome = Outcome(
                str(content["case"]),
                int(content["lesions"]),
                None if best is None else float(best),
                float(content["seconds"]),
            )
            return cls(dict(content["depends_on"]), bool(content["full"]), bool(content["finished"]), outcome)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path} is no record of a case's detection ({error!r}).") from error

    def answers(self, wanted: dict[str, Any], full: bool, folder: Path) -> bool:
        """Whether this result is what a run that depends on ``wanted`` would write, and is still there."""
        return (
            self.finished
            and (self.full or not full)
            and self.depends_on == wanted
            and all((folder / name).is_file() for name in (DETECTIONS, TABLE))
        )


def dependencies(job: Job, case: Case) -> dict[str, Any]:
    """All that the result of a case follows from: a change in any of them makes another result.

    The case's files are told by name, size and time of change, so that a cohort of thousands is checked in seconds.
    Its values are a hash: they may hold what should not be spread.
    """
    settings = asdict(job.settings) if is_dataclass(job.settings) and not isinstance(job.settings, type) else {}
    found = {
        "method": job.info.id,
        "model": job.digest,
        "settings": settings,
        "case": key_of(type(case).__name__, dict(case.values())),
        "files": key_of([entry for source in case.sources() for entry in _files(source)]),
        "program": __version__,
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))  # as it comes back from the file: tuples are lists
    return plain


def _files(source: Path) -> Iterator[tuple[str, int, int]]:
    """(Name within the source, bytes, time of change in ns) of a file, or of all in a folder; -1 where it is missing."""
    try:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    status = path.stat()
                    yield path.relative_to(source).as_posix(), status.st_size, status.st_mtime_ns
        else:
            status = source.stat()
            yield source.name, status.st_size, status.st_mtime_ns
    except OSError:
        yield source.name, -1, -1
