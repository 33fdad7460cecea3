"""Phantoms that a test needs and does not question: each is made once in a run of pytest, by whichever process comes first.

The fixture ``kept_phantoms`` of conftest.py has them. Tests of how phantoms are made take none of these.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import tempfile
from importlib import import_module
from pathlib import Path

_MAKERS = {"chest": "make_chest", "petct": "make_petct"}
"""Module of LesionTrainingLib.cohorts.phantoms: the function of it that takes seconds."""


class KeptPhantoms:
    """``kept.chest(1, TINY)`` is what ``make_chest(1, TINY)`` gives, and nobody else's: it may be written to."""

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def chest(self, seed, settings):
        return self._kept("chest", seed, settings)

    def petct(self, seed, settings):
        return self._kept("petct", seed, settings)

    def put_in_place(self, monkeypatch):
        """Have all who look for the makers in their modules take what is kept: the library, and the modules' self-tests."""
        for name, function in _MAKERS.items():
            _maker(name)
            module = import_module(f"LesionTrainingLib.cohorts.phantoms.{name}")
            monkeypatch.setattr(module, function, functools.partial(self._instead, name, module.DEFAULT))

    def _instead(self, name, default, seed, settings=None, progress=None):
        if progress is not None:
            progress(0.0, "Drawing the patient")
        case = self._kept(name, seed, settings or default)
        if progress is not None:
            progress(1.0, "Done")
        return case

    def _kept(self, name, seed, settings):
        key = hashlib.sha256(repr((name, seed, settings)).encode()).hexdigest()
        path = self._folder / f"{key}.pickle"
        if not path.exists():
            case = _maker(name)(seed, settings)
            # Two processes may make the same: the later one takes the place of the other, which is as good.
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                pickle.dump(case, file)
            Path(file.name).replace(path)
        return pickle.loads(path.read_bytes())


@functools.cache
def _maker(name):
    """The function itself, whatever stands in its place later."""
    return getattr(import_module(f"LesionTrainingLib.cohorts.phantoms.{name}"), _MAKERS[name])
