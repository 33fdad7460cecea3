"""The uptake that a person points at, in a PET or on one of its projections: outlined and measured at once, without a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import PET, SUV_BW, UNKNOWN, Image
from LesionDetectionLib.core.lesion import Lesion, Point

from .ball_growth import grown_by_ball
from .geometry import to_axial
from .hills import Hill, Hills, Triple, connected_part, triple
from .pet_lesion import pet_lesion
from .suv import HIGHEST_BULK_SUV, NOT_CONVERTED

METHOD = "focus"
"""``Lesion.method`` of a lesion that a person pointed at."""
CORONAL, SAGITTAL, AXIAL = VIEWS = ("coronal", "sagittal", "axial")
_ALONG = {CORONAL: 1, SAGITTAL: 2, AXIAL: 0}
"""The array axis (k, j, i) that each view looks along."""
_FIRST_SHARE = 0.4
"""Most tumours end within this share of the reach, which is looked at first."""
_AROUND_MM = 6.0
"""From so far outside of a focus to twice as far lies what it must stand out from; a voxel at least."""
_COARSE_MM, _MOST_OUT = 8.0, 0.3
"""On voxels so far apart it is looked whether uptake flows out to the reach on so much of all sides."""
_NOTHING = "Nothing stands out at this point; point at uptake that is higher than what surrounds it."
_BESIDE = "The point lies beside it, where the uptake is low."
_RAISED = "Outlined at {share:.0f} % of its SUVmax, as at less it flows into what surrounds it: check the outline."
_CUT = "It goes on beyond {reach:.0f} mm from the point, where the outline was cut off: check it."


@dataclass(frozen=True)
class FocusSettings:
    """Attributes:
    share: the uptake ends at this share of its local maximum [choice].
    snap_mm: it is the one that the hottest voxel so near to the point belongs to: fingers are no finer.
    beside_mm: where that voxel lies at the foot of something higher, this counts if the box around it begins no further from the
        point: large tumours are often dead in the middle.
    reach_mm: it is cut off so far from the point.
    split_share: two maxima are two foci where the uptake between them falls below this share of the lower one; noise, and
        dead parts of large tumours, make dips that are no deeper.
    most_around: nothing stands out where what surrounds it has more than this share of its maximum: the median of what lies 6 to
        12 mm outside of all that has this share itself.
    above_around: where it flows out on all sides to the end of the reach, it ends so many times above what surrounds it instead.
    """

    share: float = 0.4
    snap_mm: float = 5.0
    beside_mm: float = 8.0
    reach_mm: float = 80.0
    split_share: float = 0.6
    most_around: float = 0.6
    above_around: float = 1.25

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if not all(0 < getattr(self, name) <= 1 for name in ("share", "split_share", "most_around")):
            raise UsageError("Shares of a focus lie above 0, up to 1.")
        if not 0 <= self.snap_mm <= self.reach_mm <= 1000 or self.reach_mm == 0:
            raise UsageError("A focus reaches up to 1000 mm, and further than the point may lie beside it.")
        if not (self.beside_mm >= 0 and self.above_around >= 1):
            raise UsageError("A focus lies 0 mm or more beside the point, and ends above what surrounds it.")


def point_through(pet: Image, point_ras_mm: npt.ArrayLike, view: str) -> Point:
    """The hottest voxel before and behind a point, as a projection of the PET shows it.

    Rays run along the PET's own axes, as those of its projections do; of equally hot voxels the first one counts.

    Args:
        view: ``coronal``, ``sagittal`` or ``axial``.

    Returns:
        The voxel's centre, RAS mm.

    Raises:
        UsageError: there is no such view, or the point does not lie on it.
        InputError: there are no numbers along the ray.
    """
    if view not in _ALONG:
        raise UsageError(f"There is no projection “{view}”. Choose one of: {', '.join(VIEWS)}.")
    axial, along = to_axial(pet), _ALONG[view]
    kji = list(_nearest(axial, point_ras_mm, but=along))
    ray = np.moveaxis(axial.voxels, along, -1)[tuple(n for axis, n in enumerate(kji) if axis != along)]
    numbers = np.isfinite(ray)
    if not numbers.any():
        raise InputError(f"“{pet.name}” holds no numbers along this line. Point somewhere else.")
    kji[along] = int(np.argmax(np.where(numbers, ray, -np.inf)))
    return _point(axial, triple(np.array(kji)))


def focus_at(pet: Image, point_ras_mm: npt.ArrayLike, settings: FocusSettings | None = None) -> Lesion:
    """The uptake that a point lies on: all that hangs together around its local maximum, down to a share of that.

    Args:
        pet: in SUV by body weight; any orientation. One whose unit is not known is taken for such.
        point_ras_mm: RAS mm.

    Returns:
        A lesion of score 1, measured as any in a PET.

    Raises:
        ModalityError: it is no PET, or not in SUV.
        UsageError: the point does not lie in the PET.
        InputError: nothing stands out there; or voxels near it are no numbers.
    """
    settings = settings or FocusSettings()
    reasons = [note for note in pet.notes if note.startswith(NOT_CONVERTED)]
    if pet.modality not in (PET, UNKNOWN) or pet.unit not in (SUV_BW, "") or reasons:
        what = f"“{pet.name}” is no PET in SUV by body weight, in which a focus of uptake can be outlined."
        raise ModalityError(" ".join((what, *reasons)))
    axial = to_axial(pet)
    part, hill, share = _focus(axial, _nearest(axial, point_ras_mm), settings)
    highest = float(part.image.voxels.max())
    if pet.unit != SUV_BW and highest > HIGHEST_BULK_SUV:
        raise ModalityError(
            f"The values of “{pet.name}” reach {highest:g} here, which cannot be SUV. Convert the PET to SUV first."
        )
    pet = replace(pet, modality=PET, unit=SUV_BW)
    notes = (
        _BESIDE if part.beside else "",
        _RAISED.format(share=100 * share) if share > settings.share else "",
        _CUT.format(reach=settings.reach_mm) if part.reaches_out(hill) else "",
    )
    found = (pet, part.image, part.start_kji, hill.voxels, hill.start_kji)
    return pet_lesion(*found, score=1.0, method=METHOD, notes=notes)


def _focus(axial: Image, at: Triple, settings: FocusSettings) -> tuple[_Part, Hill, float]:
    """The focus around a voxel, what it lies in, and the share of its maximum that it ends at. Raises InputError."""
    for reach_mm in (_FIRST_SHARE * settings.reach_mm, settings.reach_mm):
        part = _Part(axial, at, max(reach_mm, settings.snap_mm), settings)
        hill, share = part.hill(settings.share), settings.share
        around, goes_on = part.share_around(hill), part.reaches_out(hill)
        flows_out = goes_on and _flows_out(axial, part.in_pet(hill.peak_kji), share * hill.peak, settings.reach_mm)
        if around > settings.most_around and (flows_out or not goes_on):
            raise InputError(_NOTHING)
        if flows_out and settings.above_around * around > share:
            share = settings.above_around * around
            hill = part.hill(share)
            goes_on = part.reaches_out(hill)
        if not goes_on:
            return part, hill, share
    if around > settings.most_around or share > settings.share:
        raise InputError(_NOTHING)
    return part, hill, share


class _Part:
    """What lies around a point: all that can belong to its focus.

    Attributes:
        image: it, as float32.
        start_kji: where in the whole PET it begins.
        beside: whether the point lies beside the hill that was asked for last, not in it.
    """

    def __init__(self, axial: Image, at: Triple, reach_mm: float, settings: FocusSettings) -> None:
        self._settings, self._reach_mm, self.beside = settings, reach_mm, False
        mm = np.array(axial.spacing_mm[::-1])
        margin = np.ceil((reach_mm + 2 * _AROUND_MM) / mm).astype(int)
        low = np.maximum(np.array(at) - margin, 0)
        high = np.minimum(np.array(at) + margin + 1, axial.shape_kji)
        self.start_kji = triple(low)
        part = axial.crop(triple(low[::-1]), triple((high - low)[::-1]))
        values = np.ascontiguousarray(part.voxels, dtype=np.float32)
        if not np.isfinite(values).all():
            raise InputError(
                f"“{axial.name}” holds voxels near this point that are no numbers. Replace them and try again."
            )
        self.image = part.with_voxels(values)
        k, j, i = (((np.arange(n) + a - b) * s) ** 2 for n, a, b, s in zip(values.shape, low, at, mm, strict=True))
        self._mm2 = (k[:, None, None] + j[:, None] + i).astype(np.float32)

    def hill(self, share: float) -> Hill:
        """The focus that the hottest voxel next to the point belongs to, down to a share of its maximum.

        Raises:
            InputError: there is none, or that voxel lies at the foot of something far away.
        """
        values, settings = self.image.voxels, self._settings
        # At least the point's own voxel and its neighbours, however large these are.
        near = np.flatnonzero(self._mm2.ravel() <= max(settings.snap_mm, *self.image.spacing_mm) ** 2)
        start = triple(np.array(np.unravel_index(near[np.argmax(values.ravel()[near])], values.shape)))
        if not values[start] > 0:
            raise InputError(_NOTHING)
        above = (values >= share * values[start]) & (self._mm2 <= self._reach_mm**2)
        above[start] = True
        own, offset = connected_part(above, start)
        mask = np.zeros_like(above)
        mask[tuple(slice(n, n + size) for n, size in zip(offset, own.shape, strict=True))] = own
        hills = Hills(values, mask, share, settings.split_share)
        number = hills.number_at(start)
        assert number is not None
        hill = hills.hill(number)
        if self._mm2[_box(hill)].min() > max(settings.beside_mm, *self.image.spacing_mm) ** 2:
            raise InputError(_NOTHING)
        self.beside = not hill.holds(start)
        return hill

    def reaches_out(self, hill: Hill) -> bool:
        """Whether it goes on beyond what was looked at."""
        inner = max(0.0, self._reach_mm - max(self.image.spacing_mm))
        return bool((self._mm2[_box(hill)][hill.voxels] > inner**2).any())

    def in_pet(self, kji: Triple) -> Triple:
        """A voxel of the part in the whole PET."""
        return triple(np.add(kji, self.start_kji))

    def share_around(self, hill: Hill) -> float:
        """What lies around the upper part of it, the median, as a share of its maximum; 1 where nothing does."""
        spacing, near_mm = self.image.spacing_mm, max(_AROUND_MM, *self.image.spacing_mm)
        upper = np.zeros(self.image.shape_kji, dtype=bool)
        upper[_box(hill)] = hill.voxels
        upper &= self.image.voxels >= self._settings.most_around * hill.peak
        near = grown_by_ball(upper, spacing, near_mm)
        around = grown_by_ball(upper, spacing, 2 * near_mm) & ~near
        return float(np.median(self.image.voxels[around])) / hill.peak if around.any() else 1.0


def _flows_out(axial: Image, peak_kji: Triple, level: float, reach_mm: float) -> bool:
    """Whether what hangs together with a peak above a level goes on to the end of the reach on a good part of all sides.

    Looked at on every few voxels: what flows out is not thin.
    """
    low, picked = [], []
    for at, size, mm in zip(peak_kji, axial.shape_kji, axial.spacing_mm[::-1], strict=True):
        step = max(1, round(_COARSE_MM / mm))
        before, after = min(at, int(reach_mm / mm)) // step, min(size - 1 - at, int(reach_mm / mm)) // step
        low.append(before)
        picked.append(np.arange(-before, after + 1) * step)
    values = axial.voxels[np.ix_(*(np.add(at, own) for at, own in zip(peak_kji, picked, strict=True)))]
    k, j, i = ((own * mm) ** 2 for own, mm in zip(picked, axial.spacing_mm[::-1], strict=True))
    mm2 = k[:, None, None] + j[:, None] + i
    within = mm2 <= reach_mm**2
    above = within & (values >= level)
    above[tuple(low)] = True
    own, offset = connected_part(above, triple(np.array(low)))
    found = np.zeros_like(above)
    found[tuple(slice(n, n + size) for n, size in zip(offset, own.shape, strict=True))] = own
    shell = within & (mm2 > max(0.0, reach_mm - 2 * _COARSE_MM) ** 2)
    return bool(shell.any() and found[shell].mean() > _MOST_OUT)


def _box(hill: Hill) -> tuple[slice, slice, slice]:
    k, j, i = (slice(n, n + size) for n, size in zip(hill.start_kji, hill.voxels.shape, strict=True))
    return k, j, i


def _nearest(axial: Image, point_ras_mm: npt.ArrayLike, but: int | None = None) -> Triple:
    """The voxel (k, j, i) that a point lies in; along the axis ``but`` it may lie anywhere. Raises UsageError."""
    point = np.asarray(point_ras_mm, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise UsageError("A point is three numbers: right, anterior and superior in mm.")
    kji = np.floor(axial.geometry.ijk_from_ras(point)[::-1] + 0.5).astype(int)
    for axis, (n, size) in enumerate(zip(kji, axial.shape_kji, strict=True)):
        if axis != but and not 0 <= n < size:
            raise UsageError(f"The point does not lie in “{axial.name}”. Point at a place that it shows.")
    return triple(kji)


def _point(axial: Image, kji: Triple) -> Point:
    r, a, s = axial.geometry.ras_from_ijk(kji[::-1])
    return float(r), float(a), float(s)
