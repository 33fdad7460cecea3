"""What is in files and folders, as choices that can be opened, and the reading of one. Works in any thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, PET, Image, understood_as
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.display import modality_name
from LesionDetectionLib.io.file_kinds import image_name
from LesionDetectionLib.io.files import read_image

from .references import check_header
from .served import kind_of

IMAGE, DICOM, SCENE = "image", "dicom", "scene"
_LOOKED_AT = 4096
_VOXELS_OF_A_HEADER = (".raw", ".zraw", ".img", ".gz", ".bin")


@dataclass(frozen=True)
class Choice:
    """Something that can be opened.

    Attributes:
        kind: ``image``, ``dicom`` or ``scene``.
        title: how it is called.
        details: a few words more.
        path: the file; of DICOM the file or folder that was looked through.
        modality: where it is known before reading, else empty.
        size: number of images of a DICOM series, for choosing the obvious one.
        stack, skipped: of DICOM, see :mod:`LesionDetectionLib.io.dicom_series`.
    """

    kind: str
    title: str
    details: str
    path: Path
    modality: str = ""
    size: int = 0
    stack: Any = None
    skipped: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Opened:
    """An image that was read.

    Attributes:
        sources: its DICOM files; none of other formats.
        uids: of their instances.
    """

    image: Image
    sources: tuple[Path, ...] = ()
    uids: tuple[str, ...] = ()


def look_at(
    path: Path, progress: Progress, series: str = "", allowed: Callable[[Path], bool] | None = None
) -> tuple[Choice, ...]:
    """What a file or folder holds. A folder is looked through with all below it.

    Args:
        series: which DICOM series is meant, where there are several; empty for all.
        allowed: files of a folder for which it is false are passed over; None for none.

    Raises:
        InputError: there is nothing that can be opened, or no such series.
        SeveralSeriesError: ``series`` fits several.
        Cancelled: through ``progress``.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder {path}. Check the path.")
    if path.is_file():
        return _file(path, progress, series)
    files = sorted(one for one in path.rglob("*") if not one.name.startswith(".") and one.is_file())
    if allowed is not None:
        files = [one for one in files if allowed(one)]
    if len(files) == 1:
        return _file(files[0], progress, series)
    kinds = {one: kind_of(one.name) for one in files}
    found = [_plain(one, kind) for one, kind in kinds.items() if kind not in ("", "other")]
    others = [one for one, kind in kinds.items() if kind == "other" and one.name != "DICOMDIR"]
    if found:  # voxels beside a header are no DICOM
        others = [one for one in others if one.suffix.lower() not in _VOXELS_OF_A_HEADER]
    others = [one for one in others if not _is_blank(one)]
    skipped: tuple[Any, ...] = ()
    if others:
        series_found, skipped = _series(path, others, progress, series)
        found += series_found
    if not found:
        raise InputError(_nothing(files, skipped))
    return tuple(found)


def obvious(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """What would be opened without asking: the one; of several DICOM series the largest CT and the largest PET, as a first
    proposal."""
    if len(choices) <= 1:
        return tuple(choices)
    best: dict[str, Choice] = {}
    for one in choices:
        if one.modality in (CT, PET) and (one.modality not in best or one.size > best[one.modality].size):
            best[one.modality] = one
    return tuple(one for one in choices if one in best.values())


def read(choice: Choice, progress: Progress) -> Opened:
    """The image of a choice that is no scene, with what it is understood as.

    Raises:
        InputError, GeometryError, DependencyError: see :func:`LesionDetectionLib.io.files.read_image`.
        Cancelled: through ``progress``.
    """
    if choice.kind == DICOM:
        from LesionDetectionLib.io.dicom import read_stack

        image = read_stack(choice.stack, choice.skipped, progress)
        planes = choice.stack.planes
        sources = tuple(dict.fromkeys(plane.path for plane in planes))
        return Opened(image, sources, tuple(dict.fromkeys(plane.sop_uid for plane in planes if plane.sop_uid)))
    check_header(choice.path)
    image = read_image(choice.path, progress=progress)
    return Opened(understood_as(replace(image, name=choice.title)))


def _file(path: Path, progress: Progress, series: str) -> tuple[Choice, ...]:
    kind = kind_of(path.name)
    if _is_blank(path):
        raise InputError(f"There is nothing in {path.name}. Copy or export it again from its source.")
    if kind == "other":
        from LesionDetectionLib.io.dicom_headers import may_be_dicom

        if may_be_dicom(path):
            found, skipped = _series(path, [path], progress, series)
            if not found:
                raise InputError(_nothing([path], skipped))
            return tuple(found)
    if kind in ("other", ""):
        read_image(path)  # says why not
        raise InputError(f"{path.name} is no image that this program reads.")
    return (_plain(path, kind),)


def _is_blank(path: Path) -> bool:
    """Whether a file is empty, or begins with nothing but zeros, as what a broken copy leaves: reading that as DICOM would go
    through all of it, element by element."""
    with path.open("rb") as file:
        return not any(file.read(_LOOKED_AT))


def _plain(path: Path, kind: str) -> Choice:
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    if kind == SCENE:
        return Choice(SCENE, path.name, f"scene, {size}", path)
    return Choice(IMAGE, image_name(path), f"{kind}, {size}", path)


def _series(path: Path, files: Sequence[Path], progress: Progress, series: str) -> tuple[list[Choice], tuple[Any, ...]]:
    """The series in these files, and what was passed over."""
    from LesionDetectionLib.io.dicom_headers import scan_files
    from LesionDetectionLib.io.dicom_series import choose, stacks_of

    planes, skipped = scan_files(files, progress)
    stacks = stacks_of(planes)
    if series and stacks:
        stacks = [choose(stacks, skipped, series, path)]
    return [_choice(path, stack, tuple(skipped)) for stack in stacks], tuple(skipped)


def _nothing(files: Sequence[Path], skipped: Sequence[Any]) -> str:
    """Why nothing can be opened, with what is there instead; files are counted, as names may be a patient's."""
    if not files:
        return "There is nothing in this folder."
    where = f"these {len(files)} files" if len(files) > 1 else files[0].name
    if not skipped:
        return f"There is no scan in {where}. NRRD, NIfTI, MetaImage and DICOM files are read, and scenes of Slicer."
    counts = Counter(one.kind for one in skipped).most_common()
    there = ", ".join(f"{n} x {kind}" if len(files) > 1 else kind for kind, n in counts)
    return f"There is no image in {where}, but DICOM of another kind or damaged: {there}. Choose the scan itself."


def _choice(path: Path, stack: Any, skipped: tuple[Any, ...]) -> Choice:
    info = stack.info
    title = info.description or f"{modality_name(info.modality)} without description"
    first = stack.planes[0]
    size = f"{first.columns} × {first.rows}, {info.images} image{'s' if info.images != 1 else ''}"
    spacing = " × ".join(f"{n:.3g}" for n in info.spacing_mm) + " mm"
    details = ", ".join(part for part in (modality_name(info.modality), info.phase, size, spacing) if part)
    return Choice(DICOM, title, details, path, info.modality, info.images, stack, skipped)
