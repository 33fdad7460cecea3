"""DeepLesion: key slices of CT with one or more lesions each, marked by their diameters: ``deeplesion:PATH?split=test``.

The folder holds ``DL_info.csv`` and ``Images_png/<patient>_<study>_<series>/<slice>.png``, 16 bits a pixel, HU = value -
32768. A case is one key slice with its neighbours at an even spacing. Yan et al., J Med Imaging 5 (2018) 036501.

The set tells no directions and no origin. Columns are taken to run to the patient's left, rows to posterior, and slices to
the feet with rising numbers, as its images show; the first pixel of slice 0 is the origin. So distances and left and right
are right, and places do not compare with other scans of the patient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, PHANTOM, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Point, Recist
from LesionDetectionLib.core.progress import Progress

from .case import Case, Truth
from .cohort import Cohort, LeftOut
from .deeplesion_choice import Chosen, check_known, choose, find_choice, notes_of
from .deeplesion_images import read_slice
from .deeplesion_rows import TYPES, KeySlice, Marked, read_key_slices
from .spec import Kind, numbers

IMAGES = "Images_png"
PHANTOM_PATIENT = "phantom"
"""Series whose names begin so are computer-made."""
KEEP, DROP = "keep", "drop"
_ON_SLICE = 1e-3
"""Shares of a slice that are nothing: 2 mm are two slices of 0.9999 mm."""


@dataclass(frozen=True)
class DeepLesionOptions:
    """Attributes:
    info: name of the list in the folder; empty for ``DL_info.csv``, or the only one that begins so.
    slices: of the image, the key slice in the middle (an odd number).
    spacing: between them in mm; a neighbour that is not there repeats the key slice.
    noisy: ``drop`` does not use lesions that the list flags as possibly wrong, as the set's authors do: their images are
        left out, or they are excluded where an image has others; ``keep`` uses them.
    types: coarse types of lesion to keep images of, such as ``4,5`` (1 bone, 2 abdomen, 3 mediastinum, 4 liver, 5 lung,
        6 kidney, 7 soft tissue, 8 pelvis; told for validation and test only); empty for all.
    list: a file with names of images to keep, one a line, such as ``000001_01_01_109`` (in the folder or elsewhere);
        together with ``types``, images on the list or with a lesion of these types are kept, such as
        ``types=4&list=liver.txt``. All lesions of a listed image count but those of other types where they are told. Or a
        table with the columns File_name and lesion (number among the image's rows, from 1) or Bounding_boxes, such as rows
        of DL_info.csv: then these lesions count.
    """

    info: str = ""
    slices: int = 3
    spacing: float = 2.0
    noisy: str = DROP
    types: str = ""
    list: str = ""


@dataclass(frozen=True)
class DeepLesionCase(Case):
    """Attributes:
    key: the slice and its lesions.
    kinds: of the lesions that count; empty for all. Others are excluded.
    noisy: whether flagged lesions count; if not, they are excluded.
    slices, spacing: of the image.
    files: those that the image is made of; a neighbour that is not there is not among them.
    others: lesions on it that the user's list does not name: excluded.
    """

    key: KeySlice
    kinds: tuple[int, ...]
    noisy: bool
    slices: int
    spacing: float
    files: tuple[Path, ...] = field(repr=False)
    others: tuple[Marked, ...] = ()

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        progress = progress or Progress()
        known: dict[int, npt.NDArray[np.float32]] = {}
        for n, file in enumerate(self.files):
            progress(n / len(self.files), file.name)
            known[int(file.stem)] = read_slice(file, self.key)
        notes, planes = [], []
        for offset in _offsets(self.slices):
            wanted = [self.key.index + step for step, _ in _weights(offset * self.spacing / self.key.spacing_mm[2])]
            if all(index in known for index in wanted):
                weights = _weights(offset * self.spacing / self.key.spacing_mm[2])
                planes.append(sum(share * known[self.key.index + step] for step, share in weights))
            else:
                planes.append(known[self.key.index])
                notes.append(f"The slice at {offset * self.spacing:+g} mm is not there; the key slice stands for it.")
        voxels = np.clip(np.rint(np.stack(planes)), -32768, 32767).astype(np.int16)
        identifiers = {"DeepLesionSeries": self.key.series}
        if _is_phantom(self):
            identifiers[PHANTOM] = "body"
        return {CT: Image(voxels, self.matrix, CT, HU, self.id, tuple(notes), identifiers)}

    def truth(self) -> Truth:
        lesions, excluded = list[Lesion](), list[Lesion]()
        for marked in self.key.lesions:
            (lesions if _counts(marked, self.kinds, self.noisy) else excluded).append(self._lesion(marked))
        excluded += [self._lesion(marked) for marked in self.others]
        return Truth(tuple(lesions), tuple(excluded), notes=("DeepLesion does not mark every lesion of an image.",))

    def sources(self) -> tuple[Path, ...]:
        return self.files

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """[4, 4] ijk -> RAS mm of the image; see the text of the module."""
        x, y, z = self.key.spacing_mm
        matrix = np.diag([-x, -y, -self.spacing, 1.0])
        matrix[2, 3] = -self.key.index * z + self.slices // 2 * self.spacing
        return matrix

    def _lesion(self, marked: Marked) -> Lesion:
        middle = self.slices // 2
        grid = Geometry((self.slices, 1, 1), self.matrix)  # how many pixels a slice has is not asked here

        def place(x: float, y: float, k: float = middle) -> Point:
            a, b, c = (float(n) for n in grid.ras_from_ijk((x, y, k)))
            return a, b, c

        left, top, right, bottom = marked.box
        # Corners are pixels that belong to the box: it reaches half a pixel beyond, and half a slice.
        corners = place(left - 0.5, top - 0.5, middle - 0.5), place(right + 0.5, bottom + 0.5, middle + 0.5)
        low, high = np.sort(np.array(corners), axis=0).tolist()
        recist = Recist(
            (place(*marked.long_axis[0]), place(*marked.long_axis[1])),
            (place(*marked.short_axis[0]), place(*marked.short_axis[1])),
        )
        note = f"Type: {TYPES[marked.kind]}." + (" Flagged as possibly noisy." if marked.noisy else "")
        return Lesion(
            center_ras_mm=place((left + right) / 2, (top + bottom) / 2),
            diameter_mm=marked.long_px * self.key.spacing_mm[0],
            score=1.0,
            box_ras_mm=(_point(low), _point(high)),
            recist=recist,
            measurements={"coarse_lesion_type": float(marked.kind)},
            note=note,
        )


def open_deeplesion(path: Path, options: DeepLesionOptions, progress: Progress) -> Cohort:
    """The cohort.

    Raises:
        UsageError: options that make no sense.
        InputError: no folder, no list, or one that cannot be read.
        Cancelled: through ``progress``.
    """
    kinds = _checked(options)
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name the one with DL_info.csv and {IMAGES}.")
    info = _list(path, options.info)
    progress(0.0, f"Reading {info.name}")
    keys, left_out = read_key_slices(info)
    choice = find_choice(path, options.list) if options.list else None
    if choice is not None:
        check_known(choice, keys, left_out, info.name)
    folders: dict[str, frozenset[str]] = {}
    cases = list[DeepLesionCase]()
    noisy = options.noisy == KEEP
    dropped = of_other_types = 0
    for n, key in enumerate(keys):
        if n % 1000 == 0:
            progress(0.3 + 0.7 * n / len(keys), key.series)
        chosen = choose(key, kinds, choice)
        if chosen is None:
            continue
        if any(_counts(lesion, chosen.kinds, noisy) for lesion in chosen.key.lesions):
            _add(path / IMAGES, chosen, options, folders, cases, left_out)
        elif any(_counts(lesion, chosen.kinds, True) for lesion in chosen.key.lesions):
            dropped += 1
        else:
            of_other_types += 1
    notes = [
        "DeepLesion does not mark every lesion of an image.",
        "It tells no directions: columns were taken to run to the left, rows to posterior, slices to the feet.",
    ]
    if dropped:
        notes.append(
            f"{dropped} images whose lesions are flagged as possibly noisy were dropped (noisy=keep uses them)."
        )
    if choice is not None:
        notes += notes_of(choice, [case.key for case in cases], options.types)
    if of_other_types:
        notes.append(
            f"{of_other_types} images have no lesion of the types {options.types}; types are told for validation and test only."
        )
    on_phantoms = bool(cases) and all(_is_phantom(case) for case in cases)
    title = "phantoms in the layout of DeepLesion" if on_phantoms else "DeepLesion"
    return Cohort("", title, tuple(cases), tuple(left_out), tuple(notes), on_phantoms)


def _is_phantom(case: DeepLesionCase) -> bool:
    return case.key.series.startswith(PHANTOM_PATIENT)


def _counts(lesion: Marked, kinds: tuple[int, ...], noisy: bool) -> bool:
    return (not kinds or lesion.kind in kinds) and (noisy or not lesion.noisy)


def _checked(options: DeepLesionOptions) -> tuple[int, ...]:
    if options.slices < 1 or options.slices % 2 == 0 or not 0 < options.spacing < math.inf:
        raise UsageError(
            "slices is an odd number of at least 1, with the key slice in the middle; spacing is above 0 mm."
        )
    if options.noisy not in (KEEP, DROP):
        raise UsageError(f"noisy is “{KEEP}” or “{DROP}”, not “{options.noisy}”.")
    kinds = numbers(options.types, "types of lesion") if options.types else ()
    if any(kind not in TYPES for kind in kinds):
        raise UsageError("Types of lesion are 1 to 8, such as types=4,5 for liver and lung.")
    return kinds


def _list(path: Path, name: str) -> Path:
    if name or (path / "DL_info.csv").is_file():
        return path / (name or "DL_info.csv")
    found = sorted(path.glob("DL_info*.csv"))
    if len(found) != 1:
        what = f"holds {len(found)} lists DL_info*.csv; say which: info=NAME" if found else "holds no DL_info.csv"
        raise InputError(f"{path} {what}.")
    return found[0]


def _add(
    images: Path,
    chosen: Chosen,
    options: DeepLesionOptions,
    folders: dict[str, frozenset[str]],
    cases: list[DeepLesionCase],
    left_out: list[LeftOut],
) -> None:
    """The case of one key slice; ``folders`` remembers which files each series has."""
    key = chosen.key
    folder = images / key.series
    if key.series not in folders:
        folders[key.series] = frozenset(f.name for f in folder.iterdir()) if folder.is_dir() else frozenset()
    there = folders[key.series]
    if f"{key.index:03d}.png" not in there:
        left_out.append(LeftOut(key.id, f"Its image {IMAGES}/{key.series}/{key.index:03d}.png is not there."))
        return
    wanted = sorted(
        {
            key.index + step
            for offset in _offsets(options.slices)
            for step, _ in _weights(offset * options.spacing / key.spacing_mm[2])
        }
    )
    files = tuple(folder / f"{index:03d}.png" for index in wanted if f"{index:03d}.png" in there)
    cases.append(
        DeepLesionCase(
            key.id,
            key.patient,
            key.split,
            (CT,),
            True,
            key,
            chosen.kinds,
            options.noisy == KEEP,
            options.slices,
            options.spacing,
            files,
            chosen.others,
        )
    )


def _offsets(slices: int) -> range:
    return range(-(slices // 2), slices // 2 + 1)


def _weights(position: float) -> list[tuple[int, float]]:
    """The slices, counted from the key slice, that a place between slices is interpolated from, and their shares."""
    low = math.floor(position + _ON_SLICE)
    share = position - low
    return [(low, 1.0)] if abs(share) <= _ON_SLICE else [(low, 1.0 - share), (low + 1, share)]


def _point(values: Sequence[float]) -> Point:
    a, b, c = values
    return a, b, c


KIND = Kind(
    "deeplesion",
    "DeepLesion: key slices of CT with lesions all over the body",
    f"the folder with DL_info.csv and {IMAGES}",
    DeepLesionOptions,
    open_deeplesion,
)
