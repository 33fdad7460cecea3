"""DeepLesion: boxes on the key slice, hit from an IoU of one half.

Source: Yan et al., "3D Context Enhanced Region-based CNN", MICCAI 2018, section 3, and the evaluation code published with it,
which settles the +1 pixel, further marks, and one mark on several lesions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from LesionDetectionLib.core.image import Geometry

from .findings import Findings, FloatArray, ImageFindings
from .outcome import Outcome
from .overlap import BOX, box_iou, boxes_of, voxel_boxes
from .policy import IOU, Policy, best_marks, fates_of, lesions_of_marks, marks_that_hit, require_finite_scores


@dataclass(frozen=True)
class DeepLesion(Policy):
    """Attributes:
    least_iou: from which overlap on a mark hits.
    """

    name: ClassVar[str] = "deeplesion"
    title: ClassVar[str] = "DeepLesion, boxes in the axial plane"
    rule: ClassVar[str] = (
        "A mark hits a lesion if their boxes in the axial plane overlap with an IoU of .5 or more; a side is as long as its "
        "last pixel less its first plus 1. Marks of all images are taken by score; one on a lesion that is already "
        "found counts for nothing, and one mark may hit several lesions. Excluded findings are not known: marks on them are "
        "false positives. In a volume the boxes are those of mark and lesion in the axial plane, and overlap only where "
        "they share a slice."
    )
    measures: ClassVar[str] = IOU
    rates: ClassVar[tuple[float, ...]] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    averaged: ClassVar[int] = 4
    upright: ClassVar[str] = "lowest"
    size_bands_mm: ClassVar[tuple[tuple[float, float], ...]] = ((0.0, 10.0), (10.0, 30.0), (30.0, float("inf")))
    size_rate: ClassVar[float] = 4.0
    image_is: ClassVar[str] = "image"

    least_iou: float = 0.5

    def match(self, image: ImageFindings) -> Outcome:
        """See :meth:`.policy.Policy.match`."""
        scores = image.marks.scores
        require_finite_scores(scores)
        values = in_plane_iou(image.truth, image.marks, image.geometry)
        hits = values >= self.least_iou
        lesion_marks = best_marks(hits, scores)
        return Outcome(
            policy=self.name,
            image=image.image,
            values=values,
            limits=np.full(len(image.truth), self.least_iou),
            excluded_values=np.zeros((0, len(scores))),
            excluded_limits=np.zeros(0),
            fates=fates_of(len(scores), ~marks_that_hit(hits), lesion_marks),
            mark_lesions=lesions_of_marks(values * hits, lesion_marks),
            mark_excluded=np.full(len(scores), -1, dtype=np.intp),
            lesion_marks=lesion_marks,
            lesion_hits=hits.sum(axis=1),
            mark_scores=scores,
            diameters_mm=image.truth.diameters_mm,
            patient=image.patient,
            compared=np.full(values.shape, BOX, dtype=np.intp),
        )


def in_plane_iou(first: Findings, second: Findings, geometry: Geometry | None) -> FloatArray:
    """[A, B] IoU of pixel boxes with the +1; 0 where two boxes of a volume share no slice."""
    if first.pixel_boxes is not None and second.pixel_boxes is not None:
        return box_iou(first.pixel_boxes.reshape(-1, 2, 2), second.pixel_boxes.reshape(-1, 2, 2), border=1.0)
    boxes = [_pixel_boxes(findings, geometry) for findings in (first, second)]
    slice_axis = 2 if geometry is None else int(np.abs(geometry.ijk_to_ras[2, :3]).argmax())
    plane = [axis for axis in range(3) if axis != slice_axis]
    values = box_iou(boxes[0][:, :, plane], boxes[1][:, :, plane], border=1.0)
    low = np.maximum(boxes[0][:, None, 0, slice_axis], boxes[1][None, :, 0, slice_axis])
    high = np.minimum(boxes[0][:, None, 1, slice_axis], boxes[1][None, :, 1, slice_axis])
    # First and last slice are where the outer edges lie less half a slice: less than one apart means a slice shared.
    in_slices: FloatArray = np.where(high - low > -1, values, 0.0)
    return in_slices


def _pixel_boxes(findings: Findings, geometry: Geometry | None) -> FloatArray:
    """[n, 2, 3] first and last voxel along i, j, k, in fractions where a box is not of whole voxels.

    The finding's own box (outer edges) less half a voxel at each end, else the voxels of its mask: DeepLesion's boxes reach 5
    pixels beyond the lesion, and so do those of detectors that learned them. Without a geometry a voxel is 1 mm.
    """
    edges = boxes_of(findings, geometry)
    if geometry is not None:
        low, high = edges[:, 0], edges[:, 1]
        corners = np.stack([np.where(pick, high, low) for pick in np.ndindex(2, 2, 2)], axis=1)  # [n, 8, 3]
        places = geometry.ijk_from_ras(corners)
        edges = np.stack([places.min(axis=1), places.max(axis=1)], axis=1)
    boxes: FloatArray = edges + np.array([[0.5], [-0.5]])
    if findings.masks:
        of_masks = voxel_boxes(findings.masks)
        if findings.boxes_ras_mm is not None:
            of_masks[np.isfinite(findings.boxes_ras_mm).all(axis=(1, 2))] = np.nan
        boxes = np.where(np.isnan(of_masks), boxes, of_masks)
    return boxes
