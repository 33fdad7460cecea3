"""How well two scans are aligned: ``python Testing/benchmarks/alignment.py --real FOLDER``.

Prints the table of ``alignment.md``: real scans against themselves after a known rigid move, with noise, cut, and with a push
of the lung bases as by breathing; then pairs that cannot be aligned. FOLDER holds ``lidc-0314``, ``thorax-small``, ``crlm-ct-1004``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import understood_as
from LesionDetectionLib.imaging.alignment import Alignment, align
from LesionDetectionLib.imaging.geometry import resample
from LesionDetectionLib.io.files import read_image
from scipy import ndimage
from scipy.spatial.transform import Rotation

MOVES = (
    ((0, 0, 0), (0, 0, 0), 0.0, 1.0),
    ((3, -4, 6), (20, -15, 300), 0.0, 1.0),
    ((-6, 5, -8), (-40, 30, -900), 0.25, 1.0),
    ((2, 2, 10), (5, 60, 77), 0.0, 0.6),
)
"""Turn in degrees, shift in mm, and which part of the slices the second scan has."""
PUSHES_MM = (5.0, 10.0, 20.0)


def again(image, angles, shift, first, last, push_mm=0.0, seed=0):
    """The scan after a move about its middle, as an oblique grid, with noise of 30 HU; and the move."""
    count = image.shape_kji[0]
    low, high = int(first * count), int(last * count)
    cut = image.crop((0, 0, low), (*image.shape_kji[:0:-1], high - low))
    voxels = cut.voxels.astype(np.float32)
    if push_mm:
        height = np.arange(count) / count
        push = push_mm / image.spacing_mm[2] * np.exp(-(((height - 0.25) / 0.25) ** 2))
        at = np.meshgrid(np.arange(count) + push, *[np.arange(n) for n in voxels.shape[1:]], indexing="ij")
        voxels = ndimage.map_coordinates(voxels, at, order=1, mode="nearest")
    voxels = voxels + np.random.default_rng(seed).normal(0, 30, voxels.shape).astype(np.float32)
    middle = image.geometry.ras_from_ijk((np.array(image.shape_kji[::-1]) - 1) / 2)
    move = np.eye(4)
    move[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    move[:3, 3] = middle + shift - move[:3, :3] @ middle
    return replace(cut, voxels=voxels, ijk_to_ras=move @ cut.ijk_to_ras), move


def row(name, first, second, truth=None):
    start = time.perf_counter()
    try:
        found = align(first, second)
    except InputError as error:
        print(
            f"| {name} | refused: {str(error).split('(')[-1].strip('.)')} | | | | {time.perf_counter() - start:.1f} |",
            flush=True,
        )
        return
    seconds, off = time.perf_counter() - start, ""
    if truth is not None:
        ends = np.array(first.shape_kji[::-1]) - 1
        places = first.geometry.ras_from_ijk(np.random.default_rng(0).uniform(0.15, 0.85, (200, 3)) * ends)
        away = np.linalg.norm(found.apply(places) - Alignment(truth).apply(places), axis=1)
        off = f"{away.mean():.1f} (at most {away.max():.1f})"
    print(
        f"| {name} | {off} | {found.correlation:.3f} | {100 * found.overlap:.0f} % | {found.disagreement_mm:.1f} | {seconds:.1f} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, required=True)
    real = parser.parse_args().real
    thorax = next(path for path in sorted((real / "thorax-small").iterdir()) if path.suffix in (".gz", ".nrrd", ".nii"))
    paths = {"chest": real / "lidc-0314/ct.nrrd", "trunk, 3 mm": thorax, "liver, 5 mm": real / "crlm-ct-1004/image"}
    scans = {name: understood_as(read_image(path)) for name, path in paths.items()}
    print("| scans | error in mm | correlation | overlap | disagreement, mm | s |\n|" + "---|" * 6)
    for name, scan in scans.items():
        for angles, shift, first, last in MOVES:
            second, truth = again(scan, angles, shift, first, last)
            part = "" if (first, last) == (0.0, 1.0) else f", {100 * first:.0f} to {100 * last:.0f} % of the slices"
            row(f"{name}, turned by {angles}, shifted by {shift}{part}", scan, second, truth)
    chest = resample(scans["chest"], (2.0, 2.0, 2.0))
    for push in PUSHES_MM:
        second, truth = again(chest, (2, -3, 4), (10, -8, 150), 0.0, 1.0, push)
        row(f"chest, lung bases pushed by {push:g} mm", chest, second, truth)
    names = list(scans)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        row(f"{names[a]} and {names[b]} (other patients, other parts)", scans[names[a]], scans[names[b]])
    nk, nj, ni = chest.shape_kji
    row(
        "chest, lowest and highest third",
        chest.crop((0, 0, 0), (ni, nj, nk // 3)),
        chest.crop((0, 0, 2 * nk // 3), (ni, nj, nk // 3)),
    )
    lower, upper = chest.crop((0, 0, 0), (ni, nj, 2 * nk // 3)), chest.crop((0, 0, nk // 3), (ni, nj, 2 * nk // 3))
    row("chest, lower and upper two thirds", lower, upper, np.eye(4))


if __name__ == "__main__":
    main()
