"""LUNA16 (LIDC-IDRI scans with nodules of 3 mm and more that three of four readers saw): ``luna16:PATH?subset=0-8``.

The folder holds ``subset0`` to ``subset9`` with ``<series UID>.mhd`` and their voxels, and the organisers' lists, beside the
subsets or in the folders that their downloads unpack to. Setio et al., Med Image Anal 42 (2017) 1-13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.progress import Progress

from . import luna16_lists as lists
from .case import Case, Truth
from .cohort import Cohort, LeftOut
from .file_images import read_as
from .luna16_lists import Finding
from .rows import shortened
from .spec import Kind, numbers

SUBSETS = tuple(range(10))
PHANTOM_ROOT = "2.25."
"""Series UIDs that are derived from a number alone: those of phantoms in this layout. The challenge's own have LIDC-IDRI's root."""


@dataclass(frozen=True)
class Luna16Options:
    """Attributes:
    subset: which of subset0 to subset9: ``0-8`` or ``3,5``; empty for all that are there.
    """

    subset: str = ""


@dataclass(frozen=True)
class Luna16Case(Case):
    """Attributes:
    subset: that it lies in, one of the challenge's ten folds.
    image: its ``.mhd`` file.
    voxels: the files beside it that hold its voxels.
    nodules, excluded: the rows of the lists.
    candidates: the list that its negatives are in, or None.
    """

    subset: int
    image: Path = field(repr=False)
    voxels: tuple[Path, ...] = field(repr=False)
    nodules: tuple[Finding, ...] = field(repr=False)
    excluded: tuple[Finding, ...] = field(repr=False)
    candidates: Path | None = field(repr=False)

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        image = read_as(self.image, CT, progress)
        return {CT: replace(image, name=self.id, identifiers={"SeriesInstanceUID": self.id})}

    def truth(self) -> Truth:
        if not self.labelled:
            return Truth()
        known = Truth(
            tuple(finding.lesion() for finding in self.nodules), tuple(finding.lesion() for finding in self.excluded)
        )
        if self.candidates is None:
            return known
        places, note = lists.negatives_of(self.candidates, self.id)
        return replace(known, negatives_ras_mm=places, notes=(note,) if note else ())

    def sources(self) -> tuple[Path, ...]:
        return (self.image, *self.voxels, *([self.candidates] if self.candidates else []))


@dataclass(frozen=True)
class _Lists:
    """What the lists say; ``series`` is None where there is no list of series."""

    labelled: bool
    series: tuple[str, ...] | None
    nodules: Mapping[str, tuple[Finding, ...]]
    excluded: Mapping[str, tuple[Finding, ...]]
    candidates: Path | None
    bad: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def open_luna16(path: Path, options: Luna16Options, progress: Progress) -> Cohort:
    """The cohort.

    Raises:
        UsageError: subsets other than 0 to 9.
        InputError: no folder, no subsets, or a list that cannot be read.
        Cancelled: through ``progress``.
    """
    wanted = _wanted(options)
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name the one with subset0 to subset9.")
    there = {n: path / f"subset{n}" for n in SUBSETS if (path / f"subset{n}").is_dir()}
    if not there:
        raise InputError(
            f"{path} has none of the folders subset0 to subset9. Is it the folder that they were unpacked to?"
        )
    known = _read_lists(path, progress.part(0.0, 0.7))
    left_out = [
        LeftOut(f"subset{n}", f"There is no folder {path / f'subset{n}'}. Unpack it there, or leave it out of subset=.")
        for n in wanted
        if n not in there
    ]
    images = _images({n: there[n] for n in wanted or SUBSETS if n in there}, left_out, progress.part(0.7, 1.0))
    cases = _cases(images, known, left_out)
    left_out += known.left_out
    if known.series is not None and set(there) == set(SUBSETS) == set(wanted or SUBSETS):
        told = {*images, *(left.case for left in left_out)}
        sentence = "It is in seriesuids.csv, but no subset has its image."
        left_out += [LeftOut(uid, sentence) for uid in known.series if uid not in told]
    notes = ["LUNA16 does not say which scans are of one patient; each counts as a patient.", *known.notes]
    absent = [str(n) for n in SUBSETS if n not in there]
    if absent and not wanted:
        notes.append(f"Not all of LUNA16: the folders of the subsets {', '.join(absent)} are not there.")
    on_phantoms = bool(cases) and all(case.id.startswith(PHANTOM_ROOT) for case in cases)
    title = "phantoms in the layout of LUNA16" if on_phantoms else "LUNA16"
    return Cohort("", title, tuple(cases), tuple(left_out), tuple(notes), on_phantoms)


def _wanted(options: Luna16Options) -> tuple[int, ...]:
    if not options.subset.strip():
        return ()
    wanted = tuple(dict.fromkeys(numbers(options.subset, "subsets")))
    unknown = [n for n in wanted if n not in SUBSETS]
    if unknown:
        raise UsageError(f"LUNA16 has the subsets 0 to 9, and no subset {unknown[0]}.")
    return wanted


def _read_lists(path: Path, progress: Progress) -> _Lists:
    progress(0.0, "Reading the lists")
    files = {
        "nodules": lists.find_list(path, "annotations.csv"),
        "excluded": lists.find_list(path, "annotations_excluded.csv"),
        "series": lists.find_list(path, "seriesuids.csv"),
        "candidates": lists.find_list(path, "candidates_V2.csv", "candidates.csv"),
    }
    notes, left_out, bad = list[str](), list[LeftOut](), dict[str, str]()
    found: dict[str, Mapping[str, tuple[Finding, ...]]] = {"nodules": {}, "excluded": {}}
    for name in found:
        file = files[name]
        if file is None:
            continue
        found[name], wrong = lists.read_findings(file)
        if name == "nodules":
            # Half of the truth would make good detections look false.
            bad = {
                left.case: f"{left.reason} Its scan is not used, as not all of its nodules are known." for left in wrong
            }
        left_out += shortened(wrong, f"rows of {file.name}") if name == "excluded" else []
        progress(0.5, f"Read {file.name}")
    if files["nodules"] is None:
        notes.append("There is no annotations.csv, so nothing is known of the nodules.")
    if files["candidates"] is not None:
        try:
            lists.check_candidates(files["candidates"])
        except InputError as error:
            left_out.append(LeftOut(files["candidates"].name, str(error)))
            files["candidates"] = None
    series = lists.read_series(files["series"]) if files["series"] is not None else None
    return _Lists(
        files["nodules"] is not None,
        series,
        found["nodules"],
        found["excluded"],
        files["candidates"],
        bad,
        tuple(left_out),
        tuple(notes),
    )


def _images(
    subsets: Mapping[int, Path], left_out: list[LeftOut], progress: Progress
) -> dict[str, tuple[int, Path, tuple[Path, ...]]]:
    """Series -> subset, image file, files with its voxels; what cannot be used goes to ``left_out``."""
    found: dict[str, tuple[int, Path, tuple[Path, ...]]] = {}
    for done, (number, folder) in enumerate(subsets.items()):
        progress(done / len(subsets), folder.name)
        names = {entry.name for entry in folder.iterdir()}
        headers = sorted(name for name in names if name.endswith((".mhd", ".mha")))
        if not headers:
            left_out.append(LeftOut(folder.name, f"The folder {folder} holds no .mhd images."))
        for name in headers:
            uid = name[:-4]
            voxels = tuple(folder / f"{uid}{ending}" for ending in (".raw", ".zraw") if f"{uid}{ending}" in names)
            if uid in found:
                left_out.append(
                    LeftOut(uid, f"It is in subset{found[uid][0]} and again in subset{number}; the first is used.")
                )
            elif name.endswith(".mhd") and not voxels:
                left_out.append(LeftOut(uid, f"The voxels of {folder / name} (.raw or .zraw beside it) are missing."))
            else:
                found[uid] = (number, folder / name, voxels)
    return found


def _cases(
    images: Mapping[str, tuple[int, Path, tuple[Path, ...]]], known: _Lists, left_out: list[LeftOut]
) -> list[Luna16Case]:
    scored = set(known.series) if known.series is not None else None
    cases = []
    for uid, (subset, image, voxels) in images.items():
        if not re.fullmatch(r"[\w.-]+", uid):
            left_out.append(LeftOut(uid, f"The name of {image} is no series UID."))
        elif scored is not None and uid not in scored:
            left_out.append(LeftOut(uid, f"It is not in seriesuids.csv: LUNA16 has no truth for {image.name}."))
        elif uid in known.bad:
            left_out.append(LeftOut(uid, known.bad[uid]))
        else:
            nodules, excluded = known.nodules.get(uid, ()), known.excluded.get(uid, ())
            cases.append(
                Luna16Case(
                    uid, uid, "", (CT,), known.labelled, subset, image, voxels, nodules, excluded, known.candidates
                )
            )
    unknown = [uid for uid in known.bad if uid not in images]
    left_out += shortened([LeftOut(uid, known.bad[uid]) for uid in unknown], "rows of annotations.csv")
    return cases


KIND = Kind(
    "luna16",
    "the LUNA16 challenge: chest CT with lung nodules",
    "the folder with subset0 to subset9 and annotations.csv",
    Luna16Options,
    open_luna16,
)
