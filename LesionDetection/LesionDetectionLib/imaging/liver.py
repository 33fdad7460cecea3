"""Where the liver is in a CT: a coarse region to search in, found in a second or two, not an anatomical segmentation.

1. The scan on voxels of 4 mm; body, soft tissue, sides (:mod:`.liver_scene`).
2. The liver's attenuation, from thick tissue of the right that has no like on the left (:mod:`.liver_tissue`).
3. Tissue of that attenuation, divided at its necks; the liver's part and its lobes (:mod:`.liver_parts`).
4. Vessels and lesions in it, also those that its surface cuts (:mod:`.liver_filling`).
5. A judgement: what is too small, too thin, or in the wrong place is no liver.

Nothing is learned, and all limits are choices [choice]. It fails where the liver is mostly replaced by lesions, where the
organs lie mirrored (situs inversus), and where the patient's orientation in the file is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import CT, HU, FloatArray, Geometry, Image, require_usable
from LesionDetectionLib.core.progress import Progress

from .geometry import to_axial
from .liver_filling import filled
from .liver_parts import liver_parts
from .liver_scene import BoolArray, Float32, Scene
from .liver_tissue import Tissue, modes, tissue_of

MARGIN_MM = 10.0
"""How far from the liver's region the middle of a lesion of the liver may seem to lie."""
_MARGIN_SHARE = 0.2
"""Of a box's shorter side."""
_MODES_TRIED = 2
_LEAST_DEPTH_MM, _LEAST_SECTION_CM2, _LEAST_WIDTH_MM = 18.0, 25.0, 200.0
_MOST_RIGHT, _MOST_BACK = 0.66, 0.56
_CENTRAL, _CENTRAL_DEPTH_MM = 0.12, 24.0
"""A region whose middle is nearer to the body's middle than this must be as thick as this: hearts are thinner."""


