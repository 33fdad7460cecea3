"""How boxes should be linked over slices into lesions: lesions that fall apart, or into one, by each of the choices.

    python Testing/benchmarks/box_linking.py [--cohort "phantoms:body?seeds=0-27&protocol=slab"]

In place of a network, an oracle with faults looks at each slice: of every ten sections of a lesion it misses one, edges of its boxes
are off by 6 % of the side (standard deviation), its probability falls with the square root of the section's area and is off by
0.1, and a slice has one false box on average. Whatever is found from a score of 0.4 on is compared with the lesions' own masks:
two share something where their Dice coefficient is above 0.02. Found masks are too good: the oracle's are the true ones, blurred.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import AxialOrder
from LesionDetectionLib.methods.slices.findings import SliceFindings, slice_stride, slices_to_look_at
from LesionDetectionLib.methods.slices.lesions import Voxels, lies_in, linked, voxels_of
from LesionDetectionLib.methods.slices.preprocessing import Placing
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes, cut_windows, window_edges
from LesionDetectionLib.methods.universal_ct.in_slice import in_slice
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings
from LesionTrainingLib.cohorts.case import Case
from LesionTrainingLib.cohorts.spec import open_cohort
from scipy import ndimage

PLAIN = UniversalSettings(slices="all")
LEAST_SCORE = 0.4
CHOICES: tuple[dict[str, Any], ...] = (
    {},
    *({"link_iou": value} for value in (0.1, 0.2, 0.5)),
    *({"link_gap": value} for value in (0, 2)),
    *({"link_share": value} for value in (0.1, 0.5)),
)


@dataclass(frozen=True, eq=False)
class Looked:
    """A scan in axial order, its lesions' masks on the same grid, and what the oracle saw."""

    axial: Image
    masks: list[npt.NDArray[np.bool_]]
    slices: list[SliceFindings]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default="phantoms:body?seeds=0-27&protocol=slab", help="with lesions' masks")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    scans = [look_at(case, random) for case in open_cohort(options.cohort).cases]
    print(f"{options.cohort}: {sum(len(scan.masks) for scan in scans)} lesions in {len(scans)} scans")
    print(f"{'choice':24} {'in pieces':>10} {'joined':>8} {'lost':>6} {'Dice':>6}")
    for choice in CHOICES:
        counts, dice = judged(scans, replace(PLAIN, **choice))
        told = ", ".join(f"{name} {value}" for name, value in choice.items()) or "as set"
        print(f"{told:24} {counts[0]:10} {counts[1]:8} {counts[2]:6} {dice:6.3f}")


def look_at(case: Case, random: np.random.Generator) -> Looked:
    image = case.images(Progress())[CT]
    order = AxialOrder.of(image.geometry)
    axial = order.apply(image)
    lesions = [one for one in case.truth().lesions if one.mask is not None]
    masks = [order.apply_array(one.mask.full(image.shape_kji)) for one in lesions if one.mask is not None]
    sure = random.uniform(0.5, 0.98, len(masks))
    placing = Placing.of((axial.shape_kji[1], axial.shape_kji[2]), PLAIN.size_px)
    slices = []
    for k in slices_to_look_at(axial.geometry, PLAIN):
        found = oracle(
            [mask[k] for mask in masks], [mask.sum(axis=(1, 2)).max() for mask in masks], sure, placing, random
        )
        slices.append(in_slice(k, found, placing, PLAIN))
    return Looked(axial, masks, slices)


def oracle(
    sections: list[npt.NDArray[np.bool_]],
    largest: list[int],
    sure: npt.NDArray[np.float64],
    placing: Placing,
    random: np.random.Generator,
) -> SliceBoxes:
    """What is seen of a slice with these sections of lesions, whose largest ones have so many pixels."""
    size = PLAIN.size_px
    mask = np.zeros((size, size), dtype=np.float32)
    boxes, probability = [], []
    for section, most, chance in zip(sections, largest, sure, strict=True):
        if not section.any():
            continue
        plane = ndimage.gaussian_filter(placing.resized(section), 1.0)
        inside = mask[: plane.shape[0], : plane.shape[1]]
        np.maximum(inside, plane, out=inside)
        if random.random() < 0.1:
            continue
        rows, columns = np.nonzero(section)
        edges = placing.to_input((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))[0]
        edges += PLAIN.mask_box_margin_px * np.array([-1, -1, 1, 1])
        boxes.append(edges + random.normal(0, 0.06, 4) * np.tile(edges[2:] - edges[:2], 2))
        probability.append(np.clip(chance * np.sqrt(section.sum() / most) + random.normal(0, 0.1), 0.01, 0.99))
    for _ in range(random.poisson(1.0)):
        center, half = random.uniform(0.2 * size, 0.8 * size, 2), random.uniform(8, 25, 2)
        boxes.append(np.concatenate([center - half, center + half]))
        probability.append(random.uniform(0.02, 0.5))
    order = np.argsort(-np.array(probability), kind="stable")
    edges = np.clip(np.array(boxes).reshape(-1, 4), 0, size)[order]
    return SliceBoxes(edges, np.array(probability)[order], cut_windows(mask, window_edges(edges, size, size)))


def judged(scans: list[Looked], settings: UniversalSettings) -> tuple[npt.NDArray[np.int_], float]:
    """Lesions in several pieces, findings on several lesions, lesions not found; and the mean best Dice of those found."""
    counts, best = np.zeros(3, dtype=int), []
    for scan in scans:
        shared = np.array([[dice(mask, one) for one in findings(scan, settings)] for mask in scan.masks])
        meets = shared.reshape(len(scan.masks), -1) > 0.02
        counts += (meets.sum(axis=1) > 1).sum(), (meets.sum(axis=0) > 1).sum(), (~meets.any(axis=1)).sum()
        best += [float(row.max()) for row, met in zip(shared, meets, strict=True) if met.any()]
    return counts, float(np.mean(best))


def findings(scan: Looked, settings: UniversalSettings) -> list[Voxels]:
    """The outlined lesions, as the detector reports them."""
    stride, last = slice_stride(scan.axial.geometry, settings), scan.axial.shape_kji[0] - 1
    told: list[Voxels] = []
    for one in linked(scan.slices, settings, stride, last):
        if one.score >= LEAST_SCORE and one.outlines:
            voxels = voxels_of(one)
            if not lies_in(voxels, told, settings.most_shared):
                told.append(voxels)
    return told


def dice(mask: npt.NDArray[np.bool_], voxels: Voxels) -> float:
    pixels, (i, j, k) = voxels
    nk, nj, ni = pixels.shape
    shared = np.count_nonzero(mask[k : k + nk, j : j + nj, i : i + ni] & pixels)
    return float(2 * shared / (np.count_nonzero(mask) + np.count_nonzero(pixels)))


if __name__ == "__main__":
    main()
