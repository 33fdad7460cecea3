"""Outlines from boxes: click to measure from the middle of a box alone, and as lesions are reported (methods/slices/outlining.py).

    python Testing/benchmarks/box_outlines.py [--cohort "phantoms:body?seeds=7000-7029&protocol=liver"] [--kind liver]

Boxes are those of the lesions' largest sections with 5 pixels around, as a network learns them; edges are off by 8 % of the side
(standard deviation), first and last slice by one at most. As many boxes lie beside all lesions in soft tissue: what is outlined there
is no lesion.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.click import measure_candidate
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.lesions import Found, lesion_of
from LesionDetectionLib.methods.slices.outlining import BY_SIDES, clicked
from LesionTrainingLib.cohorts.case import Case
from LesionTrainingLib.cohorts.spec import open_cohort

MARGIN_PX = 5.0
SOFT_HU = (0, 200)
BEYOND_PX = 60.0
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Boxed:
    """A box in an image in axial order, and the mask of the lesion that it is around; None beside all lesions."""

    image: Image
    found: Found
    truth: BoolArray | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="phantoms:body?seeds=7000-7029&protocol=liver", help="with lesions' masks")
    parser.add_argument("--kind", default="liver", help="of the lesions")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    rows = list[tuple[bool, bool, float, float]]()
    for case in open_cohort(options.cohort).cases:
        for boxed in boxes_of(case, options.kind, random):
            alone, reported, by_sides = outlines(boxed)
            rows.append((boxed.truth is not None, by_sides, share(alone, boxed), share(reported, boxed)))
    every = np.array(rows, dtype=float)
    print(f"{options.cohort}: {int(every[:, 0].sum())} lesions, {int((every[:, 0] == 0).sum())} boxes beside them")
    print(f"{'':32} {'outlined':>9} {'Dice < .5':>10} {'median':>7}")
    for name, column in (("from the middle alone", 2), ("as reported", 3)):
        dice = every[every[:, 0] == 1, column]
        print(f"{name:32} {np.isfinite(dice).sum():9} {(dice < 0.5).sum():10} {np.nanmedian(dice):7.3f}")
        print(f"{'  beside lesions':32} {np.isfinite(every[every[:, 0] == 0, column]).sum():9}")
    print(f"of these bound to the sides: {int(every[:, 1].sum())}")


def boxes_of(case: Case, kind: str, random: np.random.Generator) -> Iterator[Boxed]:
    image = case.images()[CT]
    if not np.array_equal(to_axial(image).ijk_to_ras, image.ijk_to_ras):
        raise SystemExit("Only for images in axial order, as phantoms are.")
    truth = case.truth()
    masks = [lesion.mask.full(image.shape_kji) for lesion in truth.lesions if lesion.mask is not None]
    kinds = truth.kinds or [kind] * len(masks)
    anywhere = np.logical_or.reduce(masks) if masks else np.zeros(image.shape_kji, dtype=bool)
    for mask, its in zip(masks, kinds, strict=True):
        if its != kind:
            continue
        box, first, last = box_of(mask, random)
        yield Boxed(image, Found(1.0, 1.0, box, first, last, 0, ()), mask)
        beside = moved(image, anywhere, box, (first + last) // 2, random)
        if beside is not None:
            yield Boxed(image, Found(1.0, 1.0, beside, first, last, 0, ()), None)


def box_of(mask: BoolArray, random: np.random.Generator) -> tuple[npt.NDArray[np.float64], int, int]:
    areas = mask.sum(axis=(1, 2))
    rows, columns = np.nonzero(mask[int(areas.argmax())])
    low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
    box = np.concatenate([low - MARGIN_PX, high + MARGIN_PX]) + random.normal(0, 0.08, 4) * np.tile(high - low, 2)
    shown = np.flatnonzero(areas)
    first = max(0, int(shown[0] + random.integers(-1, 2)))
    last = min(len(areas) - 1, max(first, int(shown[-1] + random.integers(-1, 2))))
    return np.clip(box, 0, np.tile(mask.shape[:0:-1], 2)), first, last


def moved(
    image: Image, anywhere: BoolArray, box: npt.NDArray[np.float64], k: int, random: np.random.Generator
) -> npt.NDArray[np.float64] | None:
    """The box somewhere near in soft tissue where there is no lesion."""
    for _ in range(50):
        other = box + np.tile(random.uniform(-BEYOND_PX, BEYOND_PX, 2), 2)
        x0, y0, x1, y1 = other.astype(int)
        if min(x0, y0) < 0 or x1 > image.shape_kji[2] or y1 > image.shape_kji[1]:
            continue
        middle = image.voxels[k, (y0 + y1) // 2, (x0 + x1) // 2]
        if SOFT_HU[0] < middle < SOFT_HU[1] and not anywhere[:, y0:y1, x0:x1].any():
            return other
    return None


def outlines(boxed: Boxed) -> tuple[Lesion | None, Lesion, bool]:
    """From the middle alone; as reported; whether that was bound to the sides."""
    grid = boxed.image.geometry
    plain = lesion_of(boxed.image, grid, boxed.found, None, MARGIN_PX)
    alone = measure_candidate(boxed.image, plain.center_ras_mm, plain.diameter_mm)
    reported = clicked(boxed.image, grid, boxed.found, plain, MARGIN_PX, "")
    return alone, reported, BY_SIDES in reported.note


def share(lesion: Lesion | None, boxed: Boxed) -> float:
    """Dice coefficient with the truth; 0 beside lesions, NaN without an outline."""
    if lesion is None or lesion.mask is None:
        return float("nan")
    if boxed.truth is None:
        return 0.0
    both = np.count_nonzero(boxed.truth[lesion.mask.slices_kji] & lesion.mask.voxels)
    return float(2 * both / (np.count_nonzero(boxed.truth) + lesion.mask.count))


if __name__ == "__main__":
    main()
