"""Which series a folder of DICOM files holds, and which one is meant.

One series may hold one position several times: copies of a file, or the phases of a dynamic, gated or multi-phase scan.
Copies are dropped; phases become separate choices, told apart by the first attribute that does so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LesionDetectionLib.core.errors import GeometryError, InputError, SeveralSeriesError
from LesionDetectionLib.core.progress import Progress

from .dicom_grid import SAME_POSITION_MM, slice_order
from .dicom_headers import SPLIT_KEYS, Plane, Skipped, files_under, scan, scan_files
from .file_kinds import ARCHIVES, READABLE, file_ending

_SAME_DIRECTION = 1e-3
_SHORTEST_UID_PART = 4
"""Fewer characters of a UID are taken for a number or a description."""


@dataclass(frozen=True)
class SeriesInfo:
    """One choice: a series, or one phase of it.

    Attributes:
        number: place in the list, from 1; what a user passes to choose it.
        uid: Series Instance UID.
        modality, description, study_date: as DICOM says; never the patient's name.
        phase: what sets it apart from the others of the same UID ("AcquisitionNumber 2"); empty where it is alone.
        images: number of planes.
        spacing_mm: along columns, rows, slices (median; 0 for a single slice).
    """

    number: int
    uid: str
    modality: str
    description: str
    study_date: str
    phase: str
    images: int
    spacing_mm: tuple[float, float, float]

    def line(self) -> str:
        """One line for a list, beginning with what to pass as the choice."""
        spacing = " x ".join(f"{n:.3g}" for n in self.spacing_mm)
        what = f"“{self.description}”" if self.description else "no description"
        parts = [f"{self.number}: {self.modality} {what}", self.phase, f"{self.images} images", f"{spacing} mm"]
        parts += [f"study of {self.study_date}" if self.study_date else "", f"UID …{self.uid[-12:]}"]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Stack:
    """The planes of one choice, in rising order along their normal.

    Attributes:
        info: how it is listed.
        planes: sorted; positions that still occur twice are resolved when the pixels are read.
        notes: sentences on what was dropped.
    """

    info: SeriesInfo
    planes: tuple[Plane, ...]
    notes: tuple[str, ...] = ()


def list_series(folder: Path, progress: Progress | None = None) -> tuple[SeriesInfo, ...]:
    """The image series in a folder and below it, by series number; localizers, reports and contours are left out.

    Raises:
        InputError: no folder, or no DICOM image series in it.
    """
    return tuple(stack.info for stack in find_stacks(folder, progress or Progress())[0])


def find_stacks(path: Path, progress: Progress) -> tuple[list[Stack], list[Skipped]]:
    """All choices in a file or folder, and what was skipped.

    Raises:
        InputError: there is none; the text says what was there instead.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder {path}. Check the path.")
    planes, skipped = scan(path, progress)
    if not planes:
        raise InputError(_nothing_found(path, skipped))
    return stacks_of(planes), skipped


def find_stacks_in(files: Sequence[Path], progress: Progress) -> tuple[list[Stack], list[Skipped]]:
    """All choices in a list of files, such as a DICOM database gives it, and what was skipped.

    Raises:
        InputError: there is none, or a file is missing; files are counted, as their names may hold the patient's name.
    """
    missing = sum(not path.is_file() for path in files)
    if missing:
        raise InputError(f"{missing} of {len(files)} files are missing. Were they moved or deleted?")
    planes, skipped = scan_files(files, progress)
    if not planes:
        what = _counted(skipped) or "nothing that is DICOM"
        raise InputError(f"There is no image in the {len(files)} files of the series: {what}. Choose another series.")
    return stacks_of(planes), skipped


def stacks_of(planes: Sequence[Plane]) -> list[Stack]:
    """Planes sorted into choices: by series, without copies, and into phases where a series has such."""
    by_uid: dict[str, list[Plane]] = defaultdict(list)
    for plane in planes:
        by_uid[plane.series_uid].append(plane)
    phases: list[tuple[str, list[Plane], list[str]]] = []
    for uid in sorted(by_uid, key=lambda u: (by_uid[u][0].study_date, by_uid[u][0].series_number, u)):
        unique, notes = _without_copies(by_uid[uid])
        phases.extend((phase, members, notes) for phase, members in _phases(unique))
    return [_stack(n, phase, members, notes) for n, (phase, members, notes) in enumerate(phases, 1)]


def choose(stacks: Sequence[Stack], skipped: Sequence[Skipped], wanted: str | None, where: Path) -> Stack:
    """The one choice that ``wanted`` names: number, UID, unique beginning or end of a UID, or description.

    Raises:
        SeveralSeriesError: nothing named and several there, or the name fits several.
        InputError: the name fits none.
    """
    matching = list(stacks) if wanted is None else _matching(stacks, wanted.strip())
    if len(matching) == 1:
        return matching[0]
    lines = tuple(stack.info.line() for stack in (matching or stacks))
    others = _counted(skipped)
    beside = f" Beside them: {others}." if others else ""
    listing = "\n".join(f"  {line}" for line in lines)
    if not matching:
        raise InputError(
            f"No series in {where} is called “{wanted}”. Choose one by the number in front.{beside}\n{listing}"
        )
    which = "" if wanted is None else f" that “{wanted}” fits"
    raise SeveralSeriesError(
        f"{where} holds {len(matching)} image series{which}. Choose one by the number in front (or by UID or "
        f"description).{beside}\n{listing}",
        lines,
    )


