"""What a checkpoint holds of a fit: names in it, and whether it belongs to the fit that wants to go on from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from LesionDetectionLib.core.errors import UsageError
from torch import Tensor

from .settings import EngineSettings
from .task import State

MAY_CHANGE = {"checkpoint_steps", "checkpoint_seconds", "log_every", "tensorboard"}
"""Settings that do not change what comes out."""


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def of(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What :func:`under` put there."""
    start = f"{prefix}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def split_state(state: State) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The plain values and the arrays of a task's state."""
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    plain = {name: _plain(value) for name, value in state.items() if name not in arrays}
    return plain, {name: torch.from_numpy(np.array(array, order="C")) for name, array in arrays.items()}


def _plain(value: Any) -> Any:
    """JSON knows no numpy numbers."""
    return value.item() if isinstance(value, np.generic) else value


def join_state(plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> State:
    return {**plain, **{name: tensor.numpy() for name, tensor in tensors.items()}}


def described(settings: EngineSettings, precision: str, identity: Mapping[str, Any]) -> dict[str, Any]:
    """All that a fit depends on, as plain JSON."""
    what: dict[str, Any] = {"settings": asdict(settings), "precision": precision, "identity": dict(identity)}
    plain: dict[str, Any] = json.loads(json.dumps(what))
    return plain


def refuse_another(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises UsageError where a checkpoint belongs to a fit with other settings; the text names them."""
    differing = [
        f"{name} was {before['settings'].get(name)!r}, not {value!r}"
        for name, value in now["settings"].items()
        if name not in MAY_CHANGE and before["settings"].get(name) != value
    ]
    if before["precision"] != now["precision"]:
        differing.append(f"it counted in {before['precision']}, not {now['precision']}")
    names = {*before["identity"], *now["identity"]}
    differing += [
        f"its “{name}” was another"
        for name in sorted(names)
        if before["identity"].get(name) != now["identity"].get(name)
    ]
    if differing:
        raise UsageError(
            f"This fit was begun otherwise: {'; '.join(differing[:4])}. Go on with the same settings, or begin anew in "
            "another folder."
        )
