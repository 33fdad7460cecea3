"""Compare ways to segment a lesion from one click: ``python Testing/benchmarks/click_to_measure.py [--real FOLDER]``.

Prints the table of ``click_to_measure.md``: for each way and scene the mean over seeds of Dice with the truth, error of
the volume and of the longest diameter, agreement between seeds, and seconds. The ways that were not chosen live only here.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from click_phantoms import FINE, THICK, dice, phantom
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.click import measure_at
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.recist import recist_of_mask
from scipy import ndimage
from skimage.segmentation import random_walker, watershed

REACH_MM = 35.0
"""The ways that need a window look this far from the seed (they are told nothing of the lesion's size)."""


def crop_around(image, seed_ras_mm, reach_mm=REACH_MM):
    """The window, its start in the image and the seed's voxel in it (i, j, k)."""
    reach = np.ceil(reach_mm / np.array(image.spacing_mm)).astype(int)
    at = np.round(image.geometry.ijk_from_ras(seed_ras_mm)).astype(int)
    low = np.maximum(at - reach, 0)
    high = np.minimum(at + reach + 1, image.shape_kji[::-1])
    return image.crop(tuple(map(int, low)), tuple(map(int, high - low))), low, at - low


def distance_mm(crop, at):
    axes = [np.arange(n) for n in crop.shape_kji]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    return np.linalg.norm((np.stack([i, j, k], -1) - at) * crop.spacing_mm, axis=-1)


def seed_and_around(crop, at):
    """Typical value at the seed, and of what differs most from it within 15 mm."""
    values, distance = crop.voxels.astype(np.float32), distance_mm(crop, at)
    core = np.median(values[distance <= max(2.0, max(crop.spacing_mm[:2]) * 1.5)])
    near = values[distance < 15]
    low, high = np.percentile(near, (15, 85))
    return core, (low if core - low >= high - core else high)


def grabcut(image, seed_ras_mm):
    """OpenCV's GrabCut, slice by slice from the seed's outwards; the previous slice's result starts the next."""
    crop, low, at = crop_around(image, seed_ras_mm)
    core, around = seed_and_around(crop, at)
    half = 1.5 * abs(core - around) + 1e-3
    grey = np.clip((crop.voxels - core) / half * 127 + 128, 0, 255).astype(np.uint8)
    distance, body = distance_mm(crop, at), np.zeros(crop.shape_kji, bool)

    def cut(k, likely):
        marks = np.full(likely.shape, cv2.GC_BGD, np.uint8)
        marks[distance[k] < REACH_MM - 5] = cv2.GC_PR_BGD
        marks[likely] = cv2.GC_PR_FGD
        sure = ndimage.binary_erosion(likely, iterations=2)
        marks[sure if sure.any() else likely] = cv2.GC_FGD
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(cv2.merge([grey[k]] * 3), marks, None, *models, 3, cv2.GC_INIT_WITH_MASK)
        labels, _ = ndimage.label((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD))
        kept = np.unique(labels[likely])
        return np.isin(labels, kept[kept > 0])

    cv2.setRNGSeed(0)
    start = int(at[2])
    rows, columns = np.indices(grey[start].shape)
    body[start] = cut(start, np.hypot(rows - at[1], columns - at[0]) < 4)
    for step in (1, -1):
        k = start + step
        while 0 <= k < len(body):
            likely = ndimage.binary_erosion(body[k - step]) & (np.abs(crop.voxels[k] - core) < abs(core - around) / 2)
            if likely.sum() < 5:
                break
            body[k] = cut(k, likely)
            k += step
    return paste(body, low, image)


def walk(image, seed_ras_mm):
    """Random walker on 1.5 mm voxels: the seed against everything beyond the window or clearly unlike it."""
    crop, low, at = crop_around(image, seed_ras_mm, 30.0)
    core, around = seed_and_around(crop, at)
    coarse = resample(crop, (max(1.5, crop.spacing_mm[0]), max(1.5, crop.spacing_mm[1]), max(1.5, crop.spacing_mm[2])))
    where = np.round(coarse.geometry.ijk_from_ras(seed_ras_mm)).astype(int)
    distance, scale = distance_mm(coarse, where), abs(core - around) + 1e-3
    labels = np.zeros(coarse.shape_kji, np.int32)
    labels[(np.abs(coarse.voxels - around) < 0.25 * scale) | (distance > 28)] = 2
    labels[(distance <= max(2.5, max(coarse.spacing_mm))) & (np.abs(coarse.voxels - core) < 0.5 * scale)] = 1
    labels[tuple(where[::-1])] = 1
    data = (coarse.voxels - core) / scale
    found = random_walker(data, labels, beta=60, mode="cg_j", tol=1e-2, spacing=np.array(coarse.spacing_mm[::-1]))
    zoom = np.array(crop.shape_kji) / coarse.shape_kji
    body = ndimage.zoom((found == 1).astype(np.float32), zoom, order=1, grid_mode=True, mode="nearest") > 0.5
    return paste(body, low, image)


def grow(image, seed_ras_mm):
    """Half-way threshold, opening by a ball of a third of the inner radius, hull of lung air: after Kuhnigk et al. 2006."""
    crop, low, at = crop_around(image, seed_ras_mm)
    core, around = seed_and_around(crop, at)
    values = crop.voxels.astype(np.float32)
    if abs(core - around) < 150:
        values = ndimage.gaussian_filter(values, 1.0 / np.array(crop.spacing_mm[::-1]))
    alike = np.abs(values - core) < abs(around - core) / 2
    if around < -500:
        alike = values > (core + around) / 2
        for plane, air in zip(alike, values < (core + around) / 2, strict=True):
            points = cv2.findNonZero(air.astype(np.uint8))
            if points is not None:
                plane &= cv2.fillConvexPoly(np.zeros(plane.shape, np.uint8), cv2.convexHull(points), 1) > 0
    depth = ndimage.distance_transform_edt(np.pad(alike, 1), sampling=crop.spacing_mm[::-1])[1:-1, 1:-1, 1:-1]
    inner = depth[distance_mm(crop, at) < 6].max() / 3
    labels, _ = ndimage.label(depth > inner)
    kept = labels[tuple(at[::-1])] or labels.flat[np.where(labels > 0, distance_mm(crop, at), np.inf).argmin()]
    away = ndimage.distance_transform_edt(labels != kept, sampling=crop.spacing_mm[::-1]) if kept else None
    return paste(alike & (away <= 1.2 * inner) if kept else alike & False, low, image)


def fixed_share(image, seed_ras_mm):
    """PET: 41 % of the maximum near the seed, within the seed's watershed basin."""
    crop, low, at = crop_around(image, seed_ras_mm, 70.0)
    values = ndimage.gaussian_filter(crop.voxels.astype(np.float32), 0.7)
    near = distance_mm(crop, at) < 10
    peak = np.where(near, crop.voxels, 0).max()
    tops = (ndimage.maximum_filter(values, 5) == values) & (values > 0.41 * peak)
    basins = watershed(-values, ndimage.label(tops)[0], mask=crop.voxels > 0.41 * peak)
    own = np.unique(basins[near & (crop.voxels > 0.8 * peak)])
    return paste(np.isin(basins, own[own > 0]), low, image)


def paste(body, low, image):
    full = np.zeros(image.shape_kji, bool)
    nk, nj, ni = body.shape
    full[low[2] : low[2] + nk, low[1] : low[1] + nj, low[0] : low[0] + ni] = body
    return full


def chosen(image, seed_ras_mm):
    """The product: star-shaped surface and half-level fill."""
    return measure_at(image, seed_ras_mm).mask.full(image.shape_kji)


WAYS = {
    "star surface": chosen,
    "region growing": grow,
    "random walker": walk,
    "GrabCut": grabcut,
    "41 % of max": fixed_share,
}


def phantom_scenes():
    for kind in ("solid", "vessel", "pleura", "ground-glass", "liver", "mass", "pet", "pet-hot"):
        for mm in (4, 8, 16, 30, 40):
            if mm < {"liver": 8, "mass": 8, "pet": 14, "pet-hot": 14}.get(kind, 4):
                continue
            for spacing in (FINE, THICK) if mm in (16, 30) and not kind.startswith("pet") else (FINE,):
                scene = phantom(kind, mm, spacing)
                rng = np.random.default_rng(1)
                steps = rng.standard_normal((2, 3))
                shifts = steps / np.linalg.norm(steps, axis=1, keepdims=True) * 0.2 * mm
                yield kind, scene.image, scene.truth, scene.seed_ras_mm + np.vstack([np.zeros(3), shifts])


def load(path, modality, unit):
    import SimpleITK as sitk

    source = sitk.ReadImage(str(path))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(source.GetDirection()).reshape(3, 3) * np.array(source.GetSpacing())
    matrix[:3, 3] = source.GetOrigin()
    return to_axial(Image(sitk.GetArrayFromImage(source), np.diag([-1, -1, 1, 1]) @ matrix, modality, unit))


def real_scenes(folder):
    """LIDC-IDRI 0314, one DeepLesion volume, six soft-tissue sarcomas in PET and CT: see the folder's README."""
    nodule = folder / "lidc-0314"
    yield with_seeds("LIDC nodule", load(nodule / "crop_ct.nrrd", CT, HU), load(nodule / "crop_label.nrrd", "", ""))
    stored = folder / "deeplesion"
    truth = np.load(stored / "CT_Lesion_000001_02_01_008-023.npz")["gts"].transpose(0, 2, 1)
    slices = [
        cv2.imread(str(p), -1).astype(np.int32) - 32768 for p in sorted((stored / "Images_png/000001_02_01").glob("*"))
    ]
    image = Image(np.stack(slices).astype(np.int16), np.diag([-0.314453, -0.314453, 5.0, 1.0]), CT, HU)
    yield with_seeds("DeepLesion mass", image, image.with_voxels(truth.astype(np.uint8)))
    for patient in sorted((folder / "sts-petct").glob("STS_*")):
        for kind, modality, unit in (("PET", PET, SUV_BW), ("CT", CT, HU)):
            image = load(patient / f"{kind}_image.nii.gz", modality, unit)
            yield with_seeds(f"sarcoma {kind}", image, load(patient / f"{kind}_mask.nii.gz", "", ""))


def with_seeds(name, image, label):
    """Seeds: the deepest voxel and four at least half as deep."""
    truth = label.voxels > 0
    depth = ndimage.distance_transform_edt(np.pad(truth, 1), sampling=image.spacing_mm[::-1])[1:-1, 1:-1, 1:-1]
    inner = np.argwhere(depth > 0.5 * depth.max())
    some = inner[np.random.default_rng(0).choice(len(inner), 4)]
    kji = np.vstack([np.unravel_index(depth.argmax(), depth.shape), some])
    return name, image, truth, image.geometry.ras_from_ijk(kji[:, ::-1])


def judge(way, image, truth, seeds):
    """Means over the seeds: Dice, volume error, error of the longest diameter (mm), agreement, seconds."""
    true_long = recist_of_mask(Mask.from_full(truth), image.geometry).long_mm
    masks, rows = [], []
    for seed in seeds:
        begin = time.perf_counter()
        try:
            mask = way(image, seed)
        except InputError:
            mask = np.zeros(truth.shape, bool)
        seconds = time.perf_counter() - begin
        long = recist_of_mask(Mask.from_full(mask), image.geometry).long_mm if mask.any() else 0.0
        rows.append((dice(mask, truth), abs(mask.sum() / truth.sum() - 1), abs(long - true_long), seconds))
        masks.append(mask)
    agreement = np.mean([dice(a, b) for n, a in enumerate(masks) for b in masks[:n]])
    result = np.mean(rows, axis=0)
    return [*result[:3], agreement, result[3]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="folder with lidc-0314, deeplesion and sts-petct")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    options = parser.parse_args()
    table: dict[tuple[str, str], list[list[float]]] = {}
    scenes = [phantom_scenes()] + ([real_scenes(options.real)] if options.real else [])
    for name, image, truth, seeds in (scene for part in scenes for scene in part):
        for way in options.ways:
            if way == "41 % of max" and image.modality != PET:
                continue
            table.setdefault((name, way), []).append(judge(WAYS[way], image, truth, seeds))
    print("| scene | way | Dice | volume error | long axis error, mm | agreement of seeds | s |")
    print("|---|---|---|---|---|---|---|")
    for (name, way), rows in table.items():
        score, volume, axis, agreement, seconds = np.mean(rows, axis=0)
        print(f"| {name} | {way} | {score:.3f} | {100 * volume:.0f} % | {axis:.1f} | {agreement:.3f} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
