"""A trained model as a folder or zip that describes itself and cannot run code.

    bundle.json          schema version, method, settings, training in words, metrics, licence, intended use, SHA-256s
    weights.safetensors  the weights; nothing is ever unpickled
    MODEL_CARD.md        for people

``bundle.json`` lists every other file with its SHA-256 and carries the SHA-256 of its own content, so that a damaged,
half-copied or edited bundle is refused. The hashes are no signature: they do not say who made it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .atomic import atomic_file, atomic_folder
from .errors import BundleError

SCHEMA_VERSION = 1
MANIFEST, WEIGHTS, CARD = "bundle.json", "weights.safetensors", "MODEL_CARD.md"
MEASURED_LATER = "measured_later"
"""In a manifest's ``training``: the cases that it was measured on were named when the model was there already, and compared
with none that it had learned from."""
LARGEST_FILE, LARGEST_MANIFEST = 4 * 2**30, 16 * 2**20
"""A bundle file or manifest larger than this is refused before it is read."""

Weights = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Manifest:
    """What ``bundle.json`` says.

    Attributes:
        method: id of the method it is for.
        name: of this model, shown wherever its results are.
        version: of this model.
        architecture: settings of the network, enough to build it again.
        settings: the method's default settings with this model, among them ``operating_points`` (name -> threshold).
        training: data in words, command, seed, library versions, duration.
        trained_on_phantoms: results carry a warning while this is so.
        metrics: what was measured, and on what.
        licence: SPDX identifier.
        intended_use: in words.
    """

    method: str
    name: str
    version: str
    architecture: dict[str, Any]
    settings: dict[str, Any]
    training: dict[str, Any]
    trained_on_phantoms: bool
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    intended_use: str = "Research only. Not a medical device; not for clinical decisions."

    def __post_init__(self) -> None:
        if not self.method or not self.name:
            raise BundleError("A model bundle must name its method and itself.")


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory. Make one with :meth:`open`; write one with :func:`write_bundle`."""

    manifest: Manifest
    files: Mapping[str, bytes]
    digest: str
    source: str

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Read and verify a bundle folder or zip, nothing being unpacked to disk.

        Raises:
            BundleError: missing, damaged, tampered with, of another or a newer kind; the text says which.
        """
        source = str(path)
        with _opened(Path(path)) as (names, read):
            data = read(MANIFEST)
            manifest, hashes, digest = _parse(data, source)
            _check_names(hashes, names, source)  # before anything else is read: what does not belong fills no memory
            files = {MANIFEST: data, **{name: read(name) for name in hashes}}
        for name, expected in hashes.items():
            if hashlib.sha256(files[name]).hexdigest() != expected:
                raise BundleError(
                    f"{source} is refused: {name} is not the file it was made with (its SHA-256 differs). Get it again."
                )
        return cls(manifest, files, digest, source)

    def weights(self) -> Weights:
        """The weights as arrays by name.

        Raises:
            BundleError: the file is not a safetensors file.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            loaded: Weights = load(self.files[WEIGHTS])
        except SafetensorError as error:
            raise BundleError(f"The weights in {self.source} are not a safetensors file: {error}.") from error
        return loaded

    def card(self) -> str:
        return self.files[CARD].decode("utf-8", errors="replace")

    def save_zip(self, path: Path) -> None:
        """Write it to one file, whole or not at all; an earlier one is replaced. Raises OutputError."""
        _write_zip(Path(path), self.files)

    def require_method(self, method: str) -> None:
        """Raises BundleError where the bundle was made for another method."""
        if self.manifest.method != method:
            raise BundleError(
                f"The model “{self.manifest.name}” is for the method {self.manifest.method}, not {method}. "
                "Choose the matching method or model."
            )

    def warnings(self) -> tuple[str, ...]:
        """Sentences that must stand beside every result of this model."""
        if not self.manifest.trained_on_phantoms:
            return ()
        return (
            f"The model “{self.manifest.name}” was trained on computer-made phantoms only: its results on patients "
            "show how the program works, not what is there.",
        )


def read_manifest(path: Path) -> tuple[Manifest, str]:
    """What a bundle says of itself, and its digest: quick, for lists.

    The manifest's own hash and the other files' names are checked, not their content: :meth:`Bundle.open` does that.

    Raises:
        BundleError: as :meth:`Bundle.open`, as far as that shows without reading the weights.
    """
    with _opened(Path(path)) as (names, read):
        data = read(MANIFEST)
    manifest, hashes, digest = _parse(data, str(path))
    _check_names(hashes, names, str(path))
    return manifest, digest


