"""Blocks of voxels as lesions and as marks, and the command line that scores them."""

from __future__ import annotations

import csv
import json

import numpy as np
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask

GRID = Geometry((16, 30, 30), np.diag([1.0, 1.0, 2.0, 1.0]))


def lesion(start, score=1.0, size=4):
    mask = Mask(np.ones((size, size, size), bool), start)
    return Lesion(mask.centroid_ras_mm(GRID), float(size + 1), score, mask=mask)


TRUTH = {"a": (lesion((2, 2, 2)), lesion((20, 20, 8))), "b": (lesion((10, 10, 5)),), "c": ()}

MARKS = {
    "a": (lesion((3, 2, 2), 0.9), lesion((2, 2, 2), 0.6), lesion((24, 2, 2), 0.3)),
    "b": (lesion((11, 12, 6), 0.7),),
    "c": (lesion((5, 5, 5), 0.4),),
}


def run(*arguments):
    return main(["evaluate", *map(str, arguments)])


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
