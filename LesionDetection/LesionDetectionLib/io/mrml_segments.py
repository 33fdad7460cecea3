"""Lesion masks as segments: one segment a lesion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask

from .display import lesion_color
from .lesion_table import lesion_label
from .terminology import terminology_entry

TAG_PREFIX = "Lesion."
"""Segments carry their lesion's score, rank, diameter, method and model under tags that begin so."""
_FILL_OPACITY = 0.2
"""Of segments in the slice views: the tissue below must stay readable; the outline says enough."""
_BINARY = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


@dataclass(frozen=True)
class SegmentEntry:
    """A lesion with a mask, as a segment.

    Attributes:
        id: of the segment.
        number: its label value and colour, from 1 on; no two segments of a node have the same.
        name: on screen.
        lesion: with a mask.
        tags: further facts, without the prefix; empty ones are not stored.
    """

    id: str
    number: int
    name: str
    lesion: Lesion
    tags: dict[str, str] = field(default_factory=dict)


def segmentation_node(scene: Any, volume_node: Any, detections: Detections, name: str) -> Any | None:
    """Add a segmentation with one segment (``L<rank>``) for each lesion that has a mask, in rank order.

    None where no lesion has a mask: an empty segmentation cannot be stored, and saving a scene with one has been seen to
    end the program (slicer-core 5.11).
    """
    entries = [
        SegmentEntry(f"L{rank}", rank, lesion_label(rank, lesion), lesion, {"rank": str(rank)})
        for rank, lesion in enumerate(detections.lesions, 1)
        if lesion.mask is not None
    ]
    if not entries:
        return None
    node = new_segmentation_node(scene, volume_node, name)
    add_segments(node, entries, detections.geometry)
    return node


