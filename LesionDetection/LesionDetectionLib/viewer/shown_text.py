"""Texts on their way to the browser: they name no folder of this machine."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

_POSIX = re.compile(r"(?<![\w/.~:])/(?:[^\s/“”\"'<>|:;,()]+/)+(?=[^\s/“”\"'<>|:;,()])")
_WINDOWS = re.compile(r"(?<!\w)(?:[A-Za-z]:|\\)\\(?:[^\\/:*?\"“”<>|\n]+\\)+")


def without_folders(text: str) -> str:
    """The text with each absolute path shortened to its last name: ``/home/jo/scan.nrrd`` becomes ``scan.nrrd``."""
    for folder in (tempfile.gettempdir(), str(Path.home())):  # these may have blanks, which end a path below
        if len(folder) > 1:
            text = text.replace(folder.rstrip("/\\") + "/", "/…/").replace(folder.rstrip("\\") + "\\", "\\\\…\\")
    return _WINDOWS.sub("", _POSIX.sub("", text))
