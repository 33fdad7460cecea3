"""Names of files that somebody else has given: fit to be used in a folder of ours, and for a browser to save under."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 120
_NOT_KEPT = re.compile(r"[^\w .()+,=@-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices."""


def safe_name(given: str) -> str:
    """A plain name without folders, at most 120 characters long, that keeps its ending: ``../x/scan.nii.gz`` is
    ``scan.nii.gz``. Never empty, never hidden."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    name = _NOT_KEPT.sub("_", last).strip(" .")
    if not name or _DEVICES.fullmatch(name):
        name = f"file_{name}" if name else "file"
    return name if len(name) <= _LONGEST else name[: _LONGEST - 20].rstrip(" .") + "_" + name[-19:].lstrip(" .")


def folder_of(given: str) -> str:
    """What stands before the name: files with the same are from one folder. Only ever compared, never used as a path."""
    return re.sub(r"[^/\\]*$", "", given)


def other_name(name: str, number: int) -> str:
    """The name with a number in front, for one that is taken."""
    return f"{number:05d}-{name}"
