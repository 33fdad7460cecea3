"""From the findings of slices to lesions: one place, size and mask from the boxes and outlines that belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import LESION, Lesion, Point
from LesionDetectionLib.imaging.box_linking import Chain, Linking, link_boxes
from LesionDetectionLib.imaging.mask_grids import mask_from_axial
from LesionDetectionLib.imaging.measurements import extent_note, measure_mask
from LesionDetectionLib.imaging.rectangles import area

from .findings import Outline, SliceFindings
from .settings import SliceSettings

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Voxels = tuple[BoolArray, tuple[int, int, int]]
"""[k, j, i] in a box of the image in axial order, and where (i, j, k) that begins."""

ONE_SLICE = "Volume from one slice."


@dataclass(frozen=True, eq=False)
class Found:
    """A lesion on the grid of the image in axial order.

    Attributes:
        score, probability: of its best slice.
        box: [4] edges in pixels, of the slice that shows it best and largest.
        first, last: slices that it reaches.
        half_way: so many slices on each side a slice stands for that was looked at.
        outlines: of slices, in order: (slice, pixels); empty where there are none.
    """

    score: float
    probability: float
    box: FloatArray
    first: int
    last: int
    half_way: int
    outlines: tuple[tuple[int, Outline], ...]

    def center_ijk(self) -> FloatArray:
        x0, y0, x1, y1 = self.box
        return np.array([(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2, (self.first + self.last) / 2])

    def box_ras_mm(self, axial: Geometry) -> tuple[Point, Point]:
        """Lowest and highest corner, from edge to edge of pixels and slices."""
        (x0, y0, x1, y1), half = self.box, 0.5
        corners = axial.ras_from_ijk(
            list(product((x0 - half, x1 - half), (y0 - half, y1 - half), (self.first - half, self.last + half)))
        )
        return _point(corners.min(axis=0)), _point(corners.max(axis=0))

    def inner_box(self, margin_px: float) -> FloatArray:
        """[4] the box without the margin that it has around the lesion; not smaller than a pixel."""
        middle, half = (self.box[:2] + self.box[2:]) / 2, (self.box[2:] - self.box[:2]) / 2
        half = np.maximum(half - margin_px, 0.5)
        return np.concatenate([middle - half, middle + half])

    def diameter_mm(self, axial: Geometry, margin_px: float) -> float:
        """The longer side of :meth:`inner_box`."""
        x, y, _ = axial.spacing_mm
        x0, y0, x1, y1 = self.inner_box(margin_px)
        return float(max((x1 - x0) * x, (y1 - y0) * y))


def linked(slices: Sequence[SliceFindings], settings: SliceSettings, stride: int, last_slice: int) -> list[Found]:
    """Boxes linked over slices, the best lesions first.

    In-plane the box is the largest of its surest ones (``box_share``); up and down the lesion reaches as far as its boxes do, and
    half-way to the next slice that was looked at.

    Args:
        slices: that were looked at, in rising order, ``stride`` apart.
        last_slice: of the image.
    """
    how = Linking(settings.link_iou, settings.link_gap, settings.link_share)
    half_way = (stride - 1) // 2
    found = []
    for chain in link_boxes([one.boxes for one in slices], [one.scores for one in slices], how):
        reached = [slices[n].k for n, _ in chain.members]
        first, last = max(0, reached[0] - half_way), min(last_slice, reached[-1] + half_way)
        found.append(_of_chain(slices, chain, first, last, half_way, settings.box_share))
    return found


def unlinked(one: SliceFindings) -> list[Found]:
    """Each box of a slice as a lesion of this slice, the best first."""
    chains = (Chain(((0, int(n)),), (), (0, int(n))) for n in np.argsort(-one.scores, kind="stable"))
    return [_of_chain([one], chain, one.k, one.k, 0, 1.0) for chain in chains]


def _of_chain(
    slices: Sequence[SliceFindings], chain: Chain, first: int, last: int, half_way: int, box_share: float
) -> Found:
    best, index = slices[chain.best[0]], chain.best[1]
    score, probability = float(best.scores[index]), float(best.probability[index])
    sure = [slices[n].boxes[m] for n, m in chain.members if slices[n].scores[m] >= box_share * score]
    outlines = ((slices[n].k, slices[n].outlines[m]) for n, m in chain.members)
    there = tuple((k, outline) for k, outline in outlines if outline is not None)
    return Found(score, probability, sure[int(area(sure).argmax())], first, last, half_way, there)


def voxels_of(found: Found) -> Voxels:
    """The voxels of a lesion with outlines.

    In slices between two outlines the shape is interpolated: the signed distances from both borders, weighted by nearness
    (shape-based interpolation, Raya & Udupa 1990). Beyond the first and the last outline these are repeated half-way to the next
    slice that was looked at.
    """
    slices = [k for k, _ in found.outlines]
    starts = np.array([start[::-1] for _, (_, start) in found.outlines])
    low = starts.min(axis=0)
    high = (starts + [pixels.shape for _, (pixels, _) in found.outlines]).max(axis=0)
    planes = [_placed(outline, low, high) for _, outline in found.outlines]
    depths = [_depth(plane) for plane in planes] if slices[-1] - slices[0] >= len(slices) else []
    first, last = max(found.first, slices[0] - found.half_way), min(found.last, slices[-1] + found.half_way)
    out = np.zeros((last - first + 1, *(high - low)), dtype=bool)
    for k in range(first, last + 1):
        behind = int(np.searchsorted(slices, min(max(k, slices[0]), slices[-1])))
        if k in slices or not slices[0] < k < slices[-1]:
            out[k - first] = planes[behind]
        else:
            # Whole numbers, not shares: it comes out the same from either end.
            below, above = k - slices[behind - 1], slices[behind] - k
            out[k - first] = above * depths[behind - 1] + below * depths[behind] > 0
    return out, (int(low[1]), int(low[0]), first)


def _placed(outline: Outline, low: npt.NDArray[np.int_], high: npt.NDArray[np.int_]) -> BoolArray:
    """The outline in the box of pixels (y, x) from ``low`` to ``high``."""
    pixels, (x, y) = outline
    out = np.zeros(high - low, dtype=bool)
    out[y - low[0] : y - low[0] + pixels.shape[0], x - low[1] : x - low[1] + pixels.shape[1]] = pixels
    return out


def _depth(plane: BoolArray) -> FloatArray:
    """Pixels from the border: above 0 inside, below 0 outside."""
    padded = np.pad(plane, 1)
    depth = np.where(
        padded, ndimage.distance_transform_edt(padded) - 0.5, 0.5 - ndimage.distance_transform_edt(~padded)
    )
    return np.asarray(depth[1:-1, 1:-1], dtype=np.float64)


def lesion_of(image: Image, axial: Geometry, found: Found, voxels: Voxels | None, margin_px: float) -> Lesion:
    """The lesion in the patient, measured where there are voxels.

    The box is the network's, whatever the outline; the diameter is that of the outline where there is one.

    Args:
        image: the scan as it was given, a CT in Hounsfield units.
        axial: the grid of the image in axial order.
        voxels: its own, see :func:`voxels_of`; None where it has none, or is not to be measured.
        margin_px: that the network's boxes have around lesions, in pixels of the slice.
    """
    place, box = _point(axial.ras_from_ijk(found.center_ijk())), found.box_ras_mm(axial)
    plain = Lesion(
        center_ras_mm=place,
        diameter_mm=found.diameter_mm(axial, margin_px),
        score=found.score,
        box_ras_mm=box,
        measurements={"probability": found.probability},
        meaning=LESION,
    )
    if voxels is None:
        return plain
    mask = mask_from_axial(image, *voxels)
    measured = measure_mask(image, mask)
    return replace(
        plain,
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=measured.recist.long_mm,
        mask=mask,
        recist=measured.recist,
        measurements={**measured.values, **plain.measurements},
        note=_note(image, found, measured.touches_border),
    )


def _note(image: Image, found: Found, touches_border: bool) -> str:
    if note := extent_note(image, touches_border):
        return note
    return ONE_SLICE if found.first == found.last else ""


def lies_in(voxels: Voxels, better: Iterable[Voxels], most_shared: float) -> bool:
    """Whether more than ``most_shared`` of the voxels lies in one of better lesions: two boxes around one lesion."""
    return any(_shared(voxels, other) > most_shared * np.count_nonzero(voxels[0]) for other in better)


def _shared(one: Voxels, other: Voxels) -> int:
    starts = np.array([one[1][::-1], other[1][::-1]])
    low, high = starts.max(axis=0), (starts + np.array([one[0].shape, other[0].shape])).min(axis=0)
    if (high <= low).any():
        return 0
    parts = [
        voxels[tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))]
        for (voxels, _), start in zip((one, other), starts, strict=True)
    ]
    return int(np.count_nonzero(parts[0] & parts[1]))


def _point(values: FloatArray) -> Point:
    a, b, c = (float(n) for n in values)
    return a, b, c
