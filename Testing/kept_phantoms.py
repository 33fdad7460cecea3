"""Phantoms that a test needs and does not question: each is made once in a run of pytest, by whichever process comes first.

The fixtures ``kept_phantoms``, ``phantoms_kept`` and ``lung_parts_kept`` of conftest.py have them. Tests of how phantoms are
made take none of these.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pickle
import shutil
import tempfile
from dataclasses import replace
from importlib import import_module
from pathlib import Path

_PACKAGE = "LesionTrainingLib.cohorts.phantoms"
_MAKERS = {"chest": "make_chest", "petct": "make_petct"}
"""Module of the package: the function of it that takes seconds."""


class KeptPhantoms:
    """``kept.chest(1, TINY)`` is what ``make_chest(1, TINY)`` gives."""

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._change = None

    def chest(self, seed, settings):
        return self._kept("chest", seed, settings)

    def petct(self, seed, settings):
        return self._kept("petct", seed, settings)

    def put_in_place(self, monkeypatch, change=lambda case: case):
        """Have all who look for the makers in their modules take what is kept: the library, and the modules' self-tests.

        Args:
            change: what is done to a case before it is handed out.
        """
        _forget_the_last()
        self._change = change.__name__
        for name, function in _MAKERS.items():
            _maker(name)
            module = import_module(f"{_PACKAGE}.{name}")
            monkeypatch.setattr(module, function, functools.partial(self._instead, name, module.DEFAULT, change))

    def taken_away(self):
        """What is in place is so no more."""
        self._change = None
        _forget_the_last()

    def copy_series(self, count, target):
        """The first ``count`` tiny chests that are in place as DICOM series, with their nodules as SEG, in a new folder."""
        from LesionDetectionLib.app.worker.engine import InProcess
        from LesionTrainingLib.session.requests import PhantomSeriesRequest

        assert self._change is not None, "put_in_place comes before"
        path = self._folder / f"series-{self._change.strip('<>')}-{count}"
        if not path.exists():
            made = Path(tempfile.mkdtemp(dir=self._folder))
            job = InProcess().submit(PhantomSeriesRequest(str(made / "series"), count), {})
            assert job.error is None, job.details
            with contextlib.suppress(OSError):  # the other process was faster
                (made / "series").rename(path)
        shutil.copytree(path, target)

    def _instead(self, name, default, change, seed, settings=None, progress=None):
        if progress is not None:
            progress(0.0, "Drawing the patient")
        case = change(self._kept(name, seed, settings or default))
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


def lung_part(case):
    """The upper half of the right lung of a chest phantom, with what lies whole in it: a quarter of the work on the scan."""
    nk, nj, ni = case.image.shape_kji
    first = nk // 2
    image = case.image.crop((0, 0, first), (ni // 2, nj, nk - first))
    lesions, kinds = [], []
    for lesion, kind in zip(case.lesions, case.kinds, strict=True):
        i, j, k = lesion.mask.start_ijk
        if k >= first and i + lesion.mask.voxels.shape[2] <= ni // 2:
            lesions.append(replace(lesion, mask=replace(lesion.mask, start_ijk=(i, j, k - first))))
            kinds.append(kind)
    mimics = tuple(mimic for mimic in case.mimics if image.geometry.contains_ras(mimic.center_ras_mm))
    return replace(case, image=image, lesions=tuple(lesions), kinds=tuple(kinds), mimics=mimics)


@functools.cache
def _maker(name):
    """The function itself, whatever stands in its place later."""
    return getattr(import_module(f"{_PACKAGE}.{name}"), _MAKERS[name])


def _forget_the_last():
    """The phantom that a cohort keeps between asking for its image and for its truth."""
    import_module(f"{_PACKAGE}.cohort")._cached.cache_clear()
