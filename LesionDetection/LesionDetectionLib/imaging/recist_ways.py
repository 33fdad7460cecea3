"""The ways from two diameters to a mask in one slice, on the part of the slice around the lesion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .recist_choice import Look, doubt_after, doubt_before, look, number
from .recist_grabcut import DEFAULTS, grabcut
from .recist_names import DILATED, ELLIPSE, GRABCUT
from .recist_start import (
    BoolArray,
    Diameters,
    Edges,
    dilated,
    ellipse,
    extent_box,
    nearest_pixel,
    pixels_of,
    quadrilateral,
)


@dataclass(frozen=True, eq=False)
class Part:
    """The part of a slice around a lesion.

    Attributes:
        values: [y, x] of the part.
        diameters: in pixels of the whole slice.
        box: edges in the whole slice, beyond which is no lesion.
        rows, columns: of the slice that the part is.
        unit: of the values, with a blank before it (" HU"), or empty.
        spacing_mm: (x, y) of the pixels.
    """

    values: npt.NDArray[np.float64]
    diameters: Diameters
    box: Edges
    rows: slice
    columns: slice
    unit: str
    spacing_mm: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def of(
        cls,
        plane: npt.NDArray[Any],
        diameters: Diameters,
        box: Edges | None,
        unit: str,
        spacing_mm: tuple[float, float] = (1.0, 1.0),
    ) -> Part:
        box = box or extent_box(diameters)
        margin = max(DEFAULTS.margin_px, round(DEFAULTS.margin_share * max(box[2] - box[0], box[3] - box[1])))
        rows, columns = pixels_of(box, (plane.shape[0], plane.shape[1]), margin)
        values = np.asarray(plane[rows, columns], dtype=np.float64)
        return cls(values, diameters, box, rows, columns, unit, spacing_mm)

    @property
    def start_xy(self) -> tuple[int, int]:
        return self.columns.start, self.rows.start

    @cached_property
    def possible(self) -> BoolArray:
        """[y, x] the pixels in the box."""
        found = np.zeros(self.values.shape, dtype=bool)
        rows, columns = pixels_of(self.box, (self.rows.stop, self.columns.stop))
        (x, y) = self.start_xy
        found[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x] = True
        return found

    @cached_property
    def ellipse(self) -> BoolArray:
        return self._at_least_one(ellipse(self.diameters, self.rows, self.columns, spacing_mm=self.spacing_mm))

    @cached_property
    def quadrilateral(self) -> BoolArray:
        return self._at_least_one(quadrilateral(self.diameters, self.rows, self.columns))

    @cached_property
    def look(self) -> Look:
        return look(self.values, self.quadrilateral, self.ellipse, self.possible)

    def made(self, way: str) -> tuple[BoolArray, str, str]:
        """The mask [y, x], how it was made (not ``BEST``), and why so in a sentence."""
        if way == ELLIPSE:
            return self.ellipse, ELLIPSE, "The ellipse is used, as was asked."
        if way == DILATED:
            start = self._at_least_one(dilated(self.diameters, self.rows, self.columns))
            return (
                grabcut(self.values, start, self.possible),
                DILATED,
                "GrabCut began with the dilated diameters, as was asked.",
            )
        if way == GRABCUT:
            return self._cut, GRABCUT, "GrabCut is used, as was asked."
        doubt = doubt_before(self.look, self.diameters, self.unit) or doubt_after(self._cut, self.ellipse)
        if doubt:
            return self.ellipse, ELLIPSE, f"The ellipse is used: {doubt}"
        times = f"{number(self.look.contrast_to_noise)} times the noise"
        return (
            self._cut,
            GRABCUT,
            (
                f"GrabCut is used: the lesion stands out from its surroundings by {number(self.look.contrast)}{self.unit}, {times}."
            ),
        )

    @cached_property
    def _cut(self) -> BoolArray:
        return grabcut(self.values, self.quadrilateral, self.possible)

    def _at_least_one(self, found: BoolArray) -> BoolArray:
        return found if found.any() else nearest_pixel(self.diameters, self.rows, self.columns)
