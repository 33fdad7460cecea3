"""Where training patches are taken: pixels of active lesions, and many kinds of pixels that are none.

All pixels of all slices are numbered in one row, so that a place is one number: slice after slice, row after row.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.methods.high_uptake_ct.network import CENTER_ZYX
from scipy import ndimage

from ..sampling.oversampling import pick_by_weight
from .settings import ANYWHERE, BACKGROUND, DENSE, HULL, INACTIVE, RIM, VESSEL, SamplingSettings
from .slices import TrainingSlices

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
NO_LESION, LESION = 0, 1
"""Classes, as the columns of the network's responses."""
_MIDDLE = CENTER_ZYX[0]
POOL_SIZE = 8192
"""Places of each kind that are kept of a slice, drawn at random; but of lesions, and for ``anywhere``, all are."""


@dataclass(frozen=True, eq=False)
class Places:
    """Pixels of slices that patches are taken around. n = places.

    Attributes:
        cases, slices: [n] index of the case, and of the slice in it.
        rows, columns: [n] of the pixel.
        labels: [n] :data:`LESION` or :data:`NO_LESION`.
    """

    cases: IntArray
    slices: IntArray
    rows: IntArray
    columns: IntArray
    labels: IntArray

    @classmethod
    def join(cls, parts: Sequence[Places]) -> Places:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | npt.NDArray[Any]) -> Places:
        """Only these, in this order; so that ``share.of(places)`` works."""
        return Places(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


class PlaceSampler:
    """Draws places with the random numbers it is given, so that a step's places follow from its number.

    Args:
        cases: whose slices are drawn from.
        settings: of the sampling.
        kinds: of background that may be drawn; others need not be looked for.

    Raises:
        InputError: no slice shows an active lesion, or there is no background.
    """

    def __init__(
        self, cases: Sequence[TrainingSlices], settings: SamplingSettings, kinds: Sequence[str] = BACKGROUND
    ) -> None:
        self._settings = settings
        table = [(case, n, *one.shape_ji) for case, one in enumerate(cases) for n in range(len(one))]
        self._table = np.array(table, dtype=np.int64).reshape(-1, 4)
        self._starts = np.concatenate([[0], np.cumsum(self._table[:, 2] * self._table[:, 3])])
        lesion, owner, blocked = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int64)], [np.zeros(0, np.int64)]
        pools: dict[str, list[IntArray]] = {kind: [np.zeros(0, np.int64)] for kind in kinds if kind != ANYWHERE}
        for start, (case, n, *_) in zip(self._starts, table, strict=False):
            one = cases[case]
            labels, shut = one.labels[n], _blocked(one, n, settings)
            inside = np.flatnonzero(labels > 0)
            lesion.append(inside + start)
            owner.append(np.stack([np.full(len(inside), case), labels.ravel()[inside]], axis=1))
            blocked.append(np.flatnonzero(shut) + start)
            random = np.random.default_rng(zlib.crc32(f"{one.name} {n}".encode()))
            for kind, mask in _kinds(one, n, shut, settings, list(pools)):
                pools[kind].append(_some_of(mask, random) + start)
        self._lesion, self._blocked = np.concatenate(lesion), np.concatenate(blocked)
        if not len(self._lesion):
            raise InputError("None of the slices shows an active lesion: there is nothing to learn.")
        self._pools = {kind: np.concatenate(parts) for kind, parts in pools.items()}
        _, numbers = np.unique(np.concatenate(owner), axis=0, return_inverse=True)
        self._by_lesion = np.argsort(numbers.ravel(), kind="stable")
        self._of_lesion = np.bincount(numbers.ravel())
        self._weights = {kind: weight for kind, weight in settings.background.items() if kind in kinds}

    @property
    def lesion_count(self) -> int:
        """How many pixels of active lesions there are."""
        return len(self._lesion)

    @property
    def background_count(self) -> int:
        """How many pixels may be drawn as background."""
        return int(self._starts[-1]) - len(self._blocked)

    def count(self, kind: str) -> int:
        """How many places of a kind of background are at hand."""
        return self.background_count if kind == ANYWHERE else len(self._pools[kind])

    def draw(self, classes: IntArray, random: np.random.Generator) -> Places:
        """One place for each of [n] classes."""
        numbers = np.empty(len(classes), dtype=np.int64)
        lesions = classes == LESION
        count = int(np.count_nonzero(lesions))
        numbers[lesions] = self._lesion_numbers(count, random)
        numbers[~lesions] = self._background_numbers(len(classes) - count, self._weights, random)
        return self._at(numbers, classes)

    def all_lesions(self, most: int, random: np.random.Generator) -> Places:
        """Every pixel of active lesions, in their order; or ``most`` of them, each as likely (0: all)."""
        numbers = self._lesion
        if 0 < most < len(numbers):
            numbers = np.sort(random.choice(numbers, most, replace=False))
        return self._at(numbers, np.full(len(numbers), LESION))

    def background(self, count: int, random: np.random.Generator, kind: str = "") -> Places:
        """``count`` places of background, of one kind or of all by their weights.

        Raises:
            InputError: there are none.
        """
        weights = {kind: 1.0} if kind else self._weights
        return self._at(self._background_numbers(count, weights, random), np.full(count, NO_LESION))

    def _lesion_numbers(self, count: int, random: np.random.Generator) -> IntArray:
        even = random.random(count) < self._settings.by_lesion
        chosen = random.integers(len(self._lesion), size=count)
        lesion, within = random.integers(len(self._of_lesion), size=count), random.random(count)
        starts = np.cumsum(self._of_lesion) - self._of_lesion
        by_lesion = self._by_lesion[starts[lesion] + (within * self._of_lesion[lesion]).astype(np.int64)]
        return self._lesion[np.where(even, by_lesion, chosen)]

    def _background_numbers(self, count: int, weights: dict[str, float], random: np.random.Generator) -> IntArray:
        picked = pick_by_weight(weights, {kind: self.count(kind) for kind in weights}, count, random)
        numbers = np.empty(count, dtype=np.int64)
        for index, kind in enumerate(weights):
            own = picked.kinds == index
            places = picked.places[own]
            numbers[own] = self._not_blocked(places) if kind == ANYWHERE else self._pools[kind][places]
        return numbers

    def _not_blocked(self, places: IntArray) -> IntArray:
        """The numbers of the pixels that are the 0th, 1st, ... of those that are not blocked."""
        before = self._blocked - np.arange(len(self._blocked))
        return places + np.searchsorted(before, places, side="right")

    def _at(self, numbers: IntArray, labels: IntArray) -> Places:
        index = np.searchsorted(self._starts, numbers, side="right") - 1
        cases, slices, _, width = self._table[index].T
        rows, columns = np.divmod(numbers - self._starts[index], width)
        return Places(cases, slices, rows, columns, labels.astype(np.int64))


