"""Where the panels keep what outlives a session of Slicer: the folder of the user's models."""

from __future__ import annotations

from pathlib import Path

import slicer

from LesionDetectionLib.app.models import default_models_folder

_MODELS_KEY = "LesionDetection/ModelsFolder"


def models_folder() -> Path:
    """The folder that the user chose for models, or where the platform keeps such data."""
    chosen = slicer.app.userSettings().value(_MODELS_KEY)
    return Path(chosen) if chosen else default_models_folder()


def set_models_folder(folder: Path | None) -> None:
    """Keep models in ``folder`` from now on; None for the platform's place."""
    if folder is None:
        slicer.app.userSettings().remove(_MODELS_KEY)
    else:
        slicer.app.userSettings().setValue(_MODELS_KEY, str(folder))
