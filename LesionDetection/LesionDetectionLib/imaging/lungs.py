"""Where the lungs are in a chest CT: a coarse mask to search in, made in about a second, not an anatomical segmentation.

Dark regions are sorted by what they hold: lung tissue with its small vessels averages -920 to -700 HU, gas in airways,
stomach and bowel, and the air around the body, lie near -1000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry, Image

from .geometry import to_axial

BoolArray = npt.NDArray[np.bool_]
_AIR_HU = -1000.0
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)


@dataclass(frozen=True)
class LungSettings:
    """How lungs are told from everything else that is dark.

    Attributes:
        grid_mm: voxels are skipped until the grid is just finer than this.
        blur_mm: side of the square averaged over in each slice; none where voxels are larger than half of it.
        tissue_hu: darker voxels are lung or gas; half-way between lung (-850) and soft tissue (40).
        padding_hu: darker than anything can be: what scanners write outside of a round field of view (-2000, -3024).
        gas_hu: a region more than half of whose inner voxels are darker holds no lung tissue: airway, bowel gas, outside
            air. Even in severe emphysema less than half of the lung is darker than -950.
        whole_mm: where a slice is this wide (or high) the whole chest is in it, and what touches its left or right (front or
            back) edge, or padding, is outside air, whatever its values: around the pelvis and shoulders artefacts lift air to
            -870.
        airway_area_mm2: in a slice, gas regions smaller than this are taken for an airway (a trachea has 200 to 600 mm2)
            or bowel and dropped; larger ones may be emphysema and stay to be judged in 3D.
        least_volume_ml: a smaller region is no lung.
        least_share: a region smaller than this share of the largest is no lung.
    """

    grid_mm: float = 2.5
    blur_mm: float = 5.0
    tissue_hu: float = -400.0
    padding_hu: float = -1500.0
    gas_hu: float = -950.0
    whole_mm: float = 400.0
    airway_area_mm2: float = 1500.0
    least_volume_ml: float = 10.0
    least_share: float = 0.03


@dataclass(frozen=True, eq=False)
class LungMask:
    """Voxels of a coarse grid, in axial order, that belong to the lungs.

    Attributes:
        voxels: [k, j, i] bool.
        geometry: of the coarse grid.
    """

    voxels: BoolArray
    geometry: Geometry

    @property
    def volume_ml(self) -> float:
        return float(np.count_nonzero(self.voxels)) * self.geometry.voxel_volume_mm3 / 1000

    def on_grid(self, geometry: Geometry) -> BoolArray:
        """The mask on another grid, [k, j, i], by the nearest voxel; False outside the coarse grid.

        ``geometry``'s axes must be parallel to the mask's, as those of a crop or resampling of the same image are.
        """
        to_coarse = self.geometry.ras_to_ijk @ geometry.ijk_to_ras
        taken = np.zeros(geometry.shape_kji, dtype=bool)
        indices, inside = [], []
        for array_axis in range(3):
            axis = 2 - array_axis
            positions = to_coarse[axis, axis] * np.arange(geometry.shape_kji[array_axis]) + to_coarse[axis, 3]
            nearest = np.floor(positions + 0.5).astype(int)
            within = np.flatnonzero((nearest >= 0) & (nearest < self.voxels.shape[array_axis]))
            inside.append(within)
            indices.append(nearest[within])
        if all(within.size for within in inside):
            box = tuple(slice(int(within[0]), int(within[-1]) + 1) for within in inside)
            taken[box] = self.voxels[np.ix_(*indices)]
        return taken


def find_lungs(image: Image, settings: LungSettings | None = None) -> LungMask:
    """The lungs of a CT in Hounsfield units, vessels and nodules inside them left out as holes.

    Works on whole chests, on crops of one, and on scans in which only the lung bases are seen.

    Raises:
        InputError: no lungs were found.
    """
    settings = settings or LungSettings()
    coarse = _decimated(to_axial(image), settings.grid_mm)
    # A single thin-slice voxel of a low-dose scan has 50 to 100 HU of noise; the limit between lung and gas needs less.
    width_i, width_j = (2 * int(settings.blur_mm / (2 * spacing)) + 1 for spacing in coarse.spacing_mm[:2])
    padding = coarse.voxels < settings.padding_hu
    seen = np.where(padding, np.float32(_AIR_HU), coarse.voxels).astype(np.float32)
    hu = np.stack([cv2.blur(plane, (width_i, width_j)) for plane in seen])
    # Nothing is known of the padding: a lung that the field of view cuts ends there.
    dark = (hu < settings.tissue_hu) & ~padding
    # The blurred rim of every gas bubble has the values of lung: only what lies a voxel inside is judged.
    inner = np.stack([cv2.erode(plane, _CROSS) for plane in dark.astype(np.uint8)]).astype(bool)
    gas = inner & (hu < settings.gas_hu)
    pixel_mm2 = coarse.spacing_mm[0] * coarse.spacing_mm[1]
    rows, columns = dark.shape[1:]
    is_wide, is_high = (n * mm >= settings.whole_mm for n, mm in zip((columns, rows), coarse.spacing_mm, strict=False))
    airway_pixels = settings.airway_area_mm2 / pixel_mm2
    for k in range(len(dark)):
        _drop_outside_and_airways(dark[k], inner[k], gas[k], padding[k], airway_pixels, is_wide, is_high)
    mask = _lung_regions(dark, inner, gas, coarse.geometry.voxel_volume_mm3 / 1000, settings)
    if not mask.any():
        raise InputError(
            f"No lungs were found in “{image.name}”. Is it a CT of the chest in Hounsfield units? "
            "To search the whole volume all the same, switch off “lungs only”."
        )
    return LungMask(mask, coarse.geometry)


def search_region(lungs: LungMask, closing_mm: float, margin_mm: float) -> LungMask:
    """The lungs with what a ball of ``closing_mm`` cannot get into (pleural nodules, vessels, hila), grown by ``margin_mm``.

    The result's grid is the lungs' own, cropped or padded to the region's box.
    """
    spacing = np.array(lungs.geometry.spacing_mm)
    pad_ijk = np.ceil((closing_mm + margin_mm) / spacing).astype(int) + 1
    start_ijk, size_ijk = _box(lungs.voxels)
    inside = lungs.voxels[_slices(start_ijk, size_ijk)]
    region = np.pad(inside, [(int(n), int(n)) for n in pad_ijk[::-1]])
    sampling = tuple(spacing[::-1])
    near = ndimage.distance_transform_edt(~region, sampling=sampling) <= closing_mm + margin_mm
    # Growing by closing + margin and shrinking by closing leaves the closed lungs plus the margin.
    region = ndimage.distance_transform_edt(near, sampling=sampling) > closing_mm
    first = np.array(start_ijk) - pad_ijk
    matrix = np.array(lungs.geometry.ijk_to_ras)
    matrix[:3, 3] = lungs.geometry.ras_from_ijk(first)
    grown = LungMask(region, Geometry((region.shape[0], region.shape[1], region.shape[2]), matrix))
    # Nothing is searched outside the scan.
    low = np.maximum(first, 0)
    high = np.minimum(first + region.shape[::-1], lungs.voxels.shape[::-1])
    return _cropped(grown, tuple(low - first), tuple(high - low))


def _decimated(image: Image, grid_mm: float) -> Image:
    """Every n-th voxel along each axis: 50 ms where averaging 72 million voxels takes seconds."""
    steps = [max(1, int(grid_mm / spacing)) for spacing in image.spacing_mm]
    first = [(min(step, n) - 1) // 2 for step, n in zip(steps, image.shape_kji[::-1], strict=True)]
    voxels = image.voxels[first[2] :: steps[2], first[1] :: steps[1], first[0] :: steps[0]]
    matrix = np.array(image.ijk_to_ras)
    matrix[:3, :3] *= steps
    matrix[:3, 3] = image.geometry.ras_from_ijk(first)
    return Image(voxels, matrix, image.modality, image.unit, image.name)


def _drop_outside_and_airways(
    dark: BoolArray,
    inner: BoolArray,
    gas: BoolArray,
    padding: BoolArray,
    airway_pixels: float,
    is_wide: bool,
    is_high: bool,
) -> None:
    """Clear, in one slice of ``dark``, the air around the body and small regions of pure gas."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    if count < 2:
        return
    touches, outside = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    beside_padding = labels[cv2.dilate(padding.view(np.uint8), _CROSS).view(bool)] if padding.any() else labels[:0]
    for edges, whole in (
        ((labels[0], labels[-1]), is_high),
        ((labels[:, 0], labels[:, -1]), is_wide),
        ((beside_padding,), is_high or is_wide),
    ):
        for edge in edges:
            touches[edge] = True
            outside[edge] |= whole
    # A lung that a tight field of view cuts also touches the edge, but is not mostly gas.
    drop = _mostly_gas(labels, count, inner, gas) & (touches | (stats[:, cv2.CC_STAT_AREA] < airway_pixels)) | outside
    drop[0] = False
    dark[drop[labels]] = False


