"""The folder whose scans a person may choose from. Nothing outside of it is read, whatever is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.file_kinds import READABLE

SCENES = (".mrb", ".mrml")
_MOST = 2000
"""Scans in a list; more than anybody would look through."""
_DEEPEST = 12
_TRIED = 3
"""Files of a folder that are looked at to know whether it is DICOM: the first may be an index or a note."""


@dataclass(frozen=True)
class ServedScan:
    """Attributes:
    path: within the folder, with ``/``; ``.`` is the folder itself.
    kind: ``DICOM``, ``scene``, or the ending that says the format.
    size: bytes of a file; of a folder the number of its files.
    """

    path: str
    kind: str
    size: int

    @property
    def details(self) -> str:
        """In a few words."""
        if self.kind == "DICOM":
            return f"DICOM, {self.size} files" if self.size != 1 else "DICOM, 1 file"
        return f"{self.kind}, {self.size / 1e6:.1f} MB"


class ServedFolder:
    """Args:
    root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def scans(self, progress: Progress) -> tuple[ServedScan, ...]:
        """All that can be opened, by path: image files, scenes, and folders that have DICOM files in them.

        Raises:
            InputError: there is none.
            Cancelled: through ``progress``.
        """
        found = []
        for number, (folder, names) in enumerate(self._folders()):
            progress(1 - 1 / (1 + number / 50), f"Looking through {self.root.name}")
            found += self._scans_of(folder, names)
            if len(found) >= _MOST:
                break
        if not found:
            raise InputError(
                f"There is no scan in {self.root}. It may hold NRRD, NIfTI, MetaImage or DICOM files, or scenes of Slicer."
            )
        return tuple(sorted(found, key=lambda one: one.path)[:_MOST])

    def find(self, relative: str) -> Path:
        """The file or folder that a browser asked for.

        Raises:
            InputError: it is not in the folder, or leads out of it; the text does not say which.
        """
        parts = relative.split("/")
        strange = (
            not relative or "\x00" in relative or "\\" in relative or relative.startswith(("/", "~")) or ":" in parts[0]
        )
        if not strange and ".." not in parts and not any(part.startswith(".") and part != "." for part in parts):
            try:
                path = (self.root / relative).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):
                path = None
            if path is not None and self.holds(path):
                return path
        raise not_served()

    def holds(self, path: Path) -> bool:
        """Whether a file or folder lies in it, wherever links lead."""
        try:
            return path.resolve(strict=True).is_relative_to(self.root)
        except (OSError, RuntimeError):
            return False

    def _folders(self) -> Iterator[tuple[Path, list[str]]]:
        """Each folder with the names of its files, hidden ones left out; links are not followed."""
        for place, folders, names in os.walk(self.root):
            here = Path(place)
            deep = len(here.relative_to(self.root).parts)
            folders[:] = [] if deep >= _DEEPEST else sorted(name for name in folders if not name.startswith("."))
            yield here, sorted(name for name in names if not name.startswith("."))

    def _scans_of(self, folder: Path, names: list[str]) -> list[ServedScan]:
        relative = folder.relative_to(self.root)
        found, others = [], []
        for name in names:
            kind = kind_of(name)
            path = folder / name
            if kind == "other":
                others.append(path)
            elif kind and self.holds(path):
                found.append(ServedScan((relative / name).as_posix(), kind, path.stat().st_size))
        others = [path for path in others if self.holds(path)]
        if _is_dicom(others):
            found.append(ServedScan(relative.as_posix(), "DICOM", len(others)))
        return found


def not_served() -> InputError:
    """One sentence for whatever was asked for: it tells nothing of what there is elsewhere."""
    return InputError("There is no such scan in the folder that this viewer shows.")


def kind_of(name: str) -> str:
    """``scene``, the ending of an image file without its dot, ``other`` (DICOM has any name), or empty for what is no scan."""
    lower = name.lower()
    if lower.endswith(SCENES):
        return "scene"
    if lower.endswith(".seg.nrrd"):
        return ""
    ending = next((one for one in sorted(READABLE, key=len, reverse=True) if lower.endswith(one)), "")
    return ending[1:] or "other"


def _is_dicom(files: list[Path]) -> bool:
    from LesionDetectionLib.io.dicom_headers import may_be_dicom

    for path in files[:_TRIED]:
        try:
            if may_be_dicom(path):
                return True
        except OSError:
            continue
    return False
