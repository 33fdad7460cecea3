"""What of a session is in the scene's nodes, and a lesion as a click gives it."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.imaging.measurements import measure_mask


def segments(session):
    node = session.results.nodes.segmentation
    return [] if node is None else list(node.GetSegmentation().GetSegmentIDs())


def visible_segments(session):
    display = session.results.nodes.segmentation.GetDisplayNode()
    return [name for name in segments(session) if display.GetSegmentVisibility(name)]


def visible_points(session):
    points = session.results.nodes.points
    return [n for n in range(points.GetNumberOfControlPoints()) if points.GetNthControlPointVisibility(n)]


def table_column(session, name):
    table = session.results.nodes.table.GetTable()
    return [table.GetValueByName(row, name).ToString() for row in range(table.GetNumberOfRows())]


def ball_at(image, center_ijk, radius_mm=4.0):
    """A lesion as click to measure gives it: a ball, measured."""
    places = np.moveaxis(np.indices(image.shape_kji), 0, -1)[..., ::-1]
    distance = np.linalg.norm((places - np.array(center_ijk)) * image.spacing_mm, axis=-1)
    mask = Mask.from_full(distance < radius_mm)
    found = measure_mask(image, mask)
    return Lesion(
        found.center_ras_mm,
        found.recist.long_mm,
        1.0,
        found.box_ras_mm,
        mask,
        found.recist,
        found.values,
        method="click",
    )
