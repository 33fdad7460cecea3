"""How libraries are installed without changing those that Slicer and other extensions run on: what pip is told."""

from __future__ import annotations

import contextlib
import importlib.metadata
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from LesionDetectionLib.core.errors import DependencyError, InputError, OutputError

from .packages import PACKAGES, Found, first_version

Pip = Callable[[list[str]], None]
"""Runs ``pip install`` with these arguments."""

_DECIDING = ("numpy", "scipy", "Pillow")
"""Which versions of the others fit depends on the versions of these that Slicer has."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_PLAIN_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+([._-][a-z0-9]+)*)?")


def refuse_to_replace(lacking: Sequence[Found]) -> None:
    """Raises DependencyError where a library that Slicer itself brings, and runs on, is too old."""
    kept = [one for one in lacking if one.too_old and one.package.from_slicer]
    if kept:
        raise DependencyError(
            f"This needs a newer Slicer: {'; '.join(one.problem for one in kept)}. Slicer runs on these libraries, so they are "
            "not replaced."
        )


def constraints(asked: Sequence[Found], apart: bool = False) -> str:
    """A pip constraints file that holds what is installed at its version, but for what is asked for.

    Args:
        apart: hold only what Slicer runs on and shares with our own folder, such as numpy; the rest does not meet.
    """
    free = {plain_name(one.package.name) for one in asked}
    shared = {plain_name(package.name) for package in PACKAGES.values() if package.from_slicer}
    lines: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name, version = _name_and_version(distribution)
        plain = plain_name(name)
        # What pip could not read would make it refuse the whole file.
        readable = _PLAIN_NAME.fullmatch(name) and _PLAIN_VERSION.fullmatch(version)
        if readable and plain not in free and (not apart or plain in shared):
            lines.setdefault(plain, f"{name}=={version}")  # the first one found is the one that is used
    return "".join(f"{line}\n" for _, line in sorted(lines.items()))


def install_apart(pip: Pip, arguments: Sequence[str], asked: Sequence[Found], folder: Path) -> None:
    """Install into a folder of our own, whole or not at all, without what Python has in the same version anyway.

    Args:
        pip: raises where it fails; then the folder is as it was.
        arguments: for pip, such as where to look.

    Raises:
        OutputError: the folder cannot be written.
    """
    staging = folder.with_name(f".new-{folder.name}")
    old = folder.with_name(f".old-{folder.name}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for path in (staging, old):
            shutil.rmtree(path, ignore_errors=True)
        staging.mkdir()
        pip([*arguments, "--target", str(staging), *(one.package.requirement for one in asked)])
        _drop_duplicates(staging)
        _carry_over(folder, staging)
        if folder.exists():
            folder.rename(old)
        staging.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error}. If the worker has just used it, start Slicer again and try again."
        ) from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for path in (staging, old):
            shutil.rmtree(path, ignore_errors=True)


def _drop_duplicates(folder: Path) -> None:
    """pip puts all that a library needs into a folder, numpy too; what Python has in that version need not be there twice."""
    for distribution in list(importlib.metadata.distributions(path=[str(folder)])):
        name, version = _name_and_version(distribution)
        if name and first_version(name) == version:
            for file in _files(distribution, folder):
                (folder / file).unlink(missing_ok=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)  # programs, which nobody calls
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if path.name == "__pycache__":
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):  # it holds something
            path.rmdir()


def _carry_over(earlier: Path, folder: Path) -> None:
    """What was there and was not installed anew stays."""
    there = {plain_name(_name_and_version(one)[0]) for one in importlib.metadata.distributions(path=[str(folder)])}
    for distribution in importlib.metadata.distributions(path=[str(earlier)]):
        if plain_name(_name_and_version(distribution)[0]) not in there:
            for file in _files(distribution, earlier):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(earlier / file, folder / file)


def _files(distribution: importlib.metadata.Distribution, folder: Path) -> list[Path]:
    """The files of a library that are there, seen from a folder; none that lies outside of it."""
    inside = folder.resolve()
    paths = [Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or ()]
    return [path.relative_to(inside) for path in paths if inside in path.parents and path.is_file()]


def wheels_in(folder: Path) -> set[str]:
    """The plain names of the libraries of which there are wheels in a folder.

    Raises:
        InputError: there is no such folder.
    """
    try:
        return {plain_name(path.name.split("-")[0]) for path in Path(folder).iterdir() if path.suffix == ".whl"}
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error}.") from error


def download_command(names: Iterable[str]) -> str:
    """What to type on a computer with internet, and the same Slicer, to fill a folder ``wheels``."""
    held = {name: f"{name}=={version}" for name in _DECIDING if (version := first_version(name))}
    wanted = [PACKAGES[name].requirement for name in names if name not in held]
    quoted = " ".join(f'"{requirement}"' for requirement in [*held.values(), *wanted])
    return f"PythonSlicer -m pip download --only-binary=:all: --dest wheels {quoted}"


def plain_name(name: str) -> str:
    """As pip compares names: ``Scikit_Image`` is ``scikit-image``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    facts = distribution.metadata
    return (str(facts["Name"] or ""), str(facts["Version"] or "")) if facts is not None else ("", "")
