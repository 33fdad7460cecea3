"""Figures 3 and 4 of the paper: what the last row marks in test images of each region, and its mask laid over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.preprocessing import network_input, planes_at
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

from ...cohorts.case import Case
from ...cohorts.deeplesion_rows import TYPES
from ...evaluation.output.box_tiles import BoxPicture, box_tiles
from ...evaluation.output.figures import Plot
from ..key_slices.data import edges_of
from ..key_slices.pictures import SOFT_HU, Example, Shown, boxes_of, examples_of, middle, picture, spread, whole

_WINDOWS_HU = {"lung": (-1350.0, 150.0), "bone": (-450.0, 1050.0)}
_ZOOM_PER_SIDE, _LEAST_ZOOM_PX = 4.0, 96
"""Of a lesion's longer side, that a close view shows; and no less than so many pixels."""


@dataclass(frozen=True, eq=False)
class ShownWithMask(Shown):
    """Attributes:
    network, method, device: for its mask.
    """

    network: UniversalNetwork
    method: UniversalSettings
    device: torch.device


def by_region(cases: Sequence[Case], count: int) -> list[list[Example]]:
    """For each region that has lesions so many of them, from the smallest to the largest, one an image."""
    found: dict[str, list[Example]] = {name: [] for name in TYPES.values()}
    for case in cases:
        for example in examples_of(case):
            found[example.region].append(example)
    rows = []
    for examples in found.values():
        rising = sorted(examples, key=lambda one: (one.lesion.diameter_mm, one.case.id, one.index))
        once = list({one.case.id: one for one in reversed(rising)}.values())[::-1]
        if once and count:
            rows.append(spread(once, count))
    return rows


def figure_3(examples: Sequence[Example], shown: ShownWithMask, data: str) -> Plot:
    """Each example whole, and close with the mask's probability over it."""
    pictures = []
    for one in examples:
        pictures += [whole(one, shown, _window(one)), _close(one, shown)]
    text = f"Test images of {data} with boxes of lesions and marks; each again from near with the predicted mask laid over."
    caption = (
        f"As Fig. 3 of the paper, test images of {data} at {_rate(shown)}: each whole, and near the lesion with the "
        "probability of the mask laid over, red to yellow. Found lesions from small to large, and one that was missed."
    )
    return replace(box_tiles(pictures, text, columns=4), caption=caption)


def figure_4(rows: Sequence[Sequence[Example]], shown: ShownWithMask, data: str) -> Plot:
    """Examples of each region."""
    pictures = [whole(one, shown, _window(one)) for row in rows for one in row]
    text = f"Test images of {data} of each region of the body, with boxes of lesions and marks."
    caption = (
        f"As Fig. 4 of the paper, test images of {data} at {_rate(shown)}, by region; of each the smallest lesion to the "
        "largest, whether they were found or not."
    )
    return replace(box_tiles(pictures, text, columns=max(map(len, rows), default=1)), caption=caption)


def _rate(shown: ShownWithMask) -> str:
    if not np.isfinite(shown.threshold):
        return "all marks"
    return f"the threshold of 0.5 false positives per image (a score of {shown.threshold:.3g})"


def _window(one: Example) -> tuple[float, float]:
    return _WINDOWS_HU.get(one.region, SOFT_HU)


def _close(one: Example, shown: ShownWithMask) -> BoxPicture:
    """A square around the lesion."""
    image = one.case.images()[CT]
    hu = middle(image)
    x0, y0, x1, y1 = edges_of(one.case, (one.lesion,))[0]
    half = max(_ZOOM_PER_SIDE * max(x1 - x0, y1 - y0), _LEAST_ZOOM_PX) / 2
    part = _square(hu.shape, ((y0 + y1) / 2, (x0 + x1) / 2), half)
    heat = _mask_probability(image, shown)
    title = f"{one.case.id}\n" + ("mask" if heat is not None else "no mask in this row")
    return picture(title, hu, part, _window(one), image, boxes_of(one.case, shown), heat)


def _square(shape: tuple[int, ...], center_yx: tuple[float, float], half: float) -> tuple[slice, slice]:
    """So much around a place, moved into the slice where it would reach beyond."""
    parts = []
    for size, center in zip(shape, center_yx, strict=True):
        side = min(size, round(2 * half))
        start = int(np.clip(round(center - half), 0, size - side))
        parts.append(slice(start, start + side))
    return parts[0], parts[1]


def _mask_probability(image: Image, shown: ShownWithMask) -> npt.NDArray[np.float64] | None:
    """[j, i] of the middle slice; None where the network has no mask branch."""
    axial = to_axial(image)
    planes = planes_at(axial, len(axial.voxels) // 2, shown.method.slice_distance_mm)
    inputs, placing = network_input(planes, shown.method)
    with torch.inference_mode():
        logits = shown.network.to(shown.device)(torch.from_numpy(inputs)[None].to(shown.device)).mask
    if logits is None:
        return None
    height, width = placing.input_yx
    probability = torch.sigmoid(logits.float())[0, :height, :width].cpu().numpy()
    if placing.input_yx == placing.slice_yx:
        return probability.astype(np.float64)
    import cv2

    return np.asarray(cv2.resize(probability, placing.slice_yx[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float64)
