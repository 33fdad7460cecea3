"""A table (CSV) of scans with points or boxes, one lesion a row: ``table:cases.csv?frame=LPS``.

Columns: ``image`` (a file or a folder of DICOM; relative to the table), and where they are known ``id``, ``patient``,
``split``, ``modality``, ``mask``, ``label`` (what the whole scan shows, in a word), and ``x``, ``y``, ``z``, ``diameter_mm`` or
``x1``, ``y1``, ``z1``, ``x2``, ``y2``, ``z2`` in mm. A row with an image and no coordinates is a scan that was looked at and
has no lesion but those of its mask. A point in a lesion of the mask, or near its middle, is that lesion's centre, and no further
one. In place of the
table its folder can be named, where it is called ``cases.csv``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, MR, PET, PHANTOM, UNKNOWN, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

from .case import TEST, TRAINING, VALIDATION, Case, Truth
from .cohort import Cohort, LeftOut
from .file_images import grid_of, read_as
from .file_names import file_name, split_in, stem_of
from .label_maps import COMPONENTS, WAYS, lesions_in, read_label_map
from .patients import doubts
from .phantom_files import phantom_of
from .rows import Row, Table, read_table
from .spec import Kind

RAS, LPS = "RAS", "LPS"
TABLE = "cases.csv"
"""The table of a folder."""
IMAGE, POINT, DIAMETER = "image", ("x", "y", "z"), "diameter_mm"
BOX = ("x1", "y1", "z1", "x2", "y2", "z2")
_SHARED = ("id", "patient", "split", "modality", "mask", "label")
"""What the rows of one image have to agree on; a blank agrees with anything."""
_MODALITIES = {"ct": CT, "pt": PET, "pet": PET, "mr": MR, "mri": MR}
_NO_DIAMETER = "Its diameter is not known."


@dataclass(frozen=True)
class TableOptions:
    """Attributes:
    frame: of the coordinates: ``RAS`` or ``LPS``.
    modality: of images whose row does not say it: ``CT``, ``PT`` or ``MR``; empty for CT, if they look like one.
    lesions: of masks; ``components``: each connected part is a lesion; ``labels``: each label is one.
    """

    frame: str = RAS
    modality: str = ""
    lesions: str = COMPONENTS


@dataclass(frozen=True)
class TableCase(Case):
    """Attributes:
    assumed: whether nobody said its modality.
    label: what the whole scan shows; empty where its rows do not say.
    marks: what its rows say.
    way: how its mask is read.
    image, mask: files; the image may be a folder of DICOM.
    """

    assumed: bool
    label: str
    marks: tuple[Lesion, ...] = field(repr=False)
    way: str
    image: Path = field(repr=False)
    mask: Path | None = field(repr=False)

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        (modality,) = self.modalities
        image = replace(read_as(self.image, modality, progress, self.assumed), name=self.id)
        phantom = phantom_of(self.mask) if self.mask else ""
        return {modality: replace(image, identifiers={**image.identifiers, PHANTOM: phantom}) if phantom else image}

    def truth(self) -> Truth:
        geometry = grid_of(self.image)
        notes = list[str]()
        outside = sum(not geometry.contains_ras(mark.center_ras_mm) for mark in self.marks)
        if outside:
            notes.append(f"Lesions of the table that lie outside the image: {outside}. Is the frame (RAS, LPS) right?")
        if self.mask is None:
            return Truth(self.marks, notes=tuple(notes), label=self.label)
        drawn, said = lesions_in(read_label_map(self.mask), geometry, self.way)
        return Truth(_together(self.marks, drawn, geometry), notes=(*notes, *said), label=self.label)

    def sources(self) -> tuple[Path, ...]:
        return (self.image, *([self.mask] if self.mask else []))


def open_table(path: Path, options: TableOptions, progress: Progress) -> Cohort:
    """The cohort; a scan with a row that makes no sense is left out, as not all of its lesions are known.

    Raises:
        UsageError: options that make no sense.
        InputError: the table cannot be read, or lacks a column.
        Cancelled: through ``progress``.
    """
    if options.frame.upper() not in (RAS, LPS) or options.lesions not in WAYS:
        raise UsageError(f"frame is {RAS} or {LPS}, and lesions one of {', '.join(WAYS)}.")
    if options.modality not in (UNKNOWN, CT, PET, MR):
        raise UsageError(f"modality is one of {CT}, {PET}, {MR}, not “{options.modality}”.")
    progress(0.0, f"Reading {path.name}")
    path = path / TABLE if path.is_dir() else path
    table = read_table(path, (IMAGE,))
    for columns in (POINT, BOX):
        some = [name for name in columns if name in table.columns]
        if some and len(some) < len(columns):
            raise InputError(
                f"{path} has the columns {', '.join(some)}, and needs all of {', '.join(columns)} or none."
            )
    grouped: dict[str, list[Row]] = {}
    left_out = list(table.bad)
    for row in table.rows:
        if row.text(IMAGE):
            grouped.setdefault(row.text(IMAGE), []).append(row)
        else:
            left_out.append(LeftOut(f"line {row.line}", table.reason(row, ValueError("the image is missing"))))
    bad_images = {left.case for left in table.bad}
    cases, taken, read = list[TableCase](), dict[str, int](), dict[Path, int]()
    names = _names(list(grouped))
    for n, (image, rows) in enumerate(grouped.items()):
        if n % 100 == 0:
            progress(n / len(grouped), image)
        try:
            if image in bad_images:
                raise ValueError("another row of this image has cells too many or too few")
            case = _case(table, image, rows, names[image], options)
            if case.id in taken:
                raise ValueError(f"the id “{case.id}” is that of the image in line {taken[case.id]} too")
            if case.image.resolve() in read:
                raise ValueError(f"its image is that of line {read[case.image.resolve()]} too")
        except ValueError as error:
            reason = str(error) if isinstance(error, _RowError) else table.reason(rows[0], error)
            left_out.append(LeftOut(names[image], f"{reason} The image is not used."))
            continue
        taken[case.id] = read[case.image.resolve()] = rows[0].line
        cases.append(case)
    on_phantoms = bool(cases) and all(case.mask and phantom_of(case.mask) for case in cases)
    title = f"{'phantoms' if on_phantoms else 'scans'} of {path.name}"
    guessed = [case.patient for case in cases if case.patient == case.id and not on_phantoms]
    return Cohort("", title, tuple(cases), tuple(left_out), doubts(guessed, "add a column “patient”"), on_phantoms)


class _RowError(ValueError):
    """One whose text names its row."""


def _names(images: Sequence[str]) -> dict[str, str]:
    """A name for each image: that of its file, or its whole path where two files have one name."""
    short = {image: file_name(stem_of(Path(image.replace("\\", "/")).name)) for image in images}
    count = Counter(short.values())
    return {image: name if count[name] == 1 else file_name(stem_of(image)) for image, name in short.items()}


def _case(table: Table, image: str, rows: Sequence[Row], name: str, options: TableOptions) -> TableCase:
    """Raises ValueError, with what is wrong."""
    folder = table.path.parent
    file = folder / Path(image).expanduser()
    if not file.exists():
        raise ValueError(f"there is no image {file}")
    shared = _shared(rows)
    mask = folder / Path(shared["mask"]).expanduser() if shared["mask"] else None
    if mask is not None and not mask.is_file():
        raise ValueError(f"there is no mask {mask}")
    split = shared["split"].casefold()
    split = split_in(split)
    if shared["split"] and not split:
        raise ValueError(f"“{shared['split']}” under split is none of {TRAINING}, {VALIDATION}, {TEST}")
    said = shared["modality"]
    modality = _MODALITIES.get(said.casefold(), "") if said else options.modality
    if said and not modality:
        raise ValueError(f"“{said}” under modality is none of {CT}, {PET}, {MR}")
    case_id = file_name(shared["id"]) if shared["id"] else name
    marks = []
    for row in rows:
        try:
            mark = _mark(row, table.columns, options.frame.upper())
        except ValueError as error:
            raise _RowError(table.reason(row, error)) from error
        marks += [mark] if mark is not None else []
    return TableCase(
        case_id,
        shared["patient"] or case_id,
        split,
        (modality or CT,),
        True,
        not modality,
        shared["label"],
        tuple(marks),
        options.lesions,
        file,
        mask,
    )


def _shared(rows: Sequence[Row]) -> Mapping[str, str]:
    """The values that all rows of an image share. Raises ValueError where they differ."""
    values = {}
    for column in _SHARED:
        found = sorted({row.text(column) for row in rows} - {""})
        if len(found) > 1:
            lines = ", ".join(str(row.line) for row in rows[:5])
            raise ValueError(f"the rows of its image (lines {lines}) differ in {column}: {' and '.join(found[:3])}")
        values[column] = found[0] if found else ""
    return values


def _mark(row: Row, columns: Sequence[str], frame: str) -> Lesion | None:
    """The lesion of a row; None for a row without coordinates. Raises ValueError."""
    has_point = any(row.text(name) for name in POINT)
    has_box = any(row.text(name) for name in BOX)
    if has_point and has_box:
        raise ValueError("it has both a point and a box")
    if has_box:
        values = [row.number(name) for name in BOX]
        corners = np.array([_ras(values[:3], frame), _ras(values[3:], frame)])
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (high - low).min() <= 0:
            raise ValueError("the box has no size along one axis")
        return Lesion(_point((low + high) / 2), float((high - low).max()), 1.0, box_ras_mm=(_point(low), _point(high)))
    if not has_point:
        if row.text(DIAMETER):
            raise ValueError("it has a diameter and no place")
        return None
    center = _ras([row.number(name) for name in POINT], frame)
    if not row.text(DIAMETER):
        return Lesion(center, 0.0, 1.0, note=_NO_DIAMETER)
    diameter = row.number(DIAMETER)
    if diameter <= 0:
        raise ValueError(f"a diameter of {diameter:g} mm; leave the cell empty if it is not known")
    return Lesion(center, diameter, 1.0)


def _together(marks: Sequence[Lesion], drawn: Sequence[Lesion], geometry: Geometry) -> tuple[Lesion, ...]:
    """Marks and what was drawn; the first point in or near the middle of a drawn lesion is that lesion's centre."""
    together, others, moved = list(drawn), list[Lesion](), set[int]()
    for mark in marks:
        place = mark.center_ras_mm
        n = next((n for n, one in enumerate(drawn) if mark.box_ras_mm is None and _is_of(place, one, geometry)), None)
        if n is None:
            others.append(mark)
        elif n not in moved:
            moved.add(n)
            together[n] = replace(together[n], center_ras_mm=place)
    return (*others, *together)


def _is_of(place: Point, lesion: Lesion, geometry: Geometry) -> bool:
    """Whether a point lies in the lesion, or nearer to its middle than half of its diameter: people click beside small ones."""
    near = math.dist(place, lesion.center_ras_mm) <= lesion.diameter_mm / 2
    return near or (lesion.mask is not None and lesion.mask.holds(geometry.ijk_from_ras(place)))


def _ras(values: Sequence[float], frame: str) -> Point:
    x, y, z = values
    return (x, y, z) if frame == RAS else (-x + 0.0, -y + 0.0, z)


def _point(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Point:
    a, b, c = (float(n) for n in values)
    return a, b, c


KIND = Kind(
    "table",
    "a table (CSV) of scans with points or boxes",
    "the table; its paths are relative to it",
    TableOptions,
    open_table,
)