def new_segmentation_node(scene: Any, volume_node: Any, name: str) -> Any:
    """Add a segmentation without any segment, on the grid of the volume."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetSourceRepresentationToBinaryLabelmap()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetOpacity2DFill(_FILL_OPACITY)
    return node


def add_segments(node: Any, entries: Iterable[SegmentEntry], geometry: Geometry) -> None:
    """Add segments whose masks lie on the grid ``geometry``; voxels land exactly.

    Masks that do not touch each other's voxels share one label image, which Slicer edits, shows and saves fastest (100
    lesions: 0.6 s instead of 3 s to save); each further layer of overlap gets one more, so that no mask loses a voxel.
    """
    entries = list(entries)
    was_modifying = node.StartModify()
    try:
        images = {}
        for layer in _layers(entries):
            image = _oriented_image(layer, geometry)
            images.update(dict.fromkeys(layer, image))
        for entry in entries:
            segment = _segment(entry)
            segment.AddRepresentation(_BINARY, images[entry.number])
            node.GetSegmentation().AddSegment(segment, entry.id)
    finally:
        node.EndModify(was_modifying)


def set_facts(segment: Any, entry: SegmentEntry) -> None:
    """Name, term and tags of a segment that is there; its voxels and colour stay."""
    segment.SetName(entry.name)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology_entry(entry.lesion.meaning))
    facts = {
        "score": repr(float(entry.lesion.score)),
        "diameter_mm": repr(float(entry.lesion.diameter_mm)),
        "method": entry.lesion.method,
        "model": entry.lesion.model,
        "note": entry.lesion.note,
        **entry.tags,
    }
    for tag, value in facts.items():
        if value:
            segment.SetTag(TAG_PREFIX + tag, value)
        else:
            segment.RemoveTag(TAG_PREFIX + tag)


def masks_of(node: Any, ids: Iterable[str], geometry: Geometry) -> dict[str, Mask | None]:
    """The voxels of segments as they are now, on the grid ``geometry``; None for one without any, or that is not there.

    Segments that share a label image are read from it together: asking Slicer for each alone copies the whole image each
    time. What was edited on another grid is brought to this one by the nearest voxel.
    """
    found: dict[str, Mask | None] = dict.fromkeys(ids)
    sharing: dict[Any, list[str]] = {}
    for name in found:
        segment = node.GetSegmentation().GetSegment(name)
        image = None if segment is None else segment.GetRepresentation(_BINARY)
        if image is not None and not image.IsEmpty():
            sharing.setdefault(image, []).append(name)
    for image, names in sharing.items():
        labels = {name: node.GetSegmentation().GetSegment(name).GetLabelValue() for name in names}
        found.update(_masks_in(image, labels, geometry))
    return found


def changed_at(node: Any) -> dict[str, int]:
    """For each segment a number that changes whenever its voxels, or those of a segment in the same image, may have."""
    times = {}
    for name in node.GetSegmentation().GetSegmentIDs():
        image = node.GetSegmentation().GetSegment(name).GetRepresentation(_BINARY)
        times[name] = 0 if image is None else image.GetMTime()
    return times


def _masks_in(image: Any, labels: dict[str, int], geometry: Geometry) -> dict[str, Mask | None]:
    from scipy.ndimage import find_objects

    if not _same_axes(image, geometry):
        image = _resampled(image, geometry)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    boxes = find_objects(array.astype(np.int32) if array.dtype.kind not in "iu" else array)
    masks: dict[str, Mask | None] = {}
    for name, label in labels.items():
        box = boxes[label - 1] if 0 < label <= len(boxes) else None
        masks[name] = None
        if box is not None:
            start = (i0 + box[2].start, j0 + box[1].start, k0 + box[0].start)
            masks[name] = _clipped(array[box] == label, start, geometry)
    return masks


def _clipped(voxels: npt.NDArray[np.bool_], start_ijk: tuple[int, int, int], geometry: Geometry) -> Mask | None:
    """The part of a mask that lies on the grid, cropped to its voxels."""
    low = [max(0, -start) for start in start_ijk]
    high = [
        min(n, size - start)
        for n, size, start in zip(voxels.shape[::-1], geometry.shape_kji[::-1], start_ijk, strict=True)
    ]
    inside = voxels[low[2] : max(high[2], 0), low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
    if not inside.any():
        return None
    trimmed = Mask.from_full(inside)
    i, j, k = (a + b + c for a, b, c in zip(start_ijk, low, trimmed.start_ijk, strict=True))
    return Mask(trimmed.voxels, (i, j, k))


def _same_axes(image: Any, geometry: Geometry) -> bool:
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return bool(np.allclose(slicer.util.arrayFromVTKMatrix(matrix), geometry.ijk_to_ras, atol=1e-4))


def _resampled(image: Any, geometry: Geometry) -> Any:
    reference, out = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    nk, nj, ni = geometry.shape_kji
    reference.SetExtent(0, ni - 1, 0, nj - 1, 0, nk - 1)
    reference.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(np.array(geometry.ijk_to_ras)))
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, out, False)
    return out


def _layers(entries: Iterable[SegmentEntry]) -> list[dict[int, Mask]]:
    """Masks by number, divided into as few layers as comes easily, such that none in a layer shares a voxel."""
    layers: list[dict[int, Mask]] = []
    for entry in entries:
        mask = entry.lesion.mask
        if mask is None:
            raise ValueError(f"{entry.id} has no mask")
        free = next((layer for layer in layers if not any(_overlap(mask, other) for other in layer.values())), None)
        if free is None:
            layers.append({entry.number: mask})
        else:
            free[entry.number] = mask
    return layers


def _overlap(one: Mask, other: Mask) -> bool:
    """Whether two masks share a voxel."""
    both = [(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one.slices_kji, other.slices_kji, strict=True)]
    if any(start >= stop for start, stop in both):
        return False
    part = [
        mask.voxels[
            tuple(slice(a - own.start, b - own.start) for (a, b), own in zip(both, mask.slices_kji, strict=True))
        ]
        for mask in (one, other)
    ]
    return bool((part[0] & part[1]).any())


def _oriented_image(layer: dict[int, Mask], geometry: Geometry) -> Any:
    """The layer as labels (a lesion's label is its number) on the image's grid, cropped to where there are any."""
    boxes = [mask.slices_kji for mask in layer.values()]
    low = [min(box[axis].start for box in boxes) for axis in range(3)]
    high = [max(box[axis].stop for box in boxes) for axis in range(3)]
    kind = np.uint8 if max(layer) <= 255 else np.uint16
    labels: npt.NDArray[Any] = np.zeros(np.subtract(high, low), dtype=kind)
    for number, mask in layer.items():
        place = tuple(
            slice(own.start - first, own.stop - first) for own, first in zip(mask.slices_kji, low, strict=True)
        )
        labels[place][mask.voxels] = number
    image = slicer.vtkOrientedImageData()
    # Extent, not origin, carries the crop: the matrix stays the volume's own, so nothing is resampled or rounded.
    image.SetExtent(low[2], high[2] - 1, low[1], high[1] - 1, low[0], high[0] - 1)
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(np.array(geometry.ijk_to_ras)))
    image.GetPointData().SetScalars(numpy_to_vtk(labels.ravel(), deep=True))
    return image


def _segment(entry: SegmentEntry) -> Any:
    segment = slicer.vtkSegment()
    segment.SetColor(*lesion_color(entry.number))
    segment.SetLabelValue(entry.number)
    set_facts(segment, entry)
    return segment
