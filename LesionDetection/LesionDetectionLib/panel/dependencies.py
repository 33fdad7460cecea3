"""Libraries: what is missing is found without loading it, asked for once, and installed beside what Slicer runs on.

Never at start-up: only when a person wants something that needs them.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LesionDetectionLib.app import installing, packages
from LesionDetectionLib.app.packages import Found
from LesionDetectionLib.core.errors import DependencyError, InputError, LesionDetectionError

from . import ask

_log = logging.getLogger("LesionDetection")
_TORCH = "torch"


def ensure(feature: str, also: Sequence[str] = ()) -> bool:
    """Whether all libraries of a feature are there; asks once for those that are not, and installs them.

    Args:
        feature: a name of :data:`LesionDetectionLib.app.packages.FEATURES`.
        also: further libraries, such as those of a method.

    Returns:
        False where the person declined, where something failed (which was told), or where Slicer has to be started again
        first (told too). While Slicer tests, nothing is installed.
    """
    lacking = packages.missing(feature, also=also)
    return not lacking or install(lacking, feature)


def install(lacking: Sequence[Found], feature: str = "") -> bool:
    """Install these, after asking. As :func:`ensure`."""
    _log.info("%s needs libraries: %s", feature or "set-up", "; ".join(one.problem for one in lacking))
    return _told(lambda: _asked_and_installed(lacking, feature))


def _asked_and_installed(lacking: Sequence[Found], feature: str) -> bool:
    installing.refuse_to_replace(lacking)
    if not ask.confirm(_question(feature, lacking), _("Install libraries?")):
        return False
    _install(lacking)
    return _ready(lacking)


def install_from_folder(folder: Path | None = None) -> bool:
    """Install what is missing from wheels that lie in a folder, with no internet; asks for the folder where it is None.

    Whether everything of which the folder holds a wheel is there now. What goes wrong is told.
    """
    lacking = [one for one in packages.state() if not one.good]
    if not lacking:
        ask.inform(_("All libraries are there already."))
        return True
    chosen = ask.choose_folder(_("Folder of wheels")) if folder is None else folder
    return chosen is not None and _told(lambda: _installed_from(chosen, lacking))


def _installed_from(folder: Path, lacking: Sequence[Found]) -> bool:
    there = installing.wheels_in(folder)
    offered = [one for one in lacking if installing.plain_name(one.package.name) in there]
    if not offered:
        raise InputError(_no_wheels(folder, lacking))
    installing.refuse_to_replace(offered)
    with _waiting():
        _pip_all(offered, ["--no-index", "--find-links", str(folder)])
    return _ready(offered)


def how_to_fill_a_folder(lacking: Sequence[Found]) -> str:
    """How a person makes a folder of wheels on another computer."""
    names = [one.package.name for one in lacking] or list(packages.PACKAGES)
    text: str = _(
        "On a computer with internet and the same Slicer, open a terminal in the folder “bin” of Slicer and type:\n\n"
        "{command}\n\nThen copy the folder “wheels” to this computer."
    )
    return text.format(command=installing.download_command(names))


def wanted_for(feature: str) -> str:
    """What a person does with a feature, as a title."""
    titles: dict[str, str] = {
        "phantom": _("Making a phantom scan"),
        "measure": _("Click to measure"),
        "detect": _("Detecting lesions"),
        "detect-without-model": _("Detecting lesions"),
        "follow-up": _("Follow-up"),
        "report": _("Reports"),
        "dicom": _("DICOM segmentations and reports"),
        "radiomics": _("Measuring radiomics features"),
        "train": _("Training"),
    }
    return titles[feature]


def _question(feature: str, lacking: Sequence[Found]) -> str:
    lines = [
        _("  {name} {least} or newer, about {size}: {purpose}").format(
            name=one.package.name,
            least=one.package.least,
            size=_size(one.package.megabytes),
            purpose=_(one.package.purpose),
        )
        for one in lacking
    ]
    what = wanted_for(feature) if feature else _("Lesion Detection")
    parts = [
        _("{what} needs libraries that this Slicer does not have yet:").format(what=what),
        "\n".join(lines),
        _(
            "About {size} in all are downloaded from the internet. What Slicer brings stays as it is. Slicer does not answer "
            "while it installs, which takes some minutes; it may have to be started again afterwards."
        ).format(size=_size(sum(one.package.megabytes for one in lacking))),
    ]
    if any(_comes_with_torch(one) for one in lacking):
        parts.append(
            _(
                "PyTorch comes through the extension PyTorch, in a build for this computer's graphics card; it asks again."
            )
        )
    if apart := ", ".join(one.package.name for one in lacking if one.package.apart):
        text = _("{names}: into a folder of their own ({folder}), which Slicer itself does not see.")
        parts.append(text.format(names=apart, folder=packages.libraries_folder()))
    parts.append(_("Without internet: Cancel, then “Models and set-up”, “From a folder of wheels…”."))
    return "\n\n".join(parts)


def _size(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"


def _install(lacking: Sequence[Found]) -> None:
    """Raises DependencyError where something could not be installed."""
    torch = packages.find(packages.PACKAGES[_TORCH])
    if any(one.package.name == _TORCH for one in lacking):
        _install_torch(f">={torch.package.least}")
    elif any(one.package.with_torch for one in lacking) and _has_extension():
        # It puts torch and torchvision in place together: torch stays as it is where just this version is asked for.
        _install_torch(f"=={torch.version.partition('+')[0]}")
        _refuse_another_torch(torch)
    importlib.invalidate_caches()
    still = [one for one in lacking if not packages.find(one.package).good]
    with _waiting():
        _pip_all([one for one in still if one.package.name != _TORCH], [])


def _comes_with_torch(found: Found) -> bool:
    return found.package.name == _TORCH or found.package.with_torch


def _has_extension() -> bool:
    return importlib.util.find_spec("PyTorchUtils") is not None if "PyTorchUtils" not in sys.modules else True


def _refuse_another_torch(before: Found) -> None:
    """Raises DependencyError where torch is another one now: what works with it, ours and others', may not any more."""
    now = packages.find(before.package)
    if now.version != before.version:
        raise DependencyError(
            _(
                "PyTorch {before} was replaced by {now} on the way. Start Slicer again; if other extensions need the former one, "
                "install it in the module “PyTorch Utils”."
            ).format(before=before.version, now=now.version or _("nothing"))
        )


