"""From the places where both maps count to tumours: one a peak of uptake, outlined at a share of it, with the views' agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.hills import Box, Hill, Hills, Triple, triple

from .back_projection import BackProjection, Slab
from .projections import Projections
from .settings import PetWeakSettings

BoolArray = npt.NDArray[np.bool_]

MOST_VOXELS = 500_000
"""In so many voxels of one part of the body peaks are looked for, half a second of work; where more count, in the hottest of them."""
_ROUNDING = 1e-5
_AROUND = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Component:
    """One tumour.

    Attributes:
        voxels: [k, j, i] bool, its box; connected (26 neighbours).
        start_kji: where the box begins in the PET in axial order.
        peak_kji: the voxel of its maximum.
        suvmax: there.
        coronal, sagittal: what the two maps have at its peak.
        in_height: how well they agree on where it lies along the body; see :meth:`.back_projection.BackProjection.agreement`.
        goes_on: whether it was cut off at the end of the reach.
    """

    voxels: BoolArray
    start_kji: Triple
    peak_kji: Triple
    suvmax: float
    coronal: float
    sagittal: float
    in_height: float
    goes_on: bool

    @property
    def agreement(self) -> float:
        """Of the two views, 0 to 1: the back-projected map at the peak (the lower of both), times their agreement in height."""
        return min(self.coronal, self.sagittal) * self.in_height

    @property
    def in_words(self) -> str:
        """For the note of a lesion."""
        return (
            f"The map at its hottest voxel: {self.coronal:.2f} from the front, {self.sagittal:.2f} from the side; agreement of both "
            f"in height {self.in_height:.2f}."
        )


@dataclass(frozen=True)
class Found:
    """All components, and what was left out.

    Attributes:
        components: by falling agreement.
        unexplained: so many peaks, of those that are no lower than a tumour beside them ends, are what neither view shows: at the
            crossing of two tumours' shadows, or behind hotter organs.
        least_suv: where too many voxels count, only peaks of this SUV or more were looked at; 0 for all.
    """

    components: tuple[Component, ...]
    unexplained: int = 0
    least_suv: float = 0.0


def find_components(
    axial: Image, projections: Projections, back: BackProjection, settings: PetWeakSettings, progress: Progress
) -> Found:
    """The tumours of a PET in axial order.

    A tumour is a peak of uptake among the places that count; or, in a part of the body whose places that count have none, the one
    that their hottest voxel leads up to, if that is within reach.

    Raises:
        Cancelled: when the user cancelled.
    """
    slabs = list(back.slabs(settings.map_share, settings.reach_mm))
    components, unexplained, least_suv = list[Component](), 0, 0.0
    for count, slab in enumerate(slabs):
        progress(count / len(slabs), "Finding uptake")
        found, hidden, least = _in_slab(axial, slab, projections, back, settings)
        components += found
        unexplained += hidden
        least_suv = max(least_suv, least)
    components.sort(key=lambda one: (-one.agreement, -one.suvmax))
    return Found(tuple(components), unexplained, least_suv)


def _in_slab(
    axial: Image, slab: Slab, projections: Projections, back: BackProjection, settings: PetWeakSettings
) -> tuple[list[Component], int, float]:
    values = np.asarray(axial.voxels[slab.box], dtype=np.float32)
    lowest = _lowest_peak(values, slab, projections, settings)
    mask = slab.near & (values >= np.float32(settings.uptake_share * lowest))
    least = 0.0
    if np.count_nonzero(mask) > MOST_VOXELS:
        least = float(np.partition(values[mask], -MOST_VOXELS)[-MOST_VOXELS])
        mask &= values >= least
    if not (mask & slab.core).any():
        return [], 0, least / settings.uptake_share
    hills = Hills(values, mask, settings.uptake_share, settings.split_share, slab.core)
    # Of a peak below this its end, and what it is one with, are not known.
    least /= settings.uptake_share
    hot = [(number, kji) for number, kji, suv in hills.peaks if suv >= max(settings.least_suvmax, least)]
    chosen = [(number, kji) for number, kji in hot if slab.core[kji]] or _led_up_to(hills, hot, values, axial, slab)
    components, hidden = [], 0
    for number, kji in chosen:
        if not _explained(values[kji], _moved(kji, slab.start_kji), projections, settings.explained_share):
            hidden += 1
            continue
        hill = hills.hill(number)
        components.append(_component(hill, values, slab, back, settings))
    return components, hidden, least


def _lowest_peak(
    values: npt.NDArray[np.float32], slab: Slab, projections: Projections, settings: PetWeakSettings
) -> float:
    """No peak below this becomes a tumour: the lowest voxel that is high enough, counts, is what one of the views shows, and has no
    higher one beside it. Where there is none, the least SUVmax.

    What is lower than a share of it plays no part in any tumour's hill: in a body that is most of all voxels.
    """
    k, j, i = slab.box
    found = []
    # Slice by slice: of a diffuse map the slab is the whole body.
    for number, (plane, core) in enumerate(zip(values, slab.core, strict=True)):
        row = k.start + number
        shown = np.minimum(projections.coronal[row, None, i], projections.sagittal[row, j, None])
        high = (plane >= settings.least_suvmax) & (plane >= shown * np.float32(settings.explained_share - _ROUNDING))
        rows, columns = np.nonzero(core & high)
        found.append(np.stack([np.full(len(rows), number), rows, columns], axis=1))
    places = np.concatenate(found)
    own = values[tuple(places.T)]
    is_peak = np.ones(len(places), dtype=bool)
    for step in product((-1, 0, 1), repeat=3):
        beside = np.clip(places + step, 0, np.array(values.shape) - 1)
        is_peak &= values[tuple(beside.T)] <= own
    return float(own[is_peak].min()) if is_peak.any() else settings.least_suvmax


def _led_up_to(
    hills: Hills, hot: Sequence[tuple[int, Triple]], values: npt.NDArray[np.float32], axial: Image, slab: Slab
) -> list[tuple[int, Triple]]:
    """The hill that the hottest of the places that count lies on, if it is high enough, and its peak no slope that goes on."""
    at = triple(np.array(np.unravel_index(np.argmax(np.where(slab.core, values, -np.inf)), values.shape)))
    own = hills.number_at(at)
    return [
        (number, kji)
        for number, kji in hot
        if number == own and hills.hill(number).holds(at) and _is_peak(axial, _moved(kji, slab.start_kji))
    ]


def _is_peak(axial: Image, kji: Triple) -> bool:
    """Whether no voxel that touches one is higher."""
    around = tuple(slice(max(0, n - 1), n + 2) for n in kji)
    return bool(axial.voxels[kji] >= axial.voxels[around].max())


def _explained(suv: float, kji: Triple, projections: Projections, share: float) -> bool:
    """Whether a peak is what one of the views shows where it lies."""
    k, j, i = kji
    return bool(suv >= share * min(projections.coronal[k, i], projections.sagittal[k, j]))


def _component(
    hill: Hill, values: npt.NDArray[np.float32], slab: Slab, back: BackProjection, settings: PetWeakSettings
) -> Component:
    start, peak = _moved(hill.start_kji, slab.start_kji), _moved(hill.peak_kji, slab.start_kji)
    box = _box(start, hill.voxels.shape)
    k, j, i = peak
    return Component(
        voxels=hill.voxels,
        start_kji=start,
        peak_kji=peak,
        suvmax=hill.peak,
        coronal=float(back.coronal[k, i]),
        sagittal=float(back.sagittal[k, j]),
        in_height=back.agreement(box),
        goes_on=_goes_on(hill, values, slab, settings.uptake_share * hill.peak),
    )


def _goes_on(hill: Hill, values: npt.NDArray[np.float32], slab: Slab, level: float) -> bool:
    """Whether voxels beyond the reach that touch it are as high as it is."""
    low = [max(0, n - 1) for n in hill.start_kji]
    high = [
        min(size, n + length + 1)
        for size, n, length in zip(values.shape, hill.start_kji, hill.voxels.shape, strict=True)
    ]
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    own = np.zeros([b - a for a, b in zip(low, high, strict=True)], dtype=bool)
    own[_box(triple(np.subtract(hill.start_kji, low)), hill.voxels.shape)] = hill.voxels
    touching = ndimage.binary_dilation(own, _AROUND)
    return bool((touching & ~slab.near[box] & (values[box] >= level)).any())


def _box(start_kji: Triple, shape: Sequence[int]) -> Box:
    k, j, i = (slice(n, n + size) for n, size in zip(start_kji, shape, strict=True))
    return k, j, i


def _moved(kji: Triple, by: Triple) -> Triple:
    return triple(np.add(kji, by))
