"""The models at hand: those that are shipped, and those in a folder of the user's. Nothing is ever downloaded."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.bundle import MANIFEST, Bundle, Manifest, read_manifest
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.errors import BundleError, OutputError, UsageError
from LesionDetectionLib.core.resources import program_data_folder, resources_folder

ENVIRONMENT_VARIABLE = "LESION_MODELS"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class ModelEntry:
    """A model in a list, by what its manifest says.

    Attributes:
        path: its folder or zip.
        method: id of the method that it is for; empty where the manifest cannot be read.
        name, version: of the model; the name of the folder where the manifest cannot be read.
        on_phantoms: trained on computer-made phantoms only: results carry a warning.
        shipped: came with the program and cannot be removed.
        problem: why it cannot be used, a sentence; empty where nothing is known against it.
        line: one sentence on what it learned from and how good it is.
        digest: of the manifest; equal for equal models.
        cpm: mean sensitivity over the seven usual false positive rates, on scans it did not learn from; None where nobody
            measured it.
    """

    path: Path
    method: str
    name: str
    version: str
    on_phantoms: bool
    shipped: bool
    problem: str = ""
    line: str = ""
    digest: str = ""
    cpm: float | None = None


def default_models_folder(
    environment: Mapping[str, str] | None = None, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """Where a user's models lie: the environment variable ``LESION_MODELS``, else where the platform keeps data of
    programs. The folder need not exist."""
    known = os.environ if environment is None else environment
    if known.get(ENVIRONMENT_VARIABLE):
        return Path(known[ENVIRONMENT_VARIABLE]).expanduser()
    return program_data_folder(known, platform, home) / "Models"


class ModelShelf:
    """The shipped models and those of one user's folder.

    Args:
        user_folder: made when the first model is installed; :func:`default_models_folder` where None.
        shipped_folder: where the shipped models lie, for tests; the program's own where None.
    """

    def __init__(self, user_folder: Path | None = None, shipped_folder: Path | None = None) -> None:
        self.user_folder = Path(user_folder) if user_folder is not None else default_models_folder()
        self.shipped_folder = Path(shipped_folder) if shipped_folder is not None else resources_folder() / "Models"

    def entries(self, method: str | None = None) -> tuple[ModelEntry, ...]:
        """All models, or those for one method, by name and version, the shipped ones first. No weights are read.

        A bundle that cannot be used is listed with its ``problem``; where its manifest cannot be read, under every method.
        """
        listed = [_entry(path, shipped=True) for path in _bundles_in(self.shipped_folder)]
        listed += [_entry(path, shipped=False) for path in _bundles_in(self.user_folder)]
        listed.sort(key=lambda entry: (not entry.shipped, entry.name.casefold(), entry.version, str(entry.path)))
        return tuple(entry for entry in listed if method is None or entry.method in (method, ""))

    def verify(self, path: Path) -> Bundle:
        """Read the whole bundle and check every file of it. Raises BundleError."""
        return Bundle.open(path)

    def install(self, source: Path, overwrite: bool = False) -> ModelEntry:
        """Copy a bundle, folder or zip, into the user's folder, verified, whole or not at all.

        A model that is there already, whole and the same, is left alone and given back.

        Raises:
            BundleError: it is damaged, tampered with, foreign, or for a method that this program does not have.
            OutputError: another model of this name and version is there and ``overwrite`` is not set, or the folder
                cannot be written.
        """
        bundle = Bundle.open(Path(source))
        if problem := _unknown_method(bundle.manifest):
            raise BundleError(problem)
        target = self.user_folder / _folder_name(bundle.manifest)
        if target.exists() and _is_whole(target, bundle.digest):
            return _entry(target, shipped=False)
        if target.exists() and not overwrite:
            raise OutputError(
                f"Another model “{bundle.manifest.name}” {bundle.manifest.version} is in {self.user_folder} already. "
                "Remove it first, or choose to replace it."
            )
        # What was verified is written, from memory: the source may change meanwhile.
        staging = target.with_name(f".new-{uuid.uuid4().hex}")
        try:
            with atomic_folder(staging) as folder:
                for name, data in bundle.files.items():
                    (folder / name).write_bytes(data)
            with _told(self.user_folder):
                _put_in_place(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return _entry(target, shipped=False)

    def remove(self, entry: ModelEntry) -> None:
        """Delete a model of the user's folder.

        Raises:
            UsageError: it was shipped, or does not lie in the user's folder.
            OutputError: it cannot be deleted.
        """
        if entry.shipped:
            raise UsageError(f"The model “{entry.name}” came with the program and stays.")
        # Its own place, not where a link may lead.
        if entry.path.parent.resolve() != self.user_folder.resolve() or entry.path.name in ("", ".", ".."):
            raise UsageError(f"{entry.path} does not lie in the folder of your models ({self.user_folder}).")
        with _told(self.user_folder):
            _delete(entry.path)

    def clear(self) -> int:
        """Delete all models of the user's folder and nothing else in it; how many they were.

        A damaged folder that was a model goes too; a zip that cannot be read may be anything, and stays.

        Raises:
            OutputError: one cannot be deleted.
        """
        own = [entry for entry in self.entries() if not entry.shipped and (entry.digest or entry.path.is_dir())]
        for entry in own:
            self.remove(entry)
        for left in self.user_folder.glob(".old-*"):
            shutil.rmtree(left, ignore_errors=True)
        return len(own)


def line_on(manifest: Manifest) -> str:
    """One sentence on what a model learned from and how good it is."""
    of = "computer-made phantoms" if manifest.trained_on_phantoms else "patients"
    scans = _number(_inside(manifest.training, "cases", "training"))
    learned = f"Learned from {scans:.0f} scans of {of}" if scans else f"Learned from scans of {of}"
    cpm, measured = (_number(_inside(manifest.metrics, "test", name)) for name in ("cpm", "scans"))
    if cpm is None:
        return f"{learned}; how good it is was not measured."
    others = f"{measured:.0f} others" if measured else "others"
    return f"{learned}; CPM {cpm:.3f} on {others}."


def _bundles_in(folder: Path) -> list[Path]:
    """Folders with a manifest, and zips."""
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    return [path for path in found if (path / MANIFEST).is_file() or (path.suffix.lower() == ".zip" and path.is_file())]


def _entry(path: Path, shipped: bool) -> ModelEntry:
    try:
        manifest, digest = read_manifest(path)
    except BundleError as error:
        return ModelEntry(path, "", path.name, "", False, shipped, str(error))
    return ModelEntry(
        path,
        str(manifest.method),
        str(manifest.name),
        str(manifest.version),
        bool(manifest.trained_on_phantoms),
        shipped,
        _unknown_method(manifest),
        line_on(manifest),
        digest,
        _number(_inside(manifest.metrics, "test", "cpm")),
    )


def _unknown_method(manifest: Manifest) -> str:
    if str(manifest.method) in methods():
        return ""
    return (
        f"The model “{manifest.name}” is for the method {manifest.method}, which this program does not have. "
        "Update the program."
    )


def _folder_name(manifest: Manifest) -> str:
    """``name-version`` of letters, digits and dashes, dots in the version only: no path of another folder, no hidden one, and
    none of the names that Windows keeps for devices (``nul.x`` is one)."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", str(manifest.name))[:_LONGEST_NAME].strip("-")
    version = re.sub(r"[^A-Za-z0-9.]+", "-", str(manifest.version))[:_LONGEST_NAME].strip("-.")
    return f"{name or 'model'}-{version or 'model'}"


def _is_whole(path: Path, digest: str) -> bool:
    try:
        return Bundle.open(path).digest == digest
    except BundleError:
        return False


def _put_in_place(staging: Path, target: Path) -> None:
    """Rename a new folder to a name that may be taken; what was there comes back where that fails."""
    if not target.exists():
        staging.rename(target)
        return
    old = target.with_name(f".old-{uuid.uuid4().hex}")
    target.rename(old)
    try:
        staging.rename(target)
    except OSError:
        old.rename(target)
        raise
    _delete(old)


def _delete(path: Path) -> None:
    """Gone at once, by a rename, then file by file: a half of it is never seen as a model."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    old = path.with_name(f".old-{uuid.uuid4().hex}")
    path.rename(old)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The models in {folder} could not be changed: {error}. Is one in use, or is the folder write-protected?"
        ) from error


def _inside(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
