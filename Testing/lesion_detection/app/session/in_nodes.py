"""What of a session is in the scene's nodes, and a lesion as a click gives it."""

from __future__ import annotations

import contextlib
import zipfile

import numpy as np
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.imaging.measurements import measure_mask
from LesionDetectionLib.io import mrml_scene


@contextlib.contextmanager
def opened_again(scene, engine, folder):
    """The scene written as a bundle and loaded into another one: a session there, with the one result active, and the result."""
    mrml_scene.write_scene(scene, folder / "s.mrb")
    with mrml_scene.temporary_scene() as other:
        with zipfile.ZipFile(folder / "s.mrb") as archive:
            archive.extractall(folder)
        other.SetURL(str(next(folder.glob("s/*.mrml"))))
        other.Connect()
        again = Session(other, engine)
        (result,) = again.results_in_scene()
        again.activate(result)
        yield again, result
        again.close()


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
