"""The scans that a method is given on the command line: how many, which series, and which is which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import ModalityError, SeveralSeriesError, UsageError
from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.display import modality_name
from LesionDetectionLib.io.files import read_image


class ReadScan(NamedTuple):
    """An image, and which of the given scans it is."""

    image: Image
    number: int


def needs(info: MethodInfo) -> str:
    """Which images a method needs, in a sentence: "The method x needs PET, and CT unless its settings do without."."""
    required = " and ".join(map(modality_name, info.required))
    optional = " and ".join(map(modality_name, info.optional))
    return (
        f"The method {info.id} needs {required}{f', and {optional} unless its settings do without' * bool(optional)}."
    )


def series_of_each(series: Sequence[str] | None, scans: Sequence[Path]) -> list[str | None]:
    """Which series is meant in each scan: one name for all folders (for every scan, where none is a folder), or one each.

    Raises:
        UsageError: another number.
    """
    if not series:
        return [None] * len(scans)
    if len(series) == len(scans):
        return list(series)
    if len(series) > 1:
        raise UsageError(f"--series is given {len(series)} times for {len(scans)} scans: once, or once for each.")
    folders = [scan.is_dir() for scan in scans]
    return [series[0] if folder or not any(folders) else None for folder in folders]


def of_one_folder(
    info: MethodInfo, scans: Sequence[Path], series: Sequence[str | None], progress: Progress
) -> tuple[list[Path], list[str | None]]:
    """One folder with one series of each kind that the method takes, of one study: the folder once for each, with its series.

    Whatever else is given comes back as it is, to be read or refused as it stands.
    """
    if len(scans) != 1 or series[0] is not None or not scans[0].is_dir():
        return list(scans), list(series)
    from LesionDetectionLib.io.dicom_series import find_stacks

    stacks, _ = find_stacks(scans[0], progress)
    found = [stack for modality in info.modalities for stack in stacks if stack.info.modality == modality]
    modalities = {stack.info.modality for stack in found}
    one_of_each = len(modalities) == len(found) and modalities.issuperset(info.required)
    if len(stacks) == 1 or not one_of_each or len({stack.planes[0].study_uid for stack in found}) != 1:
        return list(scans), list(series)
    numbers: list[str | None] = [str(stack.info.number) for stack in found]
    return [scans[0]] * len(numbers), numbers


def read_images(
    info: MethodInfo, paths: Sequence[Path], series: Sequence[str | None], progress: Progress
) -> dict[str, ReadScan]:
    """The images by modality, in the method's order. What does not say what it is takes the places that are left, in order.

    Raises:
        ModalityError: two images of one modality, or none of one that the method needs.
        InputError: see :func:`~LesionDetectionLib.io.files.read_image`.
    """
    found: dict[str, ReadScan] = {}
    unknown: list[ReadScan] = []
    for index, (path, one) in enumerate(zip(paths, series, strict=True)):
        progress(index / len(paths), f"Reading {path.name}")
        try:
            read = ReadScan(understood_as(read_image(path, series=one)), index)
        except SeveralSeriesError as error:
            if len(info.modalities) == 1:
                raise
            hint = "Where several are needed, name the folder once for each, and --series as often in the same order."
            raise SeveralSeriesError(f"{error}\n{hint}", error.choices) from error
        modality = read.image.modality
        if modality in found:
            raise ModalityError(f"Two of the scans are {modality_name(modality)}. {needs(info)}")
        if modality in info.modalities:
            found[modality] = read
        else:
            unknown.append(read)
    # What is of a wrong modality is refused by the method itself, in its own words.
    left = [name for name in info.modalities if name not in found]
    found.update(zip(left, unknown, strict=False))
    missing = [modality_name(name) for name in info.required if name not in found]
    if missing:
        there = " and ".join(f"“{read.image.name}” is {modality_name(name)}" for name, read in found.items())
        raise ModalityError(f"{needs(info)} There is no {' and no '.join(missing)}: {there}.")
    return {name: found[name] for name in info.modalities if name in found}
