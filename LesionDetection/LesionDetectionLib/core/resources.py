"""Where the files that are shipped beside the code lie."""

from __future__ import annotations

from pathlib import Path

from .errors import BundleError

_LIBRARY = Path(__file__).resolve().parent.parent


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