def _install_torch(requirement: str) -> None:
    """Through the PyTorch extension alone, which knows the build for this computer, and brings torchvision too.

    Args:
        requirement: which version of torch, as pip writes it.

    Raises:
        DependencyError: the extension is not there, its installation failed, or the person declined.
    """
    try:
        utilities: Any = importlib.import_module("PyTorchUtils")
    except ImportError as error:
        raise DependencyError(
            _(
                "PyTorch is installed by the extension “PyTorch”, which is not there. Install it in the Extensions Manager "
                "(View > Extensions Manager), start Slicer again, and try again."
            )
        ) from error
    try:
        with _waiting():
            torch = utilities.PyTorchUtilsLogic().installTorch(
                askConfirmation=True, torchVersionRequirement=requirement
            )
    except Exception as error:
        _log.warning("PyTorch was not installed: %r", error)
        raise DependencyError(
            _(
                "PyTorch was not installed ({error}). Is there a connection to the internet, and enough space on the disk? The "
                "module “PyTorch Utils” offers other builds."
            ).format(error=error)
        ) from error
    if torch is None:
        raise _Declined


class _Declined(LesionDetectionError):
    """The person said no where another part of Slicer asked."""


def _pip_all(lacking: Sequence[Found], arguments: list[str]) -> None:
    """Install into Slicer's Python, and into our own folder, what belongs there.

    Raises:
        DependencyError: pip failed.
        OutputError: our own folder cannot be written.
    """
    usual = [one for one in lacking if not one.package.apart]
    apart = [one for one in lacking if one.package.apart]
    with tempfile.TemporaryDirectory(prefix="lesion-install-") as temporary:
        held = Path(temporary) / "constraints.txt"
        if usual:
            held.write_text(installing.constraints(usual), encoding="utf-8")
            _install_usual([one.package.requirement for one in usual], held, arguments)
        if apart:
            held.write_text(installing.constraints(apart, apart=True), encoding="utf-8")
            folder = packages.libraries_folder()
            installing.install_apart(_pip, ["--constraint", str(held), *arguments], apart, folder)


