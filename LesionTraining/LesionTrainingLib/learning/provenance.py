"""What tells how a model came about, without telling of the computer it was made on."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import LesionDetectionLib

from ..cohorts.spec import CohortSpec

LIBRARIES = ("torch", "numpy", "scipy", "opencv-python-headless", "safetensors")


def versions() -> dict[str, str]:
    """Of Python, of this program and of the libraries that numbers pass through."""
    found = {"python": platform.python_version(), "LesionDetectionLib": LesionDetectionLib.__version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a library that came another way, as in Slicer
            continue
    return found


def code_digest() -> str:
    """SHA-256 over the sources that a model depends on: cohorts, learning, imaging and methods."""
    training, detection = Path(__file__).parent.parent, Path(LesionDetectionLib.__file__).parent
    digest = hashlib.sha256()
    for folder in (training / "cohorts", training / "learning", detection / "imaging", detection / "methods"):
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.relative_to(folder.parent).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def without_folders(spec: str) -> str:
    """``luna16:/data/LUNA16?subset=0-8`` -> ``luna16:LUNA16?subset=0-8``; of a YAML file its name."""
    if spec.lower().endswith((".yaml", ".yml")):
        return Path(spec).name
    parsed = CohortSpec.parse(spec)
    return str(replace(parsed, path=Path(parsed.path).name))
