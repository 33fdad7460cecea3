"""Pictures of a run: one of each lesion in three planes, and an overview of where all of them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, FloatArray, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.geometry import AxialOrder, to_axial
from LesionDetectionLib.io.display import Color, Window, lesion_color, value_unit, window_for

from .drawing import INK, QUIET, Writing, annotate, canvas, circle, measured_line, outline, ring, text_width
from .planes import AXIAL, CORONAL, SAGITTAL, Pixels, View
from .threshold_text import score_name_of

_PANEL = 290
"""Side of a lesion's panel in pixels."""
_GAP = 6
_HEADER = 34
_LEAST_FIELD_MM = 50.0
"""A panel shows at least this much, so that a nodule of 4 mm is seen in its surroundings."""
_FIELD_PER_SIZE = 2.2
"""... and this many times the lesion's size."""
_OVERVIEW_HEIGHT = 400
_OVERVIEW_WIDEST = 640
_LEAST_MARK = 5.0
"""Radius in pixels of the smallest ring in the overview."""
_MOST_NUMBERED = 40
"""The overview numbers at most this many lesions; more would cover each other."""
_RECIST_COLOR: Color = (0.05, 0.45, 1.0)
"""Blue is seen on white tissue and on black lung alike."""


@dataclass(frozen=True)
class Marked:
    """A lesion and the colour that it is drawn in."""

    lesion: Lesion
    color: Color


def lesion_picture(
    image: Image, detections: Detections, rank: int, number: int | None = None, scored: bool = True
) -> Pixels:
    """The lesion of this rank (1 is the first) as :func:`marked_picture` shows it, under its score and sizes.

    Args:
        number: that it is called by, and coloured after; its rank where None.
        scored: whether its score is a method's, and shown; that of a person's own finding is not.
    """
    lesion, number = detections.lesions[rank - 1], rank if number is None else number
    return marked_picture(image, Marked(lesion, lesion_color(number)), f"L{number}", _title(lesion, scored))


def marked_picture(image: Image, marked: Marked, name: str, text: str, others: Sequence[Marked] = ()) -> Pixels:
    """A lesion in four panels: the axial slice bare, then the three planes with its outline; a line above them.

    The axial slice is that of the RECIST diameters, where there are any; the others pass through the centre. Without a
    mask a circle of the lesion's diameter stands for it.

    Args:
        name: of the lesion, in its colour.
        text: beside the name.
        others: that are drawn where a plane cuts them.
    """
    lesion = marked.lesion
    field_mm = max(_LEAST_FIELD_MM, _FIELD_PER_SIZE * _size_mm(lesion, image))
    region = _Region.about(image, lesion, field_mm)
    window = window_for(region.axial)
    views = _views(region.axial, lesion, field_mm)
    drawn = [(one, region.mask_of(one.lesion)) for one in (*others, marked)]  # the last lies on top
    width = len(views) * (_PANEL + _GAP) - _GAP
    picture = canvas(width, _HEADER + _PANEL)
    writing = Writing()
    for column, (view, is_marked) in enumerate(views):
        x = column * (_PANEL + _GAP)
        panel = view.gray(view.slice_of(region.axial.voxels), window)
        for one, mask in drawn if is_marked else ():
            _mark(panel, view, one, mask, whole=one is marked)
        picture[_HEADER:, x : x + _PANEL] = panel
        annotate(picture, view, writing, (x, _HEADER))
        writing.add((x + 7, _HEADER + _PANEL - 6), _slice_text(view), INK, 11, anchor="lb")
    writing.add((7, _HEADER / 2 - 1), name, marked.color, 18, bold=True, anchor="lm")
    writing.add((max(54, text_width(name, 18, bold=True) + 20), _HEADER / 2 - 1), text, INK, 14, anchor="lm")
    writing.add((width - 7, _HEADER / 2 - 1), _window_text(window, image), QUIET, 12, anchor="rm")
    return writing.on(picture)


