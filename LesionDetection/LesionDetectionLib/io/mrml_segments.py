"""Lesion masks as a segmentation node: one segment a lesion."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
from vtk.util.numpy_support import numpy_to_vtk

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.lesion import Lesion, Mask

from .display import lesion_color
from .lesion_table import lesion_label
from .terminology import terminology_entry

TAG_PREFIX = "Lesion."
"""Segments carry their lesion's score, rank, diameter, method and model under tags that begin so."""
_FILL_OPACITY = 0.2
"""Of segments in the slice views: the tissue below must stay readable; the outline says enough."""


def segmentation_node(scene: Any, volume_node: Any, detections: Detections, name: str) -> Any | None:
    """Add a segmentation with one segment for each lesion that has a mask, in rank order; voxels land exactly.

    None where no lesion has a mask: an empty segmentation cannot be stored, and saving a scene with one has been seen to
    end the program (slicer-core 5.11).

    Masks that do not touch each other's voxels share one label image, which Slicer edits, shows and saves fastest (100
    lesions: 0.6 s instead of 3 s to save); each further layer of overlap gets one more, so that no mask loses a voxel.
    """
    layers = _layers(detections)
    if not layers:
        return None
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetSourceRepresentationToBinaryLabelmap()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetOpacity2DFill(_FILL_OPACITY)
    representation = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    was_modifying = node.StartModify()
    try:
        images = {}
        for layer in layers:
            image = _oriented_image(layer, detections)
            images.update(dict.fromkeys(layer, image))
        for rank, lesion in enumerate(detections.lesions, 1):
            if rank in images:
                segment = _segment(rank, lesion)
                segment.AddRepresentation(representation, images[rank])
                node.GetSegmentation().AddSegment(segment, f"L{rank}")
    finally:
        node.EndModify(was_modifying)
    return node


def _layers(detections: Detections) -> list[dict[int, Mask]]:
    """Masks by rank, divided into as few layers as comes easily, such that none in a layer shares a voxel."""
    layers: list[dict[int, Mask]] = []
    for rank, lesion in enumerate(detections.lesions, 1):
        mask = lesion.mask
        if mask is None:
            continue
        free = next((layer for layer in layers if not any(_overlap(mask, other) for other in layer.values())), None)
        if free is None:
            layers.append({rank: mask})
        else:
            free[rank] = mask
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


def _oriented_image(layer: dict[int, Mask], detections: Detections) -> Any:
    """The layer as labels (a lesion's label is its rank) on the image's grid, cropped to where there are any."""
    boxes = [mask.slices_kji for mask in layer.values()]
    low = [min(box[axis].start for box in boxes) for axis in range(3)]
    high = [max(box[axis].stop for box in boxes) for axis in range(3)]
    kind = np.uint8 if max(layer) <= 255 else np.uint16
    labels: npt.NDArray[Any] = np.zeros(np.subtract(high, low), dtype=kind)
    for rank, mask in layer.items():
        place = tuple(
            slice(own.start - first, own.stop - first) for own, first in zip(mask.slices_kji, low, strict=True)
        )
        labels[place][mask.voxels] = rank
    image = slicer.vtkOrientedImageData()
    # Extent, not origin, carries the crop: the matrix stays the volume's own, so nothing is resampled or rounded.
    image.SetExtent(low[2], high[2] - 1, low[1], high[1] - 1, low[0], high[0] - 1)
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(np.array(detections.geometry.ijk_to_ras)))
    image.GetPointData().SetScalars(numpy_to_vtk(labels.ravel(), deep=True))
    return image


def _segment(rank: int, lesion: Lesion) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(lesion_label(rank, lesion))
    segment.SetColor(*lesion_color(rank))
    segment.SetLabelValue(rank)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology_entry(lesion.meaning))
    tags = {
        "rank": str(rank),
        "score": repr(float(lesion.score)),
        "diameter_mm": repr(float(lesion.diameter_mm)),
        "method": lesion.method,
        "model": lesion.model,
        "note": lesion.note,
    }
    for tag, value in tags.items():
        if value:
            segment.SetTag(TAG_PREFIX + tag, value)
    return segment