def _lung_regions(
    dark: BoolArray, inner: BoolArray, gas: BoolArray, voxel_ml: float, settings: LungSettings
) -> BoolArray:
    labels: npt.NDArray[Any]
    labels, count = ndimage.label(dark)
    volume = np.bincount(labels.ravel(), minlength=count + 1).astype(float)
    volume[0] = 0
    lung = (volume * voxel_ml >= settings.least_volume_ml) & ~_mostly_gas(labels, count + 1, inner & dark, gas & dark)
    lung &= volume >= settings.least_share * np.max(volume * lung)
    return np.asarray(lung[labels], dtype=bool)


def _mostly_gas(labels: npt.NDArray[Any], count: int, inner: BoolArray, gas: BoolArray) -> BoolArray:
    """For each label whether at least half of its inner voxels are gas; true where it has none."""
    return 2 * np.bincount(labels[gas], minlength=count) >= np.bincount(labels[inner], minlength=count)


def _box(mask: BoolArray) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    spans = []
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        spans.append((int(filled[0]), int(filled[-1]) - int(filled[0]) + 1))
    (k, nk), (j, nj), (i, ni) = spans
    return (i, j, k), (ni, nj, nk)


def _slices(start_ijk: tuple[int, int, int], size_ijk: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    (i, j, k), (ni, nj, nk) = start_ijk, size_ijk
    return slice(k, k + nk), slice(j, j + nj), slice(i, i + ni)


def _cropped(mask: LungMask, start_ijk: tuple[Any, ...], size_ijk: tuple[Any, ...]) -> LungMask:
    start = (int(start_ijk[0]), int(start_ijk[1]), int(start_ijk[2]))
    size = (int(size_ijk[0]), int(size_ijk[1]), int(size_ijk[2]))
    return LungMask(mask.voxels[_slices(start, size)], mask.geometry.crop(start, size))
