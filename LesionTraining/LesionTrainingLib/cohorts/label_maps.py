"""Label maps: the lesions that a file of labelled voxels shows, on the grid of the scan that they were drawn on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask
from scipy import ndimage

from .dicom.mask_lesions import lesions_of_mask

COMPONENTS, LABELS = "components", "labels"
WAYS = (COMPONENTS, LABELS)
_MOST_LABELS = 10_000
"""More different values than that are an image, not labels."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Whole-number labels, 0 outside; ``layers`` [k, j, i] each, of which most files have one."""

    layers: tuple[npt.NDArray[np.integer[Any]], ...]
    geometry: Geometry


def read_label_map(path: Path) -> LabelMap:
    """A label map in NRRD, NIfTI or MetaImage, or a segmentation of 3D Slicer (``.seg.nrrd``).

    Raises:
        InputError: missing, damaged, or values that are no labels.
    """
    from LesionDetectionLib.io.files import read_image

    if path.name.lower().endswith((".seg.nrrd", ".seg.nhdr")):
        return _read_segmentation(path)
    image = read_image(path)
    return LabelMap((_whole(image.voxels, path),), image.geometry)


def lesions_in(
    labels: LabelMap, geometry: Geometry, way: str = COMPONENTS, values: Sequence[int] = ()
) -> tuple[tuple[Lesion, ...], tuple[str, ...]]:
    """The lesions that a label map shows, on the grid ``geometry``, and notes.

    Args:
        way: ``components``: each connected part of the labelled voxels (they share a face, edge or corner) is a lesion;
            ``labels``: each label is one.
        values: labels that mean lesions; empty for all but 0.

    Raises:
        InputError: the label map lies outside the grid.
    """
    lesions, notes, lost = list[Lesion](), list[str](), 0
    moved = not labels.geometry.same_grid(geometry, 1e-2)
    for layer in labels.layers:
        k, j, i, own = _cropped(layer)
        if values:
            own = np.where(np.isin(own, list(values)), own, 0)
        if way == COMPONENTS:
            own = ndimage.label(own > 0, structure=np.ones((3, 3, 3)))[0]
        for number, box in enumerate(ndimage.find_objects(own), 1):
            if box is None:
                continue
            mask = Mask(own[box] == number, (i + box[2].start, j + box[1].start, k + box[0].start))
            # Resampled one by one: what touches on the coarser grid stays apart.
            placed = mask_on_grid(mask, labels.geometry, geometry) if moved else mask
            if placed is None:
                lost += 1
            else:
                lesions += lesions_of_mask(placed, geometry, parts=False)
    if moved and (lesions or lost):
        notes.append(
            "The labels lie on another grid than the image; the nearest label was taken for each of its voxels."
        )
    if lost and not lesions:
        raise InputError("None of the labelled voxels lies in the image. Are they of another scan?")
    if lost:
        notes.append(f"{lost} lesions lie outside the image or between its voxels, and were left out.")
    return tuple(lesions), tuple(notes)


def _cropped(layer: npt.NDArray[np.integer[Any]]) -> tuple[int, int, int, npt.NDArray[np.int64]]:
    """Where the box around all labels begins (k, j, i), and the box; of a whole scan it is a thousandth."""
    starts, parts = [], []
    for axis in range(3):
        used = np.flatnonzero(layer.any(axis=tuple(n for n in range(3) if n != axis)))
        first, end = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        starts.append(first)
        parts.append(slice(first, end))
    k, j, i = starts
    return k, j, i, layer[tuple(parts)].astype(np.int64)


def mask_on_grid(mask: Mask, source: Geometry, target: Geometry) -> Mask | None:
    """The mask on another grid, nearest neighbour; None where no voxel of it is left."""
    i, j, k = mask.start_ijk
    size = np.array(mask.voxels.shape[::-1])
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in size], indexing="ij")).reshape(3, -1).T
    reached = target.ijk_from_ras(source.ras_from_ijk(corners + np.array([i, j, k])))
    low = np.maximum(np.floor(reached.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(reached.max(axis=0)).astype(int) + 1, target.shape_kji[::-1])
    if (high <= low).any():
        return None
    to_source = source.ras_to_ijk @ target.ijk_to_ras
    turned = to_source[:3, :3][::-1, ::-1]  # in the order of the array: k, j, i
    offset = (to_source[:3, :3] @ low + to_source[:3, 3] - (i, j, k))[::-1]
    box = ndimage.affine_transform(
        mask.voxels.astype(np.uint8), turned, offset, tuple((high - low)[::-1]), order=0, mode="grid-constant"
    )
    if not box.any():
        return None
    found = Mask.from_full(box)
    a, b, c = (int(n) + m for n, m in zip(low, found.start_ijk, strict=True))
    return Mask(found.voxels, (a, b, c))


def _whole(voxels: npt.NDArray[Any], path: Path) -> npt.NDArray[np.integer[Any]]:
    if voxels.dtype.kind == "f" and not (np.isfinite(voxels).all() and (voxels == np.rint(voxels)).all()):
        raise InputError(f"{path} is no label map: its values are no whole numbers. Is it a scan or a probability?")
    if voxels.min() < 0 or voxels.max() > _MOST_LABELS:
        raise InputError(
            f"{path} is no label map: its values run from {voxels.min():g} to {voxels.max():g}. Is it a scan?"
        )
    return voxels.astype(np.int32) if voxels.dtype.kind == "f" else voxels


def _read_segmentation(path: Path) -> LabelMap:
    """Layers of segments, as 3D Slicer writes them; each segment gets a label of its own."""
    from LesionDetectionLib.io.files import ras_matrix

    sitk: Any = import_module("SimpleITK")  # untyped as it comes
    try:
        image = sitk.ReadImage(str(path))
        dimension = image.GetDimension()
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read: it is missing, damaged or cut off. Save it again.") from error
    if dimension != 3:
        raise InputError(f"{path} has {dimension} dimensions; a segmentation has three.")
    stored = sitk.GetArrayFromImage(image)
    stored = stored[..., None] if stored.ndim == 3 else stored
    meta = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    numbers = sorted(int(match[1]) for key in meta if (match := re.fullmatch(r"Segment(\d+)_ID", key)))
    layers = [np.zeros(stored.shape[:3], dtype=np.int64) for _ in range(stored.shape[3])]
    try:
        for n in numbers:
            layer, value = int(meta.get(f"Segment{n}_Layer", "0")), int(meta.get(f"Segment{n}_LabelValue", "1"))
            layers[layer][stored[..., layer] == value] = n + 1
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} has a segment whose layer or label value makes no sense. Save it again.") from error
    matrix = ras_matrix(image.GetOrigin(), image.GetDirection(), image.GetSpacing())
    return LabelMap(tuple(layers), Geometry(stored.shape[:3], matrix))