def _install_usual(requirements: list[str], constraints: Path, arguments: list[str]) -> None:
    newer = _slicer_packaging()
    if newer is not None and not arguments:
        with _pip_failures():
            newer.pip_ensure(
                requirements,
                constraints=constraints,
                prompt_install=False,
                prompt_restart=False,
                requester=_("Lesion Detection"),
            )
    else:
        _pip(["--constraint", str(constraints), *arguments, *requirements])


def _pip(arguments: list[str]) -> None:
    """Raises DependencyError where pip failed."""
    newer = _slicer_packaging()
    run: Callable[[list[str]], object] = slicer.util.pip_install if newer is None else newer.pip_install
    with _pip_failures():
        run(arguments)


def _slicer_packaging() -> Any:
    """What Slicer 5.12 and newer have for this; None in older ones."""
    try:
        return importlib.import_module("slicer.packaging")
    except ImportError:
        return None


@contextlib.contextmanager
def _pip_failures() -> Iterator[None]:
    try:
        yield
    except CalledProcessError as error:
        raise DependencyError(
            _(
                "The libraries were not installed: pip ended with code {code}. Most often the internet cannot be reached, or the "
                "disk is full. The Python console (Ctrl+3) shows what pip said. Without internet: “Models and set-up”, “From a "
                "folder of wheels…”."
            ).format(code=error.returncode)
        ) from error
    except OSError as error:
        raise DependencyError(
            _("pip could not be started: {error}. Install Slicer again.").format(error=error)
        ) from error


def _ready(installed: Sequence[Found]) -> bool:
    """Whether what was to be installed can be used now.

    Raises:
        DependencyError: something of it is not there.
    """
    importlib.invalidate_caches()
    wrong = [one.problem for one in (packages.find(one.package) for one in installed) if not one.good]
    if wrong:
        raise DependencyError(
            _("Not all was installed: {problems}. The Python console (Ctrl+3) shows why.").format(
                problems="; ".join(wrong)
            )
        )
    # Python keeps what it has loaded until it ends. What lies apart is only loaded by the worker.
    replaced = [one.package for one in installed if one.too_old and not one.package.apart]
    loaded = [package.name for package in replaced if package.module in sys.modules]
    if loaded:
        ask.inform(_("Start Slicer again: the older {names} is still in use.").format(names=", ".join(loaded)))
    return not loaded


def _no_wheels(folder: Path, lacking: Sequence[Found]) -> str:
    names = ", ".join(one.package.name for one in lacking)
    text: str = _("{folder} holds no wheel (*.whl) of what is missing: {names}.").format(folder=folder, names=names)
    return f"{text}\n\n{how_to_fill_a_folder(lacking)}"


def _told(action: Callable[[], bool]) -> bool:
    """What the action gives; False, and a message, where it goes wrong. Where a person declined there is nothing to say."""
    try:
        return action()
    except _Declined:
        return False
    except LesionDetectionError as error:
        ask.error(str(error))
        return False


@contextlib.contextmanager
def _waiting() -> Iterator[None]:
    """The wait cursor and a line in the status bar: Slicer does not answer meanwhile."""
    slicer.util.showStatusMessage(_("Installing libraries…"))
    slicer.app.processEvents()  # so that the question is gone before Slicer stands still
    slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        slicer.app.restoreOverrideCursor()
        slicer.util.showStatusMessage("")
