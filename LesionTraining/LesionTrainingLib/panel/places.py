"""Where training runs lie, which outlive a session of Slicer."""

from __future__ import annotations

from pathlib import Path

import slicer

from ..session.runs import default_runs_folder

_RUNS_KEY = "LesionTraining/RunsFolder"


def runs_folder() -> Path:
    """The folder that the user chose for training runs, or one beside the usual one for models."""
    chosen = slicer.app.userSettings().value(_RUNS_KEY)
    return Path(chosen) if chosen else default_runs_folder()


def set_runs_folder(folder: Path | None) -> None:
    """Keep training runs in ``folder`` from now on; None for the usual place."""
    if folder is None:
        slicer.app.userSettings().remove(_RUNS_KEY)
    else:
        slicer.app.userSettings().setValue(_RUNS_KEY, str(folder))