def overview_picture(image: Image, detections: Detections, numbers: Sequence[int] | None = None) -> Pixels:
    """The whole image from the front and from the patient's left, with a numbered ring around each lesion.

    CT and MR are averaged through the body, as a radiograph does; of PET the maximum is shown.

    Args:
        numbers: that the lesions are called by, and coloured after; their ranks where None.
    """
    axial = to_axial(image)
    frontal, lateral, window = _projections(axial)
    middle = tuple((n - 1) / 2 for n in axial.shape_kji[::-1])
    scale = _overview_scale(axial)
    numbered = list(zip(numbers or range(1, len(detections.lesions) + 1), detections.lesions, strict=True))
    picture_parts, writing, x = [], Writing(), 0
    for plane, values, axis in ((CORONAL, frontal, 0), (SAGITTAL, lateral, 1)):
        height = _pixels(axial.shape_kji[0] * axial.spacing_mm[2] * scale)
        width = _pixels(axial.shape_kji[2 - axis] * axial.spacing_mm[axis] * scale)
        view = View(plane, axial.geometry, (middle[0], middle[1], middle[2]), (width, height), scale)
        panel = view.gray(values, window)
        _mark_all(panel, view, numbered, writing, x)
        picture_parts.append((panel, view, x))
        x += width + _GAP
    picture = canvas(x - _GAP, picture_parts[0][0].shape[0])
    for panel, view, start in picture_parts:
        picture[:, start : start + view.size[0]] = panel
        annotate(picture, view, writing, (start, 0))
    return writing.on(picture)


def _size_mm(lesion: Lesion, image: Image) -> float:
    """The lesion's longest extent that is known."""
    sizes = [lesion.diameter_mm]
    if lesion.mask is not None:
        sizes += [n * mm for n, mm in zip(lesion.mask.voxels.shape[::-1], image.spacing_mm, strict=True)]
    if lesion.recist is not None:
        sizes.append(lesion.recist.long_mm)
    return max(sizes)


@dataclass(frozen=True, eq=False)
class _Region:
    """The part of an image that the panels show.

    Attributes:
        axial: it, in axial order.
        low, high: [3] its first voxel in the image's own order, i j k, and the one after its last.
        order: from the image's order to the axial one.
    """

    axial: Image
    low: npt.NDArray[np.int_]
    high: npt.NDArray[np.int_]
    order: AxialOrder

    @classmethod
    def about(cls, image: Image, lesion: Lesion, field_mm: float) -> _Region:
        center = image.geometry.ijk_from_ras(lesion.center_ras_mm)
        # 0.75: the axial panel may be centred off the lesion's centre, where it follows the RECIST slice.
        reach = np.ceil(0.75 * field_mm / np.array(image.spacing_mm)) + 1
        size = np.array(image.shape_kji[::-1])
        low = np.clip(np.floor(center - reach), 0, size - 1).astype(int)
        high = np.clip(np.ceil(center + reach) + 1, low + 1, size).astype(int)
        region = image.crop((int(low[0]), int(low[1]), int(low[2])), tuple(int(n) for n in high - low))  # type: ignore[arg-type]
        order = AxialOrder.of(region.geometry)
        return cls(order.apply(region), low, high, order)

    def mask_of(self, lesion: Lesion) -> npt.NDArray[np.bool_] | None:
        """What of the lesion's mask lies in the region, in axial order; None where it has no mask."""
        if lesion.mask is None:
            return None
        mask = np.zeros((self.high - self.low)[::-1], dtype=bool)
        start = np.array(lesion.mask.start_ijk)
        stop = start + lesion.mask.voxels.shape[::-1]
        first, last = np.maximum(start, self.low), np.minimum(stop, self.high)
        if (first < last).all():
            to, of = (
                tuple(slice(a, b) for a, b in zip((first - o)[::-1], (last - o)[::-1], strict=True))
                for o in (self.low, start)
            )
            mask[to] = lesion.mask.voxels[of]
        return self.order.apply_array(mask)


def _views(region: Image, lesion: Lesion, field_mm: float) -> list[tuple[View, bool]]:
    """The panels, and whether the lesion is marked in each."""
    center = region.geometry.ijk_from_ras(lesion.center_ras_mm)
    axial_center = np.array(center)
    if lesion.recist is not None:
        axial_center[2] = region.geometry.ijk_from_ras(np.mean(lesion.recist.long_axis_ras_mm, axis=0))[2]
    scale = _PANEL / field_mm

    def view(plane: str, at: FloatArray) -> View:
        return View(plane, region.geometry, (float(at[0]), float(at[1]), float(at[2])), (_PANEL, _PANEL), scale)

    return [
        (view(AXIAL, axial_center), False),
        (view(AXIAL, axial_center), True),
        (view(CORONAL, center), True),
        (view(SAGITTAL, center), True),
    ]