def _matching(stacks: Sequence[Stack], wanted: str) -> list[Stack]:
    """Exact meanings first, so that a number is never taken for the end of a UID."""
    text, long_enough = wanted.casefold(), len(wanted) >= _SHORTEST_UID_PART
    rules: list[Callable[[SeriesInfo], bool]] = [
        lambda info: str(info.number) == wanted,
        lambda info: info.uid == wanted,
        lambda info: text != "" and info.description.casefold() == text,
        lambda info: long_enough and info.uid.endswith(wanted.lstrip("…")),
        lambda info: long_enough and info.uid.startswith(wanted),
        lambda info: text != "" and text in info.description.casefold(),
    ]
    for rule in rules:
        found = [stack for stack in stacks if rule(stack.info)]
        if found:
            return found
    return []


def _stack(number: int, phase: str, planes: list[Plane], notes: list[str]) -> Stack:
    first = planes[0]
    order, distances = slice_order([plane.position for plane in planes], first.orientation)
    gaps = np.diff(distances[order])
    gaps = gaps[gaps > SAME_POSITION_MM]
    row_spacing, column_spacing = first.pixel_spacing
    spacing = (column_spacing, row_spacing, float(np.median(gaps)) if len(gaps) else 0.0)
    info = SeriesInfo(
        number, first.series_uid, first.modality, first.description, first.study_date, phase, len(planes), spacing
    )
    return Stack(info, tuple(planes[k] for k in order), tuple(notes))


def _without_copies(planes: list[Plane]) -> tuple[list[Plane], list[str]]:
    seen: dict[tuple[str, int | None], Plane] = {}
    for plane in planes:
        seen.setdefault((plane.sop_uid or str(plane.path), plane.frame), plane)
    dropped = len(planes) - len(seen)
    notes = [f"Files that are copies of others in the folder were left out: {dropped}."] if dropped else []
    return list(seen.values()), notes


def _phases(planes: list[Plane]) -> list[tuple[str, list[Plane]]]:
    """The series as one phase with an empty name, or split so that each position occurs once in each phase."""
    most = _most_at_one_position(planes)
    if most == 1:
        return [("", planes)]
    places = len(planes) / most
    for key in SPLIT_KEYS:
        groups: dict[str, list[Plane]] = defaultdict(list)
        for plane in planes:
            groups[plane.marks.get(key, "")].append(plane)
        # Groups of single slices (a time stamp a slice) are no phases.
        whole = all(_most_at_one_position(g) == 1 and len(g) >= min(2, places) for g in groups.values())
        if len(groups) > 1 and whole:
            return [(f"{key} {value or 'empty'}", groups[value]) for value in sorted(groups, key=_numeric_first)]
    return [("", planes)]


def _most_at_one_position(planes: list[Plane]) -> int:
    orientation = planes[0].orientation
    if any(np.abs(np.subtract(p.orientation, orientation)).max() > _SAME_DIRECTION for p in planes):
        return 1  # not parallel: refused with its own sentence when read
    order, distances = slice_order([plane.position for plane in planes], orientation)
    most = run = 1
    for gap in np.diff(distances[order]):
        run = run + 1 if gap <= SAME_POSITION_MM else 1
        most = max(most, run)
    return most


def check_alike(planes: Sequence[Plane]) -> None:
    """One size, pixel spacing and direction throughout.

    Raises:
        GeometryError: says how many slices have what.
    """
    sizes = Counter(f"{plane.columns} x {plane.rows} pixels" for plane in planes)
    spacings = Counter(f"{plane.pixel_spacing[1]:.4f} x {plane.pixel_spacing[0]:.4f} mm a pixel" for plane in planes)
    directions = Counter(
        "direction " + str(tuple(float(n) for n in np.round(plane.orientation, 2) + 0.0)) for plane in planes
    )
    first = planes[0].orientation
    turned = any(np.abs(np.subtract(plane.orientation, first)).max() > 2 * _SAME_DIRECTION for plane in planes)
    for counts, mixed in ((sizes, len(sizes) > 1), (spacings, len(spacings) > 1), (directions, turned)):
        if mixed:
            listed = ", ".join(f"{n} with {what}" for what, n in counts.most_common(4))
            raise GeometryError(
                f"The series mixes slices that do not belong in one volume: {listed}. "
                "Move the slices that do not belong to it elsewhere."
            )


def _numeric_first(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value


def _counted(skipped: Sequence[Skipped]) -> str:
    return ", ".join(f"{n} x {kind}" for kind, n in Counter(item.kind for item in skipped).most_common())


def _nothing_found(path: Path, skipped: Sequence[Skipped]) -> str:
    if path.name.upper() == "DICOMDIR":
        return f"{path} is the index of a disc or folder, and no image. Name the folder that it lies in."
    if path.is_file():
        kind = skipped[0].kind if skipped else "not DICOM"
        return f"{path} is no DICOM image that can be read: {kind}. Name the scan itself."
    if not skipped:
        return f"The folder {path} holds no DICOM files{_instead(path)}"
    if all(item.damaged for item in skipped):
        return f"None of the DICOM files in {path} can be read: {_counted(skipped)}. Copy or export them again."
    return f"The folder {path} holds DICOM files, but no image series: {_counted(skipped)}. Name the scan's folder."


def _instead(path: Path) -> str:
    """What else a folder without DICOM holds, and what to do; files are counted, as their names may hold the patient's."""
    endings = [file_ending(file) for file in files_under(path)]
    for kinds, what, then in (
        (READABLE, "image file", "Name the image file itself."),
        (ARCHIVES, "archive", "Unpack it first, and name the folder that comes of it."),
    ):
        found = Counter(ending for ending in endings if ending in kinds)
        if count := found.total():
            return f", but {count} {what}{'s' * (count > 1)} ({', '.join(sorted(found))}). {then}"
    return ". Name a folder with a DICOM series, or an image file."
