"""The Python libraries that each part of the program needs, and which of them are there. Nothing is imported to find out.

The least versions are those of ``pyproject.toml``; a test compares.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import DependencyError
from LesionDetectionLib.core.resources import program_data_folder


@dataclass(frozen=True)
class Package:
    """A library.

    Attributes:
        name: of the distribution, as pip knows it.
        module: what is imported.
        least: the oldest version that will do.
        megabytes: roughly what is downloaded, with what it brings along.
        purpose: what it does here, for the person who is asked.
        also: other distributions that bring the same module.
        apart: goes into a folder of our own, for the worker process only. Slicer 5.8 and 5.10 themselves run on pydicom 2;
            writing DICOM segmentations and reports needs pydicom 3.
        from_slicer: Slicer brings it and runs on it, so it is never replaced.
        with_torch: comes from where torch comes from, in a build for just that torch.
        optional: what needs it is done without it too, only less of it: reports are pages then, without a PDF.
        rare: large, and for one thing that few want: installed where that is wanted, and missed nowhere else.
    """

    name: str
    module: str
    least: str
    megabytes: int
    purpose: str
    also: tuple[str, ...] = ()
    apart: bool = False
    from_slicer: bool = False
    with_torch: bool = False
    optional: bool = False
    rare: bool = False

    @property
    def requirement(self) -> str:
        return f"{self.name}>={self.least}"


_CV2 = ("opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")

PACKAGES = {
    package.name: package
    for package in (
        Package("numpy", "numpy", "1.26", 20, "arrays", from_slicer=True),
        Package("scipy", "scipy", "1.11", 40, "image operations", from_slicer=True),
        Package("SimpleITK", "SimpleITK", "2.3", 50, "image files and alignment", from_slicer=True),
        Package("Pillow", "PIL", "10", 7, "text in pictures", from_slicer=True),
        Package("opencv-python-headless", "cv2", "4.8", 60, "fast image operations", also=_CV2),
        Package("scikit-image", "skimage", "0.22", 30, "outlines"),
        Package("torch", "torch", "2.2", 2500, "neural networks"),
        Package("torchvision", "torchvision", "0.17", 8, "what overlaps in detections", with_torch=True),
        Package("safetensors", "safetensors", "0.4", 1, "reading models, safely"),
        Package("matplotlib", "matplotlib", "3.8", 15, "curves and lettering"),
        Package("reportlab", "reportlab", "4.0", 6, "reports as PDF", optional=True),
        Package("PyYAML", "yaml", "6", 1, "settings in files"),
        Package("pydicom", "pydicom", "3.0", 3, "reading and writing DICOM", apart=True),
        Package("highdicom", "highdicom", "0.24", 4, "DICOM segmentations and reports", apart=True),
        Package("python-gdcm", "gdcm", "3.0.24", 14, "compressed DICOM", apart=True),
        Package(
            "mirp", "mirp", "2.4", 300, "radiomics features (IBSI)", apart=True, rare=True
        ),  # brings ITK and pandas
    )
}

_MEASURE = ("numpy", "scipy", "opencv-python-headless", "scikit-image")
_DETECT = (*_MEASURE, "torch", "safetensors")
_DICOM = ("pydicom", "highdicom", "python-gdcm")
FEATURES: dict[str, tuple[str, ...]] = {
    "phantom": ("numpy", "scipy", "opencv-python-headless"),
    "measure": _MEASURE,
    "detect": _DETECT,
    "detect-without-model": (*_MEASURE, "safetensors"),
    "follow-up": (*_MEASURE, "SimpleITK"),
    "report": (*_MEASURE, "Pillow", "matplotlib", "safetensors", "reportlab"),
    "dicom": (*_MEASURE, *_DICOM),
    "radiomics": (*_MEASURE, "mirp"),
    "train": (*_DETECT, "SimpleITK", "Pillow", "matplotlib", "PyYAML", *_DICOM),
}
"""Names of packages by what the person wants to do. A method may need more: :attr:`.MethodInfo.packages`."""


@dataclass(frozen=True)
class Found:
    """What there is of a library.

    Attributes:
        version: empty where it is missing; ``?`` where it is there and does not say its version.
        apart: lies in our own folder.
    """

    package: Package
    version: str = ""
    apart: bool = False

    @property
    def missing(self) -> bool:
        return not self.version

    @property
    def too_old(self) -> bool:
        return bool(self.version) and not is_at_least(self.version, self.package.least)

    @property
    def good(self) -> bool:
        return not self.missing and not self.too_old

    @property
    def problem(self) -> str:
        """What is wrong with it, for a sentence; empty where it is good."""
        if self.missing:
            return f"{self.package.name} is not installed"
        if self.too_old:
            return f"{self.package.name} is {self.version}, and {self.package.least} or newer is needed"
        return ""


def libraries_folder() -> Path:
    """The folder of our own for libraries that only the worker uses: one for each Python. It need not exist."""
    return program_data_folder() / "Libraries" / f"python{sys.version_info.major}.{sys.version_info.minor}"


def find(package: Package, own_folder: Path | None = None) -> Found:
    """Look for a library: in our own folder where it goes there, then where Python looks.

    Args:
        own_folder: :func:`libraries_folder` where None.
    """
    folder = libraries_folder() if own_folder is None else own_folder
    if package.apart and (version := _version(package, [str(folder)])):
        return Found(package, version, apart=True)
    if package.module not in sys.modules and importlib.util.find_spec(package.module) is None:
        return Found(package)
    return Found(package, _version(package, None) or "?")


def state(own_folder: Path | None = None) -> tuple[Found, ...]:
    """All libraries, as they are now."""
    importlib.invalidate_caches()
    return tuple(find(package, own_folder) for package in PACKAGES.values())


def missing(feature: str, own_folder: Path | None = None, also: Sequence[str] = ()) -> tuple[Found, ...]:
    """The libraries of a feature that are not there, or too old. Raises KeyError where there is no such feature.

    Args:
        also: further ones, such as those of a method.
    """
    importlib.invalidate_caches()
    found = (find(PACKAGES[name], own_folder) for name in dict.fromkeys((*FEATURES[feature], *also)))
    return tuple(one for one in found if not one.good)


def can_do(feature: str, own_folder: Path | None = None) -> bool:
    """Whether all libraries of a feature are there but for optional ones. Raises KeyError where there is no such feature."""
    return all(one.package.optional for one in missing(feature, own_folder))


def require(feature: str, own_folder: Path | None = None, also: Sequence[str] = ()) -> None:
    """For scripts: nothing where all libraries of a feature are there, optional ones left aside.

    Raises:
        DependencyError: says which are not, and how to get them.
    """
    lacking = [one for one in missing(feature, own_folder, also) if not one.package.optional]
    if lacking:
        raise DependencyError(
            f"This needs libraries: {'; '.join(one.problem for one in lacking)}. {how_to_install(lacking)}"
        )


def how_to_install(lacking: Sequence[Found]) -> str:
    names = " ".join(f'"{one.package.requirement}"' for one in lacking)
    return f"Press Install under “Models and set-up” in Lesion Detection, or: pip install {names}."


def package_of(error: ImportError) -> Package | None:
    """The library that an import failed for; None where it is none that this program names."""
    module = (error.name or "").partition(".")[0]
    return next((package for package in PACKAGES.values() if package.module == module), None)


def explained(error: ImportError) -> str:
    """A sentence for a library that could not be imported: whether it is missing, too old, or damaged."""
    package = package_of(error)
    if package is None:
        name = (error.name or "").partition(".")[0] or str(error)
        return f"This needs the library {name}, which is not installed here. Install it and try again."
    found = find(package)
    if found.good:
        return (
            f"The library {package.name} {found.version} is installed but cannot be loaded ({error}). Install it again, and "
            "start the program again."
        )
    return f"This needs a library: {found.problem}. {how_to_install([found])}"


def is_at_least(version: str, least: str) -> bool:
    """Whether a version is ``least`` or newer, by its numbers. True for ``?``: what does not say its version is believed."""
    return version == "?" or _numbers(version) >= _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in re.match(r"[\d.]*", version).group().split(".") if number]  # type: ignore[union-attr]
    while numbers and numbers[-1] == 0:  # 3.0 is 3
        numbers.pop()
    return tuple(numbers)


def _version(package: Package, path: list[str] | None) -> str:
    """What the library says its version is, in these folders (None: where Python looks); empty where nothing says it."""
    for name in (package.name, *package.also):
        version = first_version(name, path)
        if version:
            return version
    return ""


def first_version(name: str, path: Iterable[str] | None = None) -> str:
    """The version of a distribution in these folders, or where Python looks; empty where it is not there."""
    for distribution in importlib.metadata.distributions(name=name, path=sys.path if path is None else list(path)):
        # Half of an uninstalled package may be left: metadata without a version.
        version = distribution.metadata["Version"] if distribution.metadata is not None else None
        if version:
            return str(version)
    return ""
