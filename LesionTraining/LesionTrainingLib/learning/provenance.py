"""What tells how a model came about, without telling of the computer it was made on, or who the patients are."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import LesionDetectionLib

from ..cohorts.dicom.options import TABLE
from ..cohorts.dicom.patterns import parts_of
from ..cohorts.dicom.records import patient_key
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
    """``luna16:/data/LUNA16?subset=0-8`` -> ``luna16:LUNA16?subset=0-8``; of a YAML file its name.

    Patient IDs become the keys of these patients, which name the same ones: a bundle is passed on.
    """
    if spec.lower().endswith((".yaml", ".yml")):
        return Path(spec).name
    parsed = CohortSpec.parse(spec)
    options = dict(parsed.options)
    if parsed.kind in ("dicom", "dicomdb"):
        if "patient" in options:
            options["patient"] = ",".join(map(_as_key, parts_of(str(options["patient"]))))
        labels = str(options.get("labels", ""))
        if labels.startswith(TABLE):
            options["labels"] = TABLE + Path(labels.removeprefix(TABLE)).name
    if parsed.kind == "deeplesion" and "list" in options:
        options["list"] = Path(str(options["list"])).name
    return str(replace(parsed, path=Path(parsed.path).name, options=options))


def _as_key(patient: str) -> str:
    """A patient's key; what may be either, as twelve digits, is taken for a Patient ID."""
    is_key = re.fullmatch("[0-9a-f]{12}", patient) and not patient.isdigit()
    return patient if is_key else patient_key(patient, "")
