"""Surface distances: seconds and accuracy beside SimpleITK, border voxels, and all pairs, in one run.

    python Testing/benchmarks/surface_distance.py [--seconds-only]

Time: two masks of 512 x 512 x 100 voxels, of a nodule and of a large organ. Ours is given whole images and finds the
part that they fill; the ratio is the other's time over ours. SimpleITK's Hausdorff filter takes sets of
voxels, no surfaces, and whole images; it is given whole ones as they are, and also the part that the masks fill. All pairs
(SciPy's cdist) takes memory by the square: it is measured on the nodule, and on the organ for a sample of elements, scaled
up.

Accuracy: the mean distance of spheres in one another, which is the difference of their radii, over eight places of the
centre between the voxels.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import SimpleITK as sitk
from LesionTrainingLib.evaluation.metrics.regions import joint_region
from LesionTrainingLib.evaluation.metrics.surface import surface_distances, surface_elements
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

SHAPE_KJI, SPACING_KJI = (100, 512, 512), (2.5, 0.78, 0.78)
SAMPLE = 2000
SPHERES = ((10.0, 14.0), (10.0, 11.0), (4.0, 5.0))
GRIDS = ((1.0, 1.0, 1.0), (2.0, 0.6, 0.8), (2.5, 0.78, 0.78), (5.0, 0.8, 0.8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds-only", action="store_true")
    options = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    print(f"{' x '.join(map(str, SHAPE_KJI[::-1]))} voxels, one thread, {platform.processor() or platform.machine()}")
    surface_distances(*two_ellipsoids((9, 9, 9)), SPACING_KJI)  # loads what is loaded once
    for name, radii in (("nodule", (8, 8, 8)), ("organ", (100, 110, 130))):
        seconds(name, *two_ellipsoids(radii))
    if not options.seconds_only:
        accuracy()


def seconds(name: str, first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> None:
    ours, found = timed(lambda: surface_distances(first, second, SPACING_KJI))
    elements = [surface_elements(mask, np.array(SPACING_KJI))[0] for mask in (first, second)]
    print(f"\n{name}: {first.sum()} and {second.sum()} voxels, {len(elements[0])} and {len(elements[1])} elements")
    print(f"{'ours':34} {ours:8.3f} s           Hausdorff {found.hausdorff_mm:6.2f} mm, mean {found.mean_mm:.3f} mm")
    region = joint_region(first, second)
    assert region is not None
    region = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in region)
    others: list[tuple[str, Callable[[], tuple[float, float | None]]]] = [
        ("SimpleITK, whole image", lambda: (simpleitk_hausdorff(first, second), None)),
        ("SimpleITK, where the masks are", lambda: (simpleitk_hausdorff(first[region], second[region]), None)),
        ("distance maps of border voxels", lambda: by_distance_maps(first[region], second[region])),
    ]
    for label, compute in others:
        spent, (hausdorff, mean) = timed(compute)
        told = "" if mean is None else f", mean {mean:.3f} mm"
        print(f"{label:34} {spent:8.3f} s {spent / ours:6.1f} x  Hausdorff {hausdorff:6.2f} mm{told}")
    spent, scaled = all_pairs(elements)
    print(f"{'all pairs (cdist)':34} {spent:8.3f} s {spent / ours:6.1f} x{'  scaled up' if scaled else ''}")


def all_pairs(elements: list[np.ndarray[Any, Any]]) -> tuple[float, bool]:
    """Seconds, and whether they are scaled up from a sample."""
    first, second = elements
    if len(first) <= SAMPLE:
        spent, _ = timed(lambda: (pairs := cdist(first, second)).min(axis=0).max() + pairs.min(axis=1).max())
        return spent, False
    spent, _ = timed(lambda: (pairs := cdist(first[:SAMPLE], second)).min(axis=0).max() + pairs.min(axis=1).max())
    return spent * len(first) / SAMPLE, True


def simpleitk_hausdorff(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (first, second)]
    for image in images:
        image.SetSpacing(SPACING_KJI[::-1])
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(*images)
    return float(measure.GetHausdorffDistance())


def by_distance_maps(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The usual way: a distance map of each surface's voxels, read at those of the other."""
    borders = [mask & ~ndimage.binary_erosion(mask) for mask in (first, second)]
    maps = [ndimage.distance_transform_edt(~border, sampling=SPACING_KJI) for border in borders]
    distances = np.concatenate([maps[1][borders[0]], maps[0][borders[1]]])
    return float(distances.max()), float(distances.mean())


def accuracy() -> None:
    print(f"\nmean distance in mm     {'truth':>8} {'ours':>8} {'corners':>8} {'border voxels':>14}")
    for grid in GRIDS:
        for inner, outer in SPHERES:
            rows = []
            for shift in np.ndindex(2, 2, 2):
                centre = np.array((20.0, 20.0, 20.0)) + np.array(shift) * grid / np.array(3.0)
                masks = [sphere(centre, radius, grid) for radius in (inner, outer)]
                ours, corners = (surface_distances(*masks, grid, at_corners=at).mean_mm for at in (False, True))
                rows.append((ours, corners, border_mean(*masks, grid)))
            ours, corners, border = np.mean(rows, axis=0)
            label = " x ".join(f"{mm:g}" for mm in grid[::-1])
            print(f"{label:23} {outer - inner:8.2f} {ours:8.2f} {corners:8.2f} {border:14.2f}")


def border_mean(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], grid: tuple[float, ...]) -> float:
    a, b = (np.argwhere(mask & ~ndimage.binary_erosion(mask)) * grid for mask in (first, second))
    return float(np.concatenate([cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]]).mean())


def sphere(centre: np.ndarray[Any, Any], radius: float, grid: tuple[float, ...]) -> np.ndarray[Any, Any]:
    shape = tuple(int(np.ceil(42 / mm)) for mm in grid)
    return ellipsoid(shape, centre, (radius, radius, radius), grid)


def two_ellipsoids(radii_mm: tuple[float, ...]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The second is a little larger and lies 2 mm aside."""
    centre = np.array((125.0, 200.0, 200.0))
    larger = tuple(1.05 * radius for radius in radii_mm)
    return (
        ellipsoid(SHAPE_KJI, centre, radii_mm, SPACING_KJI),
        ellipsoid(SHAPE_KJI, centre + np.array((0, 2, 0)), larger, SPACING_KJI),
    )


def ellipsoid(
    shape: tuple[int, ...], centre: np.ndarray[Any, Any], radii: tuple[float, ...], grid: tuple[float, ...]
) -> np.ndarray[Any, Any]:
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    inside: np.ndarray[Any, Any] = (
        sum(((x * mm - c) / r) ** 2 for x, mm, c, r in zip(axes, grid, centre, radii, strict=True)) < 1
    )
    return inside


def timed(compute: Callable[[], Any]) -> tuple[float, Any]:
    """The best of three, and the result."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        result = compute()
        best = min(best, time.perf_counter() - start)
    return best, result


if __name__ == "__main__":
    main()
