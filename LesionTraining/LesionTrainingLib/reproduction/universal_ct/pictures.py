"""Figures 3 and 4 of the paper: what the last row marks in test images of each region, and its mask laid over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.preprocessing import network_input, planes_at
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

from ...cohorts.case import Case
from ...cohorts.deeplesion_rows import TYPES
from ...evaluation.matching.outcome import MISSED, Fate, Outcome
from ...evaluation.output.box_tiles import FALSE, HIT, IGNORED, TRUTH, BoxPicture, DrawnBox, box_tiles
from ...evaluation.output.figures import Plot
from ..showing import body_part
from ..wording import counted
from .data import edges_of, region_of
from .marks import Marks, MarkStore

_WINDOWS_HU = {"lung": (-1350.0, 150.0), "bone": (-450.0, 1050.0)}
_SOFT_HU = (-160.0, 240.0)
_ZOOM_PER_SIDE, _LEAST_ZOOM_PX = 4.0, 96
"""Of a lesion's longer side, that a close view shows; and no less than so many pixels."""
_KINDS = {Fate.HIT: HIT, Fate.FALSE: FALSE, Fate.SECOND: IGNORED}


@dataclass(frozen=True, eq=False)
class Example:
    """A lesion of a test image. Attributes: case; index of the lesion among those of the case; lesion, region."""

    case: Case
    index: int
    lesion: Lesion
    region: str


@dataclass(frozen=True, eq=False)
class Shown:
    """What is drawn of: the marks and outcomes of one row.

    Attributes:
        store: of its marks.
        outcomes: of all test images, by case id.
        threshold: marks below it are not drawn.
        network, method, device: for its mask.
    """

    store: MarkStore
    outcomes: dict[str, Outcome]
    threshold: float
    network: UniversalNetwork
    method: UniversalSettings
    device: torch.device


def by_region(cases: Sequence[Case], count: int) -> list[list[Example]]:
    """For each region that has lesions so many of them, from the smallest to the largest, one an image."""
    found: dict[str, list[Example]] = {name: [] for name in TYPES.values()}
    for case in cases:
        for index, lesion in enumerate(case.truth().lesions):
            found[region_of(lesion)].append(Example(case, index, lesion, region_of(lesion)))
    rows = []
    for examples in found.values():
        rising = sorted(examples, key=lambda one: (one.lesion.diameter_mm, one.case.id, one.index))
        once = list({one.case.id: one for one in reversed(rising)}.values())[::-1]
        if once and count:
            rows.append(_spread(once, count))
    return rows


