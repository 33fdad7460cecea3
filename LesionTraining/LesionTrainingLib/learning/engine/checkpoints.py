"""Checkpoints that cannot run code: tensors as safetensors, the rest as JSON, both sealed with SHA-256.

    checkpoints/step-00000120-00000100/tensors.safetensors
    checkpoints/step-00000120-00000100/state.json

is one after 120 steps, the last validation being after 100. A checkpoint appears by one rename, whole or not at all. The last two are kept: when the newest is damaged, the one
before it is taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import InputError, OutputError
from torch import Tensor

CHECKPOINTS, TENSORS, STATE = "checkpoints", "tensors.safetensors", "state.json"
SCHEMA, SCHEMA_VERSION = "lesion-checkpoint", 1
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """Attributes:
    values: plain JSON.
    tensors: by name, on the processor.
    """

    values: dict[str, Any]
    tensors: dict[str, Tensor]


def write_checkpoint(folder: Path, step: int, validated: int, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and remove all but this one and the one before.

    Args:
        folder: of the fit.
        step, validated: steps done, and steps done at the last validation.
        checkpoint: what to keep.

    Raises:
        OutputError: it cannot be written, or the disk is full; the one before stays.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    place = folder / CHECKPOINTS / f"step-{step:08d}-{validated:08d}"
    _remove_partial(folder)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(place)  # a damaged one, or one of a run that went on from before it
    with atomic_folder(place) as temporary:
        try:
            save_file({name: _plain(tensor) for name, tensor in checkpoint.tensors.items()}, temporary / TENSORS)
        except SafetensorError as error:  # how the library tells of a full disk
            raise OutputError(f"{place} was not written: {error}. Is the disk full?") from error
        values = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **checkpoint.values}
        values["tensors_sha256"] = _file_digest(temporary / TENSORS)
        values["sha256"] = _digest(values)
        (temporary / STATE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    older = [each for each in _places(folder) if each.name < place.name]
    for unwanted in {*_places(folder)} - {place, *older[-(KEPT - 1) :]}:
        shutil.rmtree(unwanted, ignore_errors=True)


def read_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole.

    Returns:
        It, None where there never was one; and a sentence for each damaged one that was passed over.

    Raises:
        InputError: there are checkpoints, but all are damaged, or of a newer program.
    """
    notes: list[str] = []
    for place in reversed(_places(folder)):
        try:
            return _read(place), notes
        except (OSError, ValueError, KeyError, TypeError) as error:
            notes.append(f"The checkpoint {place.name} is damaged ({error}); the one before it was taken.")
    if notes:
        raise InputError(f"All checkpoints in {folder / CHECKPOINTS} are damaged. Begin anew in another folder.")
    return None, []


def has_checkpoint(folder: Path) -> bool:
    return bool(_places(folder))


def pack(checkpoint: Checkpoint) -> tuple[bytes, bytes]:
    """The checkpoint as bytes, to be sent to another process."""
    from safetensors.torch import save

    tensors = save({name: _plain(tensor) for name, tensor in checkpoint.tensors.items()})
    return json.dumps(checkpoint.values).encode(), tensors


def unpack(values: bytes, tensors: bytes) -> Checkpoint:
    from safetensors.torch import load

    return Checkpoint(json.loads(values), load(tensors))


def _read(place: Path) -> Checkpoint:
    from safetensors import SafetensorError
    from safetensors.torch import load

    values = json.loads((place / STATE).read_text(encoding="utf-8"))
    if not isinstance(values, dict) or values.get("schema") != SCHEMA or values.get("sha256") != _digest(values):
        raise ValueError(f"{STATE} is not what was written")
    if values["schema_version"] != SCHEMA_VERSION:
        raise InputError(f"{place} was written by another version of this program. Go on with that one.")
    data = (place / TENSORS).read_bytes()
    if hashlib.sha256(data).hexdigest() != values["tensors_sha256"]:
        raise ValueError(f"{TENSORS} is not what was written")
    try:
        return Checkpoint(values, load(data))
    except SafetensorError as error:
        raise ValueError(f"{TENSORS}: {error}") from error


def _places(folder: Path) -> list[Path]:
    """The checkpoints' folders, oldest first."""
    return sorted(place for place in (folder / CHECKPOINTS).glob("step-*") if place.is_dir())


def _remove_partial(folder: Path) -> None:
    """Remove what a killed run left half written."""
    for left in (folder / CHECKPOINTS).glob(".partial-step-*"):
        shutil.rmtree(left, ignore_errors=True)


def _plain(tensor: Tensor) -> Tensor:
    """On the processor, rows first, sharing memory with no other: safetensors refuses tied weights."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of all but the own hash, as sorted JSON."""
    own = {name: value for name, value in values.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()