def write_bundle(path: Path, manifest: Manifest, weights: Weights, card: str, overwrite: bool = False) -> None:
    """Write a bundle, whole or not at all: a zip where ``path`` ends in ``.zip``, else a folder.

    What is no finite number in the manifest (a figure of no cases) is null in the file, as JSON has no other word for it.

    Raises:
        OutputError: it cannot be written, or ``path`` holds a bundle and ``overwrite`` is not set.
    """
    from safetensors.numpy import save

    path = Path(path)
    contiguous = {name: np.asarray(array, order="C") for name, array in weights.items()}
    files = {WEIGHTS: save(contiguous), CARD: card.encode("utf-8")}
    content: dict[str, Any] = {
        "schema": "lesion-bundle",
        "schema_version": SCHEMA_VERSION,
        **_as_json(vars(manifest)),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    content["sha256"] = _digest(content)
    files[MANIFEST] = (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
    if path.suffix == ".zip":
        _write_zip(path, files)
        return
    with atomic_folder(path, overwrite) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_json(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[set[str], Callable[[str], bytes]]]:
    """The names of a bundle's files, none of them too large, and a function that reads one.

    Raises:
        BundleError: it is none, or cannot be read, here or within the block.
    """
    try:
        if path.is_file():
            with zipfile.ZipFile(path) as archive:
                yield {entry.filename for entry in _zip_entries(archive, path)}, archive.read
        else:
            yield {entry.name for entry in _folder_entries(path)}, lambda name: (path / name).read_bytes()
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"{path} cannot be read as a model bundle: {error}.") from error


def _folder_entries(path: Path) -> list[Path]:
    if not path.is_dir():
        raise BundleError(f"There is no model bundle at {path}.")
    if not (path / MANIFEST).is_file():
        raise BundleError(f"{path} is not a model bundle: it has no {MANIFEST}.")
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    for entry in entries:
        _check_entry(entry.name, entry.stat().st_size, str(path))
        if entry.is_symlink() or not entry.is_file():
            raise BundleError(f"{path} is not a model bundle: {entry.name} is not a plain file.")
    return entries


def _zip_entries(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if MANIFEST not in archive.namelist():
        raise BundleError(f"{path} is not a model bundle: it has no {MANIFEST}.")
    for entry in entries:
        _check_entry(entry.filename, entry.file_size, str(path))
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{path} is refused: {entry.filename} is packed in a way that bundles do not use.")
    if len({entry.filename for entry in entries}) != len(entries):
        raise BundleError(f"{path} is not a model bundle: a file is in it twice.")
    return entries


def _check_entry(name: str, size: int, source: str) -> None:
    if name in ("", ".", "..") or any(mark in name for mark in ("/", "\\", ":", "\0")):
        raise BundleError(f"{source} is refused: it holds the path “{name}”, and a bundle has plain file names only.")
    if size > (LARGEST_MANIFEST if name == MANIFEST else LARGEST_FILE):
        raise BundleError(f"{source} is refused: {name} has {size / 2**20:,.0f} MiB.")


def _parse(data: bytes, source: str) -> tuple[Manifest, dict[str, str], str]:
    """The manifest, the other files' hashes by name, and its own hash, which is checked."""
    try:
        content = json.loads(data.decode("utf-8"))
        if content["schema"] != "lesion-bundle":
            raise BundleError(f"{source} is not a model bundle of this program.")
        if content["schema_version"] != SCHEMA_VERSION:
            raise BundleError(
                f"{source} has version {content['schema_version']} of the bundle format; this program reads version "
                f"{SCHEMA_VERSION}. Update the program."
            )
        hashes, claimed = dict(content["files"]), content["sha256"]
        if _digest(content) != claimed:
            raise BundleError(f"{source} is refused: its {MANIFEST} was changed after it was made. Get it again.")
        manifest = Manifest(**{name: content[name] for name in Manifest.__dataclass_fields__})
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{source} is not a model bundle of this program: its {MANIFEST} is damaged ({error!r})."
        ) from error
    return manifest, hashes, str(claimed)


def _check_names(hashes: Mapping[str, str], present: set[str], source: str) -> None:
    if set(hashes) != present - {MANIFEST} or not {WEIGHTS, CARD} <= set(hashes):
        differing = sorted(set(hashes) ^ (present - {MANIFEST})) or [WEIGHTS, CARD]
        raise BundleError(
            f"{source} is refused: files are missing or were added ({', '.join(differing)}). Get it again."
        )


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of the manifest without its own hash, as sorted, compact JSON."""
    own = {name: value for name, value in content.items() if name != "sha256"}
    text = json.dumps(own, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
