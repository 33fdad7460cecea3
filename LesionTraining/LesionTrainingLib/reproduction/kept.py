"""What a step keeps for a resume: networks with the record of their fit, and plain JSON; whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import OutputError
from torch import nn

_RECORD = "record"


def keep_network(path: Path, network: nn.Module, record: Mapping[str, Any]) -> None:
    """Write the weights as safetensors, the record in the file's header. Raises OutputError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }
    with atomic_file(path) as temporary:
        try:
            save_file(tensors, temporary, {_RECORD: json.dumps(dict(record))})
        except SafetensorError as error:  # how the library tells of a full disk
            raise OutputError(f"{path} was not written: {error}. Is the disk full?") from error


def kept_network(path: Path, network: nn.Module) -> dict[str, Any] | None:
    """Fill the network with the weights that are kept there, and give the record; None where there are none, or damaged
    ones, which the fit's checkpoints make again."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            record: dict[str, Any] = json.loads(file.metadata()[_RECORD])
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError):
        return None
    network.eval().requires_grad_(False)
    return record


def keep_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values. Raises OutputError."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(values, allow_nan=False) + "\n", encoding="utf-8")


def kept_json(path: Path) -> dict[str, Any] | None:
    """What :func:`keep_json` wrote; None where it is not there or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def network_digest(network: nn.Module) -> str:
    """SHA-256 of the weights; the same whatever the record says of the fit's time."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + b"\0" + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
