"""Slices as the recipe uses them: as the network sees them, with the truth of their boxes and pixels; cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, Image, understood_as
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.preprocessing import Placing, network_input, planes_at
from LesionDetectionLib.methods.slices.settings import Seen

from ...cohorts.caching import Content, Entry, Maker
from ...cohorts.case import Case, Truth
from ...cohorts.deeplesion_rows import TYPES
from ..losses.focal import IGNORED
from ..recipe import Run
from .choosing import Known, choose_slices
from .sections import Section, sections_of
from .settings import SelectionSettings

COARSE_TYPE = "coarse_lesion_type"
"""What DeepLesion's lesions are measured by, see :data:`..cohorts.deeplesion_rows.TYPES`."""
_ARRAYS = ("planes", "masks", "boxes", "owners", "counted", "diameters_mm", "grid_mm")


@dataclass(frozen=True, eq=False)
class TrainingSlices:
    """The chosen slices of one case. n = slices, s = pixels of the input's sides, b = boxes in all slices.

    Attributes:
        name: id of the case.
        names: of the slices: the case's own where it gives one.
        planes: [n, 3, s, s] int16 HU, each slice between its neighbours, the one to the feet first, clipped to the window. Mapped
            from the cache, read when touched.
        masks: [n, s, s] int8: 1 for lesions, 0 for background, ``IGNORED`` for what is neither, or not known.
        boxes: [b, 4] float64 edges in pixels of the input.
        owners: [b] int64 which slice each is in.
        counted: [b] bool: a lesion; the others are neither lesion nor background.
        diameters_mm: [b] the longest in that slice.
        kinds: of each box what it is, in words; empty where that is not known.
        grid_mm: [2] size of the input's pixels, and distance of the scan's slices.
        entry: of the cache, held so that it stays there; None for slices that are in memory only.
    """

    name: str
    names: tuple[str, ...]
    planes: npt.NDArray[np.int16]
    masks: npt.NDArray[np.int8]
    boxes: npt.NDArray[np.float64]
    owners: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]
    diameters_mm: npt.NDArray[np.float64]
    kinds: tuple[str, ...]
    grid_mm: npt.NDArray[np.float64]
    entry: Entry | None = None

    def __len__(self) -> int:
        return len(self.planes)

    @property
    def identity(self) -> str:
        """Changes when image, labels or settings do, where it comes from the cache."""
        return self.name if self.entry is None else self.entry.key

    def lesions(self, n: int) -> npt.NDArray[np.int64]:
        """Indices of the boxes of a slice's lesions."""
        return np.flatnonzero((self.owners == n) & self.counted)

    def neither(self, n: int) -> npt.NDArray[np.int64]:
        """Indices of the boxes of a slice that are neither lesion nor background."""
        return np.flatnonzero((self.owners == n) & ~self.counted)


@dataclass(frozen=True)
class Wanted:
    """What prepared slices depend on besides the case.

    Attributes:
        seen: what the network sees; no other settings of a method, so that they make no other entry.
        selection: which slices, and what is true in them.
    """

    seen: Seen
    selection: SelectionSettings

    @classmethod
    def of(cls, method: Seen, selection: SelectionSettings) -> Wanted:
        return cls(method.seen(), selection)


def prepare_slices(image: Image, truth: Truth, wanted: Wanted, name: str = "") -> TrainingSlices:
    """The chosen slices of a case, as the network sees them, with the truth.

    Args:
        image: CT in HU, on whose grid the lesions' masks lie.
        truth: lesions with masks, with diameters, or as spheres; findings to leave out; places that look like lesions.
        name: id of the case; empty for the image's name.

    Raises:
        InputError: no slice to take.
    """
    seen, selection = wanted.seen, wanted.selection
    found = [sections_of(lesion, image, selection.mask_way) for lesion in truth.lesions]
    excluded = [sections_of(finding, image, selection.mask_way) for finding in truth.excluded]
    known = Known(
        found,
        excluded,
        len(to_axial(image).voxels),
        all(lesion.mask is not None or lesion.recist is None for lesion in truth.lesions),
        _levels(image, truth.negatives_ras_mm),
    )
    chosen = choose_slices(known, selection)
    name = name or image.name
    if not chosen:
        raise InputError(f"“{name}” has no slice to learn from: none of its lesions lies in the image.")
    axial = to_axial(image)
    kinds = _kinds(truth)
    planes, truths = [], []
    for k in chosen:
        inputs, placing = network_input(planes_at(axial, k, seen.slice_distance_mm), seen)
        planes.append(_in_hu(inputs, seen.window_hu))
        in_slice = _SliceTruth(placing, seen.size_px, selection)
        for sections in excluded:
            if k in sections:
                in_slice.leave_out(sections[k])
        for sections, kind in zip(found, kinds, strict=True):
            if k in sections:
                in_slice.add(sections[k], kind)
        truths.append(in_slice)
    x_mm, _, z_mm = axial.spacing_mm
    rows = [row for one in truths for row in one.rows]
    return TrainingSlices(
        name,
        tuple(name if len(chosen) == 1 else f"{name} {k}" for k in chosen),
        np.stack(planes),
        np.stack([one.mask for one in truths]),
        np.array([row.edges for row in rows], dtype=np.float64).reshape(-1, 4),
        np.repeat(np.arange(len(truths)), [len(one.rows) for one in truths]).astype(np.int64),
        np.array([row.counted for row in rows], dtype=bool),
        np.array([row.diameter_mm for row in rows], dtype=np.float64),
        tuple(row.kind for row in rows) if any(kinds) else (),
        np.array([x_mm / placing.scale_xy[0], z_mm]),
    )