def _mark(panel: Pixels, view: View, marked: Marked, mask: npt.NDArray[np.bool_] | None, whole: bool) -> None:
    """Outline or circle; a circle that need not be ``whole`` is as large as the sphere is where the plane cuts it."""
    lesion, color = marked.lesion, marked.color
    if mask is not None:
        outline(panel, view.outlines(view.slice_of(mask)), color)
    else:
        off_mm = 0.0 if whole else view.distance_mm(lesion.center_ras_mm)
        radius_mm = np.sqrt(max((lesion.diameter_mm / 2) ** 2 - off_mm**2, 0.0))
        if radius_mm or whole:
            circle(panel, view.pixels_of_ras(lesion.center_ras_mm), radius_mm * view.pixels_per_mm, color)
    if lesion.recist is not None and view.plane == AXIAL:
        for axis in (lesion.recist.short_axis_ras_mm, lesion.recist.long_axis_ras_mm):
            measured_line(panel, view.pixels_of_ras(axis), _RECIST_COLOR)


def _mark_all(panel: Pixels, view: View, numbered: list[tuple[int, Lesion]], writing: Writing, x: int) -> None:
    # Backwards: the first ranks are drawn last and lie on top.
    for rank, (number, lesion) in reversed(list(enumerate(numbered, 1))):
        place = view.pixels_of_ras(lesion.center_ras_mm)
        radius = max(_LEAST_MARK, lesion.diameter_mm / 2 * view.pixels_per_mm)
        ring(panel, place, radius, lesion_color(number))
        if rank <= _MOST_NUMBERED:
            left = place[0] > view.size[0] - 30
            side = -radius - 4 if left else radius + 4
            writing.add(
                (x + float(place[0]) + side, float(place[1])),
                str(number),
                lesion_color(number),
                15,
                True,
                "rm" if left else "lm",
            )


def _projections(axial: Image) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Window]:
    """Frontal [k, i] and lateral [k, j] projection, and a window for both; slice by slice, memory stays flat."""
    hottest = axial.modality == PET
    window = window_for(axial)
    # A radiograph's range: below air nothing, above cortical bone nothing more.
    low, high = (window.low, np.inf) if hottest else _value_range(axial, window)
    nk, nj, ni = axial.shape_kji
    frontal, lateral = np.empty((nk, ni), np.float32), np.empty((nk, nj), np.float32)
    for k in range(nk):
        plane = np.nan_to_num(np.asarray(axial.voxels[k], dtype=np.float32), nan=low)
        plane = np.clip(plane, low, high)
        frontal[k], lateral[k] = (plane.max(0), plane.max(1)) if hottest else (plane.mean(0), plane.mean(1))
    if hottest:
        return frontal, lateral, window
    bottom, top = (float(v) for v in np.percentile(np.concatenate([frontal.ravel(), lateral.ravel()]), (2, 99.7)))
    return frontal, lateral, Window(max(top - bottom, 1e-6), (top + bottom) / 2, window.inverted)


def _value_range(axial: Image, window: Window) -> tuple[float, float]:
    return (-1000.0, 1000.0) if window.name else (window.low, window.high)


def _overview_scale(axial: Image) -> float:
    """Pixels a mm such that the picture is neither too high nor too wide."""
    i, j, k = (n * mm for n, mm in zip(axial.shape_kji[::-1], axial.spacing_mm, strict=True))
    return float(min(_OVERVIEW_HEIGHT / k, _OVERVIEW_WIDEST / (i + j) * 1.5, _OVERVIEW_WIDEST / max(i, j)))


def _pixels(length: float) -> int:
    return max(1, round(length))


def _slice_text(view: View) -> str:
    # In axial order the ijk axis across a plane is also, nearly, the patient axis across it.
    axis = {AXIAL: 2, CORONAL: 1, SAGITTAL: 0}[view.plane]
    at = np.array(view.center_ijk)
    at[axis] = view.slice_index
    ras = view.geometry.ras_from_ijk(at)
    return f"{view.plane}  {'RAS'[axis]} {_signed(float(ras[axis]))}"


def _title(lesion: Lesion, scored: bool) -> str:
    score = [f"{score_name_of(lesion.method)} {lesion.score:.2f}"] if scored else []
    parts = [*score, f"⌀ {lesion.diameter_mm:.1f} mm"]
    if lesion.recist is not None:
        parts.append(f"{lesion.recist.long_mm:.1f} × {lesion.recist.short_mm:.1f} mm (long × short)")
    if lesion.mask is None:
        parts.append("no outline; circle of that diameter")
    return "   ".join(parts)


def _window_text(window: Window, image: Image) -> str:
    name = f"{window.name} window " if window.name else "window "
    return f"{name}{_signed(window.low, 0)} to {_signed(window.high, 0)} {value_unit(image)}".rstrip()


def _signed(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
