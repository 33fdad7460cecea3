"""What a file is, by its name alone."""

from __future__ import annotations

from pathlib import Path

READABLE = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
WRITABLE = (".nrrd", ".nii", ".nii.gz", ".mha", ".mhd")
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")


def file_ending(path: Path) -> str:
    """The ending that says the format, in lower case: ``.nii.gz`` as a whole, else the last suffix."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def image_name(path: Path) -> str:
    """The file's name without the ending that says its format."""
    ending = file_ending(path)
    return path.name[: -len(ending)] if ending and path.name.lower() != ending else path.name
