"""Patients from the front and from the side: drawn and found tumours, and where the maps lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.app.drawing import canvas, outline
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, Geometry, Image, understood_as
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.geometry import to_axial
from scipy.ndimage import map_coordinates

from ...cohorts.case import Case
from ...evaluation.output.figures import Plot
from ...evaluation.output.tables import Cell, Table
from ...evaluation.output.tiles import BLUE, RED, YELLOW, Pixels, grey, sheet, sized
from ..contract import Job
from .fold_work import store_of
from .found import Found
from .maps_kept import MAP, SeenMap
from .measured import Outlined, typical
from .rows import OUR_ROW, UNET_ROW

WIDTH = 260
"""Of a tile with both views, in pixels."""
_GAP = 4
_MOST_SUV = 8.0
_BODY_SUV, _MARGIN_MM = 0.3, 16.0
_SHOWN_MAP = 0.5
"""A map is outlined where it reaches this: from there on it counts."""
LEGEND = (("drawn tumour", YELLOW), ("found", RED), ("map from 0.5 on", BLUE))


@dataclass(frozen=True, eq=False)
class Views:
    """Of one patient, in axial order, from head to foot. Attributes: axial, the PET; parts, of each view the slices (rows, columns) with
    the body in it; pixel_mm, height and width of a pixel of each."""

    axial: Image
    parts: tuple[tuple[slice, slice], tuple[slice, slice]]
    pixel_mm: tuple[tuple[float, float], tuple[float, float]]

    @classmethod
    def of(cls, image: Image) -> Views:
        axial = to_axial(image)
        i_mm, j_mm, k_mm = axial.spacing_mm
        body = axial.voxels > _BODY_SUV
        kept = [_kept(body.any(axis=axes), mm) for axes, mm in (((1, 2), k_mm), ((0, 1), i_mm), ((0, 2), j_mm))]
        return cls(axial, ((kept[0], kept[1]), (kept[0], kept[2])), ((k_mm, i_mm), (k_mm, j_mm)))

    def seen(self, volume: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Both projections of a volume on the PET's grid, in axial order."""
        return [self.shown(n, volume.max(axis=axis)) for n, axis in enumerate((1, 2))]

    def shown(self, view: int, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The part of a projection, [k, columns], with the body in it, its head above."""
        rows, columns = self.parts[view]
        return picture[rows, columns][::-1]


def _kept(used: npt.NDArray[Any] | np.bool_, mm: float) -> slice:
    places = np.flatnonzero(used)
    if not places.size:
        return slice(None)
    margin = round(_MARGIN_MM / mm)
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def patients_figure(job: Job, rows: Mapping[str, Outlined], data: str) -> Plot | None:
    """From the patient whose Dice is lowest in our row to the highest, a line each: what every network made of them; None where no
    patient's tumour is drawn.

    Args:
        data: what they are of.
    """
    patients = typical(rows[OUR_ROW.name].found, job.settings.examples)
    if not patients:
        return None
    cases = {case.id: case for case in job.cohort.cases}
    order = sorted(rows.values(), key=lambda one: one.row == UNET_ROW)  # the supervised one last
    tiles, cells = list[tuple[str, Pixels]](), list[tuple[Cell, ...]]()
    for patient in patients:
        views, drawn = _read(cases[patient.case])
        for one in order:
            own = next((each for each in one.found if each.case == patient.case), None)
            tiles.append((_title(one, patient, own), _tile(job, one, own, views, drawn)))
            cells.append((patient.case, one.row.title, own.dice if own else None, own.marks if own else None))
    table = Table(("patient", "method", "dice", "marks"), tuple(cells))
    png = sheet(tiles, len(order), WIDTH, LEGEND)
    caption = (
        f"Test patients of {data}, a line each, evenly from the lowest Dice of our row to the highest: both projections, SUV 0 (white) to "
        f"{_MOST_SUV:g}, with the outlines of what was drawn, of what each network’s marks are, and of its map (the highest along each ray of "
        "what is left of both views together). The map of a network that segments is its probability."
    )
    return Plot(png, table, "Projections of test patients with drawn and found tumours.", caption, wide=True)


def _read(case: Case) -> tuple[Views, npt.NDArray[np.bool_]]:
    """The projections of a patient, and [k, j, i] the drawn tumours in axial order."""
    image = understood_as(case.images()[PET], PET)
    return Views.of(image), axial_union([lesion.mask for lesion in case.truth().lesions], image.geometry)


def axial_union(masks: Sequence[Mask | None], grid: Geometry) -> npt.NDArray[np.bool_]:
    """[k, j, i] what lies in any of the masks, on the grid in axial order."""
    whole = np.zeros(grid.shape_kji, dtype=np.uint8)
    for mask in masks:
        if mask is not None:
            whole[mask.slices_kji] |= mask.voxels
    return np.asarray(to_axial(Image(whole, grid.ijk_to_ras)).voxels > 0)


def _title(one: Outlined, patient: Found, own: Found | None) -> str:
    dice = "not looked at" if own is None else f"Dice {own.dice:.2f}" + ("" if own.marks else ", no mark")
    return f"{one.row.title}, {patient.label}\n{dice}"


def _tile(job: Job, one: Outlined, own: Found | None, views: Views, drawn: npt.NDArray[np.bool_]) -> Pixels:
    path = store_of(job, one.row, "").detections(own.case) if own else None
    found, seen_map = np.zeros_like(drawn), None
    if path is not None:
        detections = Detections.load(path)
        found = axial_union([lesion.mask for lesion in detections.lesions], detections.geometry)
        seen_map = SeenMap.load(path.with_name(MAP))
    return both_views(views, drawn, found, seen_map)


def both_views(
    views: Views, drawn: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_], seen_map: SeenMap | None
) -> Pixels:
    """Both projections side by side with outlines in the colours of :data:`LEGEND`, :data:`WIDTH` pixels wide.

    Args:
        drawn, found: [k, j, i] on the PET's grid, in axial order.
        seen_map: outlined where it is .5 or more; None for none.
    """
    pictures = zip(views.seen(views.axial.voxels), views.seen(drawn), views.seen(found), strict=True)
    wide = [picture.shape[1] * mm[1] for picture, mm in zip(views.seen(drawn), views.pixel_mm, strict=True)]
    first = round((WIDTH - _GAP) * wide[0] / sum(wide))
    tiles = [
        _view(picture, marks, None if seen_map is None else _on_view(seen_map, views, n), views.pixel_mm[n], width)
        for n, ((picture, *marks), width) in enumerate(zip(pictures, (first, WIDTH - _GAP - first), strict=True))
    ]
    height = min(map(len, tiles))  # widths are whole pixels, so that one may be a line higher
    front, side = (tile[:height] for tile in tiles)
    return np.concatenate([front, canvas(_GAP, height), side], axis=1)


def _view(
    picture: npt.NDArray[Any],
    marks: Sequence[npt.NDArray[Any]],
    map_values: npt.NDArray[Any] | None,
    pixel_mm: tuple[float, float],
    width: int,
) -> Pixels:
    """One projection with outlines; ``marks``: drawn, found."""
    shown = np.ascontiguousarray(sized(255 - grey(picture.astype(np.float32), (0.0, _MOST_SUV)), pixel_mm, width))
    layers = [(RED, marks[1].astype(np.float32)), (YELLOW, marks[0].astype(np.float32))]
    if map_values is not None:
        layers.insert(0, (BLUE, map_values.astype(np.float32)))
    for color, layer in layers:
        larger = cv2.resize(layer, (shown.shape[1], shown.shape[0]), interpolation=cv2.INTER_LINEAR)
        contours, _ = cv2.findContours(
            (larger >= _SHOWN_MAP).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        outline(shown, [np.asarray(contour, dtype=np.int32) for contour in contours], color)
    return shown


def _on_view(seen: SeenMap, views: Views, view: int) -> npt.NDArray[Any]:
    """A map's projection on the pixels of the PET's, linear between its places; 0 beyond it."""
    grid = Geometry(seen.shape_kji, seen.ijk_to_ras)
    geometry = views.axial.geometry
    k, j, i = geometry.shape_kji
    across = i if view == 0 else j
    ijk = np.full((k, across, 3), [(i - 1) / 2, (j - 1) / 2, 0.0])
    ijk[..., 2] = np.arange(k)[:, None]
    ijk[..., 0 if view == 0 else 1] = np.arange(across)
    places = grid.ijk_from_ras(geometry.ras_from_ijk(ijk))
    rows, columns = places[..., 2], places[..., 0 if view == 0 else 1]
    values = seen.coronal if view == 0 else seen.sagittal
    return views.shown(view, map_coordinates(values, [rows, columns], order=1, cval=0.0))