@dataclass(frozen=True, eq=False)
class Liver:
    """The liver's region in a CT. Slices are those of the image in axial order: see :func:`~.geometry.to_axial`.

    Attributes:
        mask: [k, j, i] bool of a coarse grid of about 4 mm, in axial order.
        geometry: of the coarse grid.
        axial: grid of the image in axial order.
        mode_hu: the liver's attenuation.
    """

    mask: BoolArray
    geometry: Geometry
    axial: Geometry
    mode_hu: float

    @property
    def volume_ml(self) -> float:
        """With vessels and lesions, of what the scan shows of it."""
        return float(np.count_nonzero(self.mask)) * self.geometry.voxel_volume_mm3 / 1000

    @property
    def box_ras_mm(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest corner in RAS mm, [3] each, of the voxels' edges."""
        kji = np.argwhere(self.mask)
        low, high = kji.min(axis=0)[::-1] - 0.5, kji.max(axis=0)[::-1] + 0.5
        ends = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
        corners = self.geometry.ras_from_ijk(ends)
        return corners.min(axis=0), corners.max(axis=0)

    @cached_property
    def areas_mm2(self) -> FloatArray:
        """[nk] area of the liver's section in each axial slice."""
        pixel = self.geometry.voxel_volume_mm3 / self.geometry.spacing_mm[2]
        return np.array([np.count_nonzero(self._plane_mm(k) < 0) * pixel for k in range(self.axial.shape_kji[0])])

    @property
    def slices(self) -> tuple[int, int]:
        """First and last axial slice that shows liver."""
        shown = np.flatnonzero(self.areas_mm2 > 0)
        return int(shown[0]), int(shown[-1])

    @property
    def cut_ends(self) -> tuple[str, ...]:
        """Of ``lower`` and ``upper``, the ends of the scan that the liver reaches: it may go on beyond."""
        first, last = self.slices
        ends = ("lower", first == 0), ("upper", last == self.axial.shape_kji[0] - 1)
        return tuple(end for end, reached in ends if reached)

    @property
    def largest_slice(self) -> int:
        """The axial slice with the largest section; of several alike the middle one."""
        largest = np.flatnonzero(self.areas_mm2 >= self.areas_mm2.max())
        return int(largest[len(largest) // 2])

    def shows(self, k: int) -> bool:
        """Whether axial slice ``k`` shows liver."""
        return bool(self.areas_mm2[k] > 0)

    def section(self, k: int, margin_mm: float = 0.0) -> BoolArray:
        """[nj, ni] bool: the region in axial slice ``k``, grown by ``margin_mm``."""
        nj, ni = self.axial.shape_kji[1:]
        # The region's grid is parallel to the image's: in a slice, places go over by one scale and shift for each axis.
        move = self.axial.ras_to_ijk @ self.geometry.ijk_to_ras
        to_slice = np.array([[move[0, 0], 0, move[0, 3]], [0, move[1, 1], move[1, 3]]])
        plane = cv2.warpAffine(
            self._plane_mm(k), to_slice, (ni, nj), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(plane < max(margin_mm, 1e-3))

    def holds(self, ras_mm: npt.ArrayLike, margin_mm: npt.ArrayLike = MARGIN_MM) -> BoolArray:
        """[n] whether places, [n, 3] RAS mm, lie in the region or within ``margin_mm`` (one, or [n]) of it."""
        places = self.geometry.ijk_from_ras(np.asarray(ras_mm, dtype=np.float64).reshape(-1, 3))
        inside = np.clip(places, 0, np.array(self.mask.shape[::-1]) - 1.0)
        beyond = np.linalg.norm((places - inside) * self.geometry.spacing_mm, axis=1)
        away = ndimage.map_coordinates(self._distance_mm, inside[:, ::-1].T, order=1, mode="nearest")
        return np.asarray(np.maximum(away, 0) + beyond <= np.asarray(margin_mm, dtype=np.float64))

    def holds_boxes(self, boxes: npt.ArrayLike, k: int, margin_mm: float = MARGIN_MM) -> BoolArray:
        """[n] whether the middles of boxes in axial slice ``k`` lie in the region or near it.

        A large lesion at the rim may be missing from the region: near means ``margin_mm``, or a fifth of a box's shorter
        side where that is more.

        Args:
            boxes: [n, 4] edges (x0, y0, x1, y1) in pixels, of which pixel n covers n to n + 1.
        """
        edges = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        # The middle of pixel n, n + 0.5 in edges, is voxel index n.
        middles = (edges[:, :2] + edges[:, 2:]) / 2 - 0.5
        ijk = np.column_stack([middles, np.full(len(edges), float(k))])
        sides_mm = (edges[:, 2:] - edges[:, :2]) * self.axial.spacing_mm[:2]
        margins = np.maximum(margin_mm, _MARGIN_SHARE * sides_mm.min(axis=1))
        return self.holds(self.axial.ras_from_ijk(ijk), margins)

    @cached_property
    def _distance_mm(self) -> Float32:
        """[k, j, i] of the coarse grid: distance to the region's surface, negative inside."""
        mm = self.geometry.spacing_mm[::-1]
        half = self.geometry.spacing_mm[0] / 2  # the surface lies between two voxels
        outside = ndimage.distance_transform_edt(~self.mask, sampling=mm)
        within = ndimage.distance_transform_edt(self.mask, sampling=mm)
        return np.asarray(np.where(self.mask, -(within - half), outside - half), dtype=np.float32)

    def _plane_mm(self, k: int) -> Float32:
        """The distance at axial slice ``k``, on the coarse grid's columns and rows."""
        move = self.geometry.ras_to_ijk @ self.axial.ijk_to_ras
        place = float(np.clip(move[2, 2] * k + move[2, 3], 0, len(self.mask) - 1))
        low = int(place)
        high, part = min(low + 1, len(self.mask) - 1), np.float32(place - low)
        return np.asarray((1 - part) * self._distance_mm[low] + part * self._distance_mm[high], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class LiverSearch:
    """What came of looking for the liver.

    Attributes:
        liver: None where there is none in the scan.
        words: a sentence for a report: what was found, or why nothing was.
    """

    liver: Liver | None
    words: str


def find_liver(image: Image, progress: Progress | None = None) -> Liver | None:
    """The liver of a CT in Hounsfield units, or of the part of it that the scan shows; None where it shows none.

    Any orientation of the image; :func:`search_liver` says why there is none.

    Raises:
        ModalityError, InputError: no CT in Hounsfield units, or values that are no numbers.
        Cancelled: see ``progress``.
    """
    return search_liver(image, progress).liver


def search_liver(image: Image, progress: Progress | None = None) -> LiverSearch:
    """The liver, as :func:`find_liver` has it, and what to say of it."""
    progress = progress or Progress()
    progress(0.0, "Looking for the liver")
    require_usable(image, modality=CT, unit=HU, for_what="finding the liver")
    axial = to_axial(image)
    scene = Scene.of(axial)
    if scene is None:
        return LiverSearch(None, "No liver was found: there is no body in the scan.")
    progress(0.4, "Looking for the liver")
    candidates, alone = modes(scene)
    words = "No liver was found: no thick soft tissue of the right side lacks its like on the left."
    for n, mode_hu in enumerate(candidates[:_MODES_TRIED]):
        progress(0.55 + 0.4 * n / _MODES_TRIED, "Looking for the liver")
        mask, why = _try(scene, tissue_of(scene, mode_hu, alone))
        if mask is not None:
            liver = Liver(mask, scene.geometry, axial.geometry, mode_hu)
            progress(1.0)
            return LiverSearch(liver, _words(liver))
        words = words if n else why
    progress(1.0)
    return LiverSearch(None, words)


def _try(scene: Scene, tissue: Tissue) -> tuple[BoolArray | None, str]:
    """The liver's region on the scene's grid, or why there is none."""
    found = liver_parts(scene, tissue)
    if found is None:
        return None, "No liver was found: no soft tissue of one attenuation is as thick as a liver."
    mask = np.zeros(scene.body.shape, dtype=bool)
    mask[found.box] = filled(scene, found, tissue.mode_hu)
    why = _doubts(scene, mask, found.depth_mm)
    return (None, f"No liver was found: the likeliest tissue is {why}.") if why else (mask, "")


def _doubts(scene: Scene, mask: BoolArray, depth_mm: float) -> str:
    """Why a region is no liver; empty where it may be."""
    if not mask.any():
        return "too thin"
    areas = mask.sum(axis=(1, 2))
    right, back = (
        float(np.broadcast_to(place, mask.shape)[mask].mean(dtype=np.float64)) for place in (scene.right, scene.back)
    )
    if depth_mm < _LEAST_DEPTH_MM or (right < _CENTRAL and depth_mm < _CENTRAL_DEPTH_MM):
        return f"too thin ({2 * depth_mm:.0f} mm)"
    section_cm2 = float(areas.max() * scene.mm[1] * scene.mm[2] / 100)
    if section_cm2 < _LEAST_SECTION_CM2:
        return f"too small (a section of {section_cm2:.0f} cm2)"
    if float(np.median(scene.width_mm[areas > 0])) < _LEAST_WIDTH_MM:
        return "in a field of view too narrow for a belly"
    if right < 0 or right > _MOST_RIGHT or back > _MOST_BACK:
        return "not where a liver lies"
    return ""


def _words(liver: Liver) -> str:
    cut = liver.cut_ends
    words = f"Liver found: {liver.volume_ml:.0f} ml of about {liver.mode_hu:.0f} HU"
    return f"{words}; it reaches the scan's {' and '.join(cut)} end." if cut else f"{words}."