def _blocked(one: TrainingSlices, n: int, settings: SamplingSettings) -> BoolArray:
    """[j, i]: what is not to be drawn as background: lesions, what is too near to them, and what is neither."""
    shut: BoolArray = one.labels[n] != 0
    if settings.clear_mm > 0:
        shut = shut | _near_lesion(one, n, settings.clear_mm)
    return shut


def _kinds(
    one: TrainingSlices, n: int, shut: BoolArray, settings: SamplingSettings, wanted: Sequence[str]
) -> Iterator[tuple[str, BoolArray]]:
    """Kind of background -> [j, i] where it is, in one slice."""
    dense = one.stack(n)[_MIDDLE] > settings.dense_hu
    if {HULL, DENSE, VESSEL} & set(wanted):
        hull = one.search(n) & ~shut
        if HULL in wanted:
            yield HULL, hull
        if DENSE in wanted:
            yield DENSE, hull & dense
        if VESSEL in wanted:
            yield VESSEL, hull & _near_narrow(one, dense, settings)
    if INACTIVE in wanted:
        yield INACTIVE, _near_inactive(one, n, settings.inactive_mm) & dense & ~shut
    if RIM in wanted:
        yield RIM, _near_lesion(one, n, settings.rim_mm) & ~shut


def _near_narrow(one: TrainingSlices, dense: BoolArray, settings: SamplingSettings) -> BoolArray:
    """[j, i]: what of the dense pixels is narrow, and what lies about it."""
    pixel = one.geometry.spacing_mm[0]
    side, reach = (2 * round(mm / pixel / 2) + 1 for mm in (settings.body_mm, 2 * settings.around_mm))
    mask = dense.astype(np.uint8)
    body = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)), dtype=bool)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate((dense & ~body).view(np.uint8), disc), dtype=bool)


def _near_lesion(one: TrainingSlices, n: int, mm: float) -> BoolArray:
    """[j, i]: pixels within so many mm of an active lesion in the slice, those inside it among them."""
    near = np.zeros(one.shape_ji, dtype=bool)
    lesion = one.labels[n] > 0
    spacing = one.geometry.spacing_mm[1], one.geometry.spacing_mm[0]
    for box in ndimage.find_objects(lesion.astype(np.int8)):
        part = tuple(
            slice(max(0, at.start - int(mm / pixel) - 1), at.stop + int(mm / pixel) + 1)
            for at, pixel in zip(box, spacing, strict=True)
        )
        near[part] = ndimage.distance_transform_edt(~lesion[part], sampling=spacing) <= mm
    return near


def _near_inactive(one: TrainingSlices, n: int, mm: float) -> BoolArray:
    """[j, i]: pixels within so many mm, in space, of a place that is known to be no active lesion."""
    near = np.zeros(one.shape_ji, dtype=bool)
    spacing = np.array(one.geometry.spacing_mm[::-1])
    rows, columns = (np.arange(count, dtype=np.float64) for count in near.shape)
    for k, row, column in one.inactive_kji:
        across = abs(k - one.slices[n]) * spacing[0]
        if across <= mm:
            away = ((rows - row) * spacing[1])[:, None] ** 2 + ((columns - column) * spacing[2]) ** 2
            near |= away <= mm**2 - across**2
    return near


def _some_of(mask: BoolArray, random: np.random.Generator) -> IntArray:
    places = np.flatnonzero(mask)
    if len(places) > POOL_SIZE:
        places = np.sort(random.choice(places, POOL_SIZE, replace=False))
    return places
