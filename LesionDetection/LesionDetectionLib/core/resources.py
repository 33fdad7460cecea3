"""Where the files that are shipped beside the code lie, and where the program keeps a user's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .errors import BundleError

_LIBRARY = Path(__file__).resolve().parent.parent
_APPLICATION = "SlicerLesionDetection"


def resources_folder() -> Path:
    """The module's ``Resources`` folder: beside the library in the source tree and in Slicer, inside it in a wheel."""
    beside, inside = _LIBRARY.parent / "Resources", _LIBRARY / "Resources"
    return beside if beside.is_dir() else inside


def demonstration_model(name: str) -> Path:
    """The folder of the demonstration bundle of this name.

    Raises:
        BundleError: it was not shipped.
    """
    path = resources_folder() / "Models" / name
    if not name or not path.is_dir():
        raise BundleError("No demonstration model is shipped for this method: name a bundle of your own with --model.")
    return path


def program_data_folder(
    environment: Mapping[str, str] | None = None, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """Our folder where the platform keeps data of programs for a user. It need not exist."""
    known = os.environ if environment is None else environment
    home = home or Path.home()
    if platform == "win32":
        base = Path(known.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(known.get("XDG_DATA_HOME", ""))
        if not base.is_absolute():  # as the XDG specification asks
            base = home / ".local" / "share"
    return base / _APPLICATION
