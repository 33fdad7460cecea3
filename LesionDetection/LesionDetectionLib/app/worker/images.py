"""Images in files, for another process of this computer: written once, then mapped into memory, not copied."""

from __future__ import annotations

import itertools
import json
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

VOXELS, REST = "voxels.npy", "image.json"


def write_image(folder: Path, image: Image) -> None:
    """Write an image to a new folder, whole or not at all.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
    """
    rest = {
        "ijk_to_ras": image.ijk_to_ras.tolist(),
        "modality": image.modality,
        "unit": image.unit,
        "name": image.name,
        "notes": list(image.notes),
        "identifiers": image.identifiers,
        "suv_factors": image.suv_factors,
    }
    with atomic_folder(folder) as temporary:
        with (temporary / VOXELS).open("wb") as file:
            # Not np.save: of a full disk that tells only how many values were not written.
            header = {"descr": np.lib.format.dtype_to_descr(image.voxels.dtype), "fortran_order": False}
            np.lib.format.write_array_header_1_0(file, {**header, "shape": image.voxels.shape})
            for plane in image.voxels:
                file.write(np.ascontiguousarray(plane).data)
        (temporary / REST).write_text(json.dumps(rest), encoding="utf-8")


def read_image(folder: Path, mapped: bool = True) -> Image:
    """The image of a folder; its voxels are mapped from the file, read-only, and read when they are touched.

    Args:
        mapped: whether they are; else they are read now, and the files may go (Windows removes none that is mapped).

    Raises:
        InputError: the folder does not hold an image as :func:`write_image` writes them.
        MemoryError: it is too large to be read at once.
    """
    try:
        rest = json.loads((folder / REST).read_text(encoding="utf-8"))
        voxels = np.load(folder / VOXELS, mmap_mode="r" if mapped else None, allow_pickle=False)
        return Image(
            voxels,
            np.array(rest["ijk_to_ras"], dtype=np.float64),
            modality=str(rest["modality"]),
            unit=str(rest["unit"]),
            name=str(rest["name"]),
            notes=tuple(map(str, rest["notes"])),
            identifiers={str(name): str(value) for name, value in rest["identifiers"].items()},
            suv_factors={str(kind): float(factor) for kind, factor in rest["suv_factors"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(f"The image in {folder} cannot be read ({error!r}). Try again.") from error


def result_folder(folder: Path, request: int) -> Path:
    """Where a worker puts the images of a request's result: a folder that holds nothing else, so that all goes with it."""
    return folder / f"result-{request}"


def write_result_images(folder: Path, request: int, images: Mapping[str, Image], progress: Progress) -> list[str]:
    """Write the images of a result; their names, in the order of the files.

    Raises:
        OutputError: see :func:`write_image`. Cancelled: through ``progress``. What was written then lies there.
    """
    for number, image in enumerate(images.values()):
        progress(number / len(images), "Handing over")
        write_image(result_folder(folder, request) / str(number), image)
    return list(images)


def read_result_images(folder: Path, request: int, names: Sequence[str]) -> dict[str, Image]:
    """The images of a result by name, in memory: the files are not needed any more.

    Raises:
        InputError, MemoryError: see :func:`read_image`.
    """
    place = result_folder(folder, request)
    return {name: read_image(place / str(number), mapped=False) for number, name in enumerate(names)}


class ImageFiles:
    """Folders of images in one folder: each :class:`Image` is written when it is first asked for, and its files are removed
    when it is gone. An image never changes: whoever has other voxels makes another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: weakref.WeakKeyDictionary[Image, str] = weakref.WeakKeyDictionary()
        self._numbers: Iterator[int] = itertools.count(1)

    def name_of(self, image: Image) -> str:
        """Name of the image's folder.

        Raises:
            OutputError: see :func:`write_image`.
        """
        name = self._names.get(image)
        if name is None:
            name = f"image-{next(self._numbers)}"
            write_image(self._folder / name, image)
            self._names[image] = name
            ending = weakref.finalize(image, shutil.rmtree, self._folder / name, ignore_errors=True)
            ending.atexit = False  # then the whole folder goes
        return name
