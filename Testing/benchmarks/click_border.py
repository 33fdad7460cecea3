"""What clicks on the true border make of an outline: ``python Testing/benchmarks/click_border.py [--real FOLDER]``.

Prints the table of ``click_border.md``: Dice with the truth after the first click and after up to three further ones, each
on the place of the true border that lies farthest from the outline, as a person would set it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from click_phantoms import FINE, PET_GRID, THICK, at_an_organ, dice, phantom
from click_to_measure import load
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW
from LesionDetectionLib.imaging.click import measure_at
from scipy import ndimage
from scipy.spatial import cKDTree

CLICKS = 3


def faces(mask):
    """[N, 3] (i, j, k) middles of the faces between inside and outside."""
    found = []
    for axis in range(3):
        kji = np.argwhere(np.diff(np.pad(mask, 1).astype(np.int8), axis=axis)).astype(float) - 1
        kji[:, axis] += 0.5
        found.append(kji)
    return np.concatenate(found)[:, ::-1]


def worst_place(mask, truth, image):
    """The place of the true border that lies farthest from the mask's, RAS mm."""
    steps, true = np.array(image.spacing_mm), faces(truth)
    return image.geometry.ras_from_ijk(true[cKDTree(faces(mask) * steps).query(true * steps)[0].argmax()])


def clicked(image, truth, seed):
    """Dice after each click, how many voxels the points lie off the outline at most, and seconds a corrected outline."""
    mask = measure_at(image, seed).mask.full(image.shape_kji)
    scores, points, off, seconds = [dice(mask, truth)], [], 0.0, []
    for _ in range(CLICKS):
        points.append(worst_place(mask, truth, image))
        start = time.perf_counter()
        try:
            mask = measure_at(image, seed, border_ras_mm=points).mask.full(image.shape_kji)
        except UsageError:  # too far away, or behind another: a person would be told so
            break
        seconds.append(time.perf_counter() - start)
        scores.append(dice(mask, truth))
        off = max(off, float(cKDTree(faces(mask)).query(image.geometry.ijk_from_ras(points))[0].max()))
    return scores, off, float(np.mean(seconds)) if seconds else 0.0


def scenes(real):
    for kind in ("vessel", "pleura", "ground-glass", "liver", "solid", "mass"):
        for mm in (8, 16, 30):
            yield f"{kind} {mm} mm", phantom(kind, mm, FINE)
    for kind, mm, grid in (
        ("vessel", 16, THICK),
        ("pleura", 30, THICK),
        ("pet", 20, PET_GRID),
        ("pet-hot", 30, PET_GRID),
    ):
        yield f"{kind} {mm} mm, slices {grid[2]:g} mm", phantom(kind, mm, grid)
    for mm, overlap in ((10, 3), (10, 5), (16, 8), (24, 12)):
        yield f"{mm} mm, {overlap} mm of it in an organ", at_an_organ(mm, overlap)
    if real is None:
        return
    pairs = [("LIDC nodule", "lidc-0314/crop_ct.nrrd", "lidc-0314/crop_label.nrrd", CT, HU)]
    for patient in range(1, 7):
        for kind, modality, unit in (("CT", CT, HU), ("PET", PET, SUV_BW)):
            folder = f"sts-petct/STS_{patient:03d}/{kind}"
            pairs.append(
                (f"sarcoma {patient} {kind}", f"{folder}_image.nii.gz", f"{folder}_mask.nii.gz", modality, unit)
            )
    for name, scan, label, modality, unit in pairs:
        yield name, (load(real / scan, modality, unit), load(real / label, "", "").voxels > 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path)
    print("| scene | one click | and one on the border | two | three | voxels off at most | s |\n|" + "---|" * 7)
    for name, scene in scenes(parser.parse_args().real):
        if isinstance(scene, tuple):
            image, truth = scene
            depth = ndimage.distance_transform_edt(np.pad(truth, 1), sampling=image.spacing_mm[::-1])[1:-1, 1:-1, 1:-1]
            seed = image.geometry.ras_from_ijk(np.unravel_index(depth.argmax(), depth.shape)[::-1])
        else:
            image, truth, seed = scene.image, scene.truth, scene.seed_ras_mm
        scores, off, seconds = clicked(image, truth, seed)
        cells = [f"{score:.3f}" for score in scores] + ["refused"] * (CLICKS + 1 - len(scores))
        print(f"| {name} | {' | '.join(cells)} | {off:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