@dataclass(frozen=True, eq=False)
class _Row:
    edges: npt.NDArray[np.float64]
    counted: bool
    diameter_mm: float
    kind: str


class _SliceTruth:
    """Boxes and mask of one slice, in pixels of the input; what comes later lies above what came before.

    Attributes:
        mask: [s, s] int8, see :class:`TrainingSlices`.
        rows: of the boxes.
    """

    def __init__(self, placing: Placing, size_px: int, selection: SelectionSettings) -> None:
        self.mask = np.zeros((size_px, size_px), dtype=np.int8)
        self.rows: list[_Row] = []
        self._placing, self._selection = placing, selection

    def add(self, section: Section, kind: str) -> None:
        """A lesion; what is too small to be seen is left out."""
        if section.pixels < self._selection.least_section_px:
            self.leave_out(section)
            return
        edges = self._edges(section)
        if section.outline is None:
            self._fill(edges, IGNORED)
        else:
            self._draw(section, 1)
        if (edges[2:] <= edges[:2]).any():  # a sphere beside the slice
            return
        self.rows.append(_Row(edges, True, section.diameter_mm, kind))

    def leave_out(self, section: Section) -> None:
        """What is neither lesion nor background."""
        edges = self._edges(section)
        if section.outline is None:
            self._fill(edges, IGNORED)
        else:
            self._draw(section, IGNORED)
        self.rows.append(_Row(edges, False, section.diameter_mm, ""))

    def _edges(self, section: Section) -> npt.NDArray[np.float64]:
        edges = self._placing.to_input(section.edges)[0]
        margin = self._selection.box_margin_px if section.tight else 0.0
        height, width = self._placing.input_yx
        edges = edges + np.array([-margin, -margin, margin, margin])
        return np.asarray(np.clip(edges, 0, (width, height, width, height)))

    def _fill(self, edges: npt.NDArray[np.float64], value: int) -> None:
        """Pixels of a box that are background so far."""
        x0, y0 = np.floor(edges[:2]).astype(int)
        x1, y1 = np.ceil(edges[2:]).astype(int)
        part = self.mask[y0:y1, x0:x1]
        part[part == 0] = value

    def _draw(self, section: Section, value: int) -> None:
        assert section.outline is not None
        pixels, (x, y) = section.outline
        whole = np.zeros(self._placing.slice_yx, dtype=np.float32)
        # A cohort's mask may reach beyond a slice; what does not lie in it cannot be drawn.
        inside = whole[y : y + pixels.shape[0], x : x + pixels.shape[1]]
        inside[...] = pixels[: inside.shape[0], : inside.shape[1]]
        height, width = self._placing.input_yx
        drawn = self._placing.resized(whole) >= 0.5
        self.mask[:height, :width][drawn] = value


def _kinds(truth: Truth) -> tuple[str, ...]:
    """What each lesion is, in words: as the cohort says, or by DeepLesion's coarse type; empty where neither is known."""
    if len(truth.kinds) == len(truth.lesions):
        return truth.kinds
    return tuple(TYPES.get(int(lesion.measurements.get(COARSE_TYPE, 0)), "") for lesion in truth.lesions)


def _in_hu(inputs: npt.NDArray[np.float32], window: tuple[float, float]) -> npt.NDArray[np.int16]:
    """What the network sees, [-1, 1], as whole HU of its window: a hundredth of the noise is lost."""
    low, high = window
    hu = (inputs + 1) * ((high - low) / 2) + low
    return np.asarray(np.clip(np.rint(hu), -32768, 32767), dtype=np.int16)


def _levels(image: Image, places_ras_mm: npt.NDArray[np.float64]) -> list[int]:
    """The slices that places lie in, each once, in their order."""
    axial = to_axial(image).geometry
    levels = np.round(axial.ijk_from_ras(places_ras_mm.reshape(-1, 3))[:, 2]).astype(int).tolist()
    return [k for k in dict.fromkeys(levels) if 0 <= k < axial.shape_kji[0]]


def _prepared(case: Case, wanted: Wanted, progress: Progress) -> Content:
    """A labelled case for the cache. Raises InputError where it cannot be used."""
    truth = case.truth()
    found = prepare_slices(understood_as(case.images(progress)[CT]), truth, wanted, case.id)
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(found, name) for name in _ARRAYS}
    return Content(arrays, {"name": case.id, "names": list(found.names), "kinds": list(found.kinds)})


SLICES = Maker("slices", 1, _prepared)
"""Makes entries of the cache that :func:`slices_from` reads; raise its version when it makes something else."""


def slices_from(entry: Entry) -> TrainingSlices:
    """Slices from the cache; their voxels stay on disk until they are touched, as long as ``entry`` lives."""
    arrays: dict[str, Any] = {name: entry.arrays[name] for name in _ARRAYS}
    values = entry.values
    return TrainingSlices(values["name"], tuple(values["names"]), kinds=tuple(values["kinds"]), entry=entry, **arrays)


def prepared_slices(cases: Sequence[Case], run: Run, wanted: Wanted, progress: Progress) -> list[TrainingSlices]:
    """The slices of all cases that can be used; the others join ``run.left_out``. The first process prepares them; what it
    made the others find in the cache.

    Raises:
        OutputError: the disk is full.
        Cancelled: through ``progress``.
    """
    return [slices_from(entry) for entry in run.prepared(cases, wanted, SLICES, progress)]
