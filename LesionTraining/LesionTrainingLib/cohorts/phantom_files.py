"""What phantoms that the program wrote as files say of themselves."""

from __future__ import annotations

import json
from pathlib import Path

from .file_names import stem_of


def phantom_of(labels: Path) -> str:
    """Which phantom a label map is of (``pet``), by the truth that the program writes beside it, with the ending ``.json``.

    Empty for all others.
    """
    try:
        truth = json.loads((labels.parent / f"{stem_of(labels.name)}.json").read_text(encoding="utf-8"))
        if truth.get("method") != "phantom":
            return ""
        return str(truth.get("provenance", {}).get("phantom", "")) or "phantom"
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