def by_outcome(cases: Sequence[Case], shown: Shown, count: int) -> list[Example]:
    """So many examples: found lesions of rising size, and last one that is missed, where there are such."""
    found, missed = list[Example](), list[Example]()
    for case in cases:
        outcome = shown.outcomes[case.id]
        for index, lesion in enumerate(case.truth().lesions):
            hit = outcome.lesion_scores[index] >= shown.threshold and outcome.lesion_scores[index] > MISSED
            (found if hit else missed).append(Example(case, index, lesion, region_of(lesion)))
    for some in (found, missed):
        some.sort(key=lambda one: (one.lesion.diameter_mm, one.case.id, one.index))
    last = missed[len(missed) // 2 :][:1] if count > 1 or not found else []
    wanted = count - len(last)
    return [*_spread(found, wanted), *last]


def _spread(rising: Sequence[Example], count: int) -> list[Example]:
    """So many at most, the first and the last among them."""
    places = np.linspace(0, len(rising) - 1, min(count, len(rising))).round().astype(int).tolist() if rising else []
    return [rising[place] for place in dict.fromkeys(places)]


def figure_3(examples: Sequence[Example], shown: Shown, data: str) -> Plot:
    """Each example whole, and close with the mask's probability over it."""
    pictures = []
    for one in examples:
        image = one.case.images()[CT]
        pictures += [_whole(one, image, shown), _close(one, image, shown)]
    text = f"Test images of {data} with boxes of lesions and marks; each again from near with the predicted mask laid over."
    caption = (
        f"As Fig. 3 of the paper, test images of {data} at {_rate(shown)}: each whole, and near the lesion with the "
        "probability of the mask laid over, red to yellow. Found lesions from small to large, and one that was missed."
    )
    return replace(box_tiles(pictures, text, columns=4), caption=caption)


def figure_4(rows: Sequence[Sequence[Example]], shown: Shown, data: str) -> Plot:
    """Examples of each region."""
    pictures = [_whole(one, one.case.images()[CT], shown) for row in rows for one in row]
    text = f"Test images of {data} of each region of the body, with boxes of lesions and marks."
    caption = (
        f"As Fig. 4 of the paper, test images of {data} at {_rate(shown)}, by region; of each the smallest lesion to the "
        "largest, whether they were found or not."
    )
    return replace(box_tiles(pictures, text, columns=max(map(len, rows), default=1)), caption=caption)


def _rate(shown: Shown) -> str:
    if not np.isfinite(shown.threshold):
        return "all marks"
    return f"the threshold of 0.5 false positives per image (a score of {shown.threshold:.3g})"


def _whole(one: Example, image: Image, shown: Shown) -> BoxPicture:
    hu = _middle(image)
    boxes = _boxes(one.case, shown)
    part = body_part(hu)
    outcome = shown.outcomes[one.case.id]
    hit = (outcome.lesion_scores >= shown.threshold) & (outcome.lesion_scores > MISSED)
    false = sum(box.kind == FALSE for box in boxes)
    told = f"{int(hit.sum())} of {len(hit)} found, {counted(false, 'false', 'false')}"
    title = f"{one.region}, {one.lesion.diameter_mm:.0f} mm\n{told}"
    return _picture(title, hu, part, one.region, image, boxes)


def _close(one: Example, image: Image, shown: Shown) -> BoxPicture:
    """A square around the lesion."""
    hu = _middle(image)
    x0, y0, x1, y1 = edges_of(one.case, (one.lesion,))[0]
    half = max(_ZOOM_PER_SIDE * max(x1 - x0, y1 - y0), _LEAST_ZOOM_PX) / 2
    part = _square(hu.shape, ((y0 + y1) / 2, (x0 + x1) / 2), half)
    heat = _mask_probability(image, shown)
    title = f"{one.case.id}\n" + ("mask" if heat is not None else "no mask in this row")
    return _picture(title, hu, part, one.region, image, _boxes(one.case, shown), heat)


def _picture(
    title: str,
    hu: npt.NDArray[np.float64],
    part: tuple[slice, slice],
    region: str,
    image: Image,
    boxes: Sequence[DrawnBox],
    heat: npt.NDArray[np.float64] | None = None,
) -> BoxPicture:
    top, left = part[0].start, part[1].start
    moved = [
        replace(box, edges=(box.edges[0] - left, box.edges[1] - top, box.edges[2] - left, box.edges[3] - top))
        for box in boxes
    ]
    x_mm, y_mm, _ = image.spacing_mm
    return BoxPicture(
        title,
        hu[part],
        _WINDOWS_HU.get(region, _SOFT_HU),
        (y_mm, x_mm),
        tuple(moved),
        None if heat is None else heat[part],
    )


def _boxes(case: Case, shown: Shown) -> list[DrawnBox]:
    """The marks, best last, and over them the truth."""
    marks = shown.store.get(case.id) or Marks(np.zeros((0, 4)), np.zeros(0))
    outcome = shown.outcomes[case.id]
    order = [n for n in np.argsort(marks.scores, kind="stable") if marks.scores[n] >= shown.threshold]
    found = [
        DrawnBox(_KINDS[Fate(int(outcome.fates[n]))], _four(marks.edges[n]), float(marks.scores[n])) for n in order
    ]
    truth = [DrawnBox(TRUTH, _four(edges), float("nan")) for edges in edges_of(case, case.truth().lesions)]
    return [*truth, *found]


def _four(edges: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    a, b, c, d = (float(n) for n in edges)
    return a, b, c, d


def _middle(image: Image) -> npt.NDArray[np.float64]:
    return np.asarray(image.voxels[len(image.voxels) // 2], dtype=np.float64)


def _square(shape: tuple[int, ...], center_yx: tuple[float, float], half: float) -> tuple[slice, slice]:
    """So much around a place, moved into the slice where it would reach beyond."""
    parts = []
    for size, center in zip(shape, center_yx, strict=True):
        side = min(size, round(2 * half))
        start = int(np.clip(round(center - half), 0, size - side))
        parts.append(slice(start, start + side))
    return parts[0], parts[1]


def _mask_probability(image: Image, shown: Shown) -> npt.NDArray[np.float64] | None:
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
