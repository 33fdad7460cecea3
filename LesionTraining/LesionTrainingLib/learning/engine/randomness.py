"""Random numbers by name and number instead of by order: each step, sample and purpose has its own stream.

A stream depends on its seed and names only, not on what was drawn before. So step 1000 has the same samples in a resumed
run, in one process or in eight, and no sampler has a state to keep.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from collections.abc import Iterator

import numpy as np
import torch

Name = str | int


def stream(seed: int, *names: Name) -> np.random.Generator:
    """A numpy generator for (seed, names), as ``stream(7, "positions", step)``: Philox, keyed with their SHA-256."""
    return np.random.Generator(np.random.Philox(key=_key(seed, names, 16)))


def torch_stream(seed: int, *names: Name, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator for (seed, names). On another kind of device the same names give other numbers."""
    return torch.Generator(device).manual_seed(_key(seed, names, 8))


def seed_everything(seed: int, *names: Name) -> None:
    """Set the global generators of Python, numpy and torch (processor and GPUs), which dropout and libraries draw from.

    Ten microseconds; ``torch.manual_seed`` takes ten times as long, as it looks for every kind of device.
    """
    key = _key(seed, names, 8)
    random.seed(key)
    np.random.seed(key % 2**32)  # noqa: NPY002, the generator that other libraries use
    torch.default_generator.manual_seed(key)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(key)


@contextlib.contextmanager
def global_generators_kept(device: torch.device) -> Iterator[None]:
    """Leave the global generators, torch's of ``device`` among them, at the end as they were at the start."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002


def _key(seed: int, names: tuple[Name, ...], size: int) -> int:
    text = json.dumps([int(seed), *(name if isinstance(name, str) else int(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size], "little")
