"""How good masks from two diameters are: ``python Testing/benchmarks/recist_mask.py [--real FOLDER] [--phantoms 10]``.

Prints the tables of ``recist_mask.md``: IoU of each way in a slice by data, by contrast and by size; Dice of what is carried
to the neighbouring slices; milliseconds. Diameters come from the true masks, with ends as inexact as a reader's
(``recist_scenes.drawn``); those of a reader where it says so.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Recist
from LesionDetectionLib.imaging.geometry import AxialOrder, to_axial
from LesionDetectionLib.imaging.recist_lines import key_slice
from LesionDetectionLib.imaging.recist_mask import BEST, DILATED, ELLIPSE, GRABCUT, Diameters, recist_lesion
from LesionDetectionLib.imaging.recist_ways import Part
from LesionDetectionLib.io.files import read_image
from recist_scenes import diameters_of, drawn, scenes
from scipy import ndimage

SHOWN = (ELLIPSE, DILATED, GRABCUT, BEST)
AROUND_PX = 60
TUNED = "tuned on"
"""Sets with this in their name gave the thresholds of ``recist_choice``; the others judge them."""
SCENES_TUNED, PHANTOMS_TUNED, PATIENTS_TUNED = 150, 10, ("STS_001", "STS_002", "STS_003")


@dataclass(frozen=True, eq=False)
class Plane:
    """One lesion in one slice."""

    data: str
    values: np.ndarray
    diameters: Diameters
    truth: np.ndarray


@dataclass
class Found:
    """IoU by way, and how the lesion stands out."""

    data: str
    iou: dict[str, float] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    contrast_to_noise: float = 0.0
    size_px: float = 0.0
    chosen: str = ""


def overlap(one, other):
    return np.count_nonzero(one & other) / max(np.count_nonzero(one | other), 1)


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def largest(plane):
    labels, _ = ndimage.label(plane, np.ones((3, 3)))
    return labels == np.bincount(labels.ravel())[1:].argmax() + 1


def cut_out(data, values, truth, rng, diameters=None, reader=None):
    """The part of a slice around a lesion; diameters of ``reader``'s mask, or of the truth with inexact ends."""
    rows, columns = np.nonzero(truth if reader is None else truth | reader)
    pad = AROUND_PX + int(max(np.ptp(rows), np.ptp(columns))) // 2
    part = np.s_[max(rows.min() - pad, 0) : rows.max() + pad, max(columns.min() - pad, 0) : columns.max() + pad]
    own = truth[part] if reader is None else reader[part]
    made = diameters_of(own) if reader is not None else drawn(diameters_of(own), rng)
    return Plane(data, np.asarray(values[part], np.float32), made, truth[part])


def slices_of(data, image, mask, rng, which=slice(None)):
    """A lesion's slices; ``which`` of them, in falling order of area."""
    values, truth = to_axial(image).voxels, AxialOrder.of(image.geometry).apply_array(mask)
    planes = [(k, largest(truth[k])) for k in np.flatnonzero(truth.any(axis=(1, 2)))]
    planes.sort(key=lambda pair: -np.count_nonzero(pair[1]))
    return [cut_out(data, values[k], own, rng) for k, own in planes[which] if np.count_nonzero(own) >= 4]


def scene_planes(count):
    for n, scene in enumerate(scenes(range(count))):
        used = TUNED if n < SCENES_TUNED else "test"
        yield Plane(f"scenes, {scene.surroundings} ({used})", scene.plane, scene.diameters, scene.truth)


def phantom_lesions(spec):
    from LesionTrainingLib.cohorts.spec import open_cohort

    for case in open_cohort(spec).cases:
        image = next(iter(case.images().values()))
        for lesion in case.truth().lesions:
            if lesion.mask is not None:
                yield case, image, lesion.mask.full(image.shape_kji)


def deeplesion(folder):
    """Image, mask and the reader's diameters of the one key slice with a mask: row 3 of the list."""
    (path,) = sorted(folder.glob("CT_Lesion_*.npz"))
    truth = np.load(path)["gts"].transpose(0, 2, 1) > 0
    series, first = folder / "Images_png" / "000001_02_01", 8
    planes = [cv2.imread(str(series / f"{first + n:03d}.png"), cv2.IMREAD_UNCHANGED) for n in range(len(truth))]
    matrix = np.diag([-0.314453, -0.314453, -5.0, 1.0])
    image = Image(np.stack(planes).astype(np.int32) - 32768, matrix, "CT", "HU", "DeepLesion")
    ends = np.array([[272.323, 320.763], [246.522, 263.371], [234.412, 305.494], [280.221, 288.118]]) - 1
    return image, truth, 17 - first, ends


def readers(folder, truth, image):
    """Each reader's outline of the nodule in each slice, as masks."""
    from LesionTrainingLib.cohorts.lidc_readings import read_readings

    for session in read_readings(folder / "readings.xml").sessions:
        for reading in session.nodules:
            for contour in () if reading.is_small else reading.contours:
                k = round((contour.z_mm - image.ijk_to_ras[2, 3]) / image.spacing_mm[2])
                points = np.array(contour.points_xy)
                own, edge = np.zeros((2, *truth[k].shape), np.uint8)
                cv2.fillPoly(own, [points], 1)
                cv2.polylines(edge, [points], True, 1)
                own = (own > 0) & (edge == 0)
                if (own & truth[k]).any():
                    yield k, own


def real_planes(folder, rng):
    image, truth, key, ends = deeplesion(folder / "deeplesion")
    a, b, c, d = (tuple(end) for end in ends.tolist())
    values = to_axial(image).voxels[::-1]
    yield Plane("DeepLesion, the reader's diameters", values[key], Diameters((a, b), (c, d)), truth[key])
    yield from slices_of("DeepLesion, all slices", image, truth, rng)
    image, label = (read_image(folder / "lidc-0314" / name) for name in ("ct.nrrd", "nodule_label.nrrd"))
    yield from slices_of("LIDC nodule", image, label.voxels > 0, rng)
    axial, truth = to_axial(image), AxialOrder.of(image.geometry).apply_array(label.voxels > 0)
    for k, own in readers(folder / "lidc-0314", truth, axial):
        yield cut_out("LIDC nodule, diameters of each reader's outline", axial.voxels[k], truth[k], rng, reader=own)
    for patient in sorted((folder / "sts-petct").glob("STS_*")):
        image, label = (read_image(patient / f"CT_{name}.nii.gz") for name in ("image", "mask"))
        used = TUNED if patient.name in PATIENTS_TUNED else "test"
        yield from slices_of(f"sarcoma ({used})", image, label.voxels > 0, rng, slice(None, None, 3))


def judged(plane):
    begin = time.process_time()
    part = Part.of(plane.values, plane.diameters, None, " HU")
    found = Found(plane.data, contrast_to_noise=part.look.contrast_to_noise)
    found.size_px = float(np.sqrt(plane.diameters.long_px * plane.diameters.short_px))
    found.milliseconds["look"] = 1000 * (time.process_time() - begin)
    for way in SHOWN:
        begin = time.process_time()
        voxels, chosen, _ = part.made(way)
        found.milliseconds[way] = 1000 * (time.process_time() - begin)
        own = np.zeros_like(plane.truth)
        own[part.rows, part.columns] = voxels
        found.iou[way] = overlap(own, plane.truth)
    found.chosen = chosen
    return found


def table(title, rows, group, names):
    print(f"\n| {title} | n | " + " | ".join(SHOWN) + " | GrabCut chosen |\n|" + "---|" * (len(SHOWN) + 3))
    for name in names:
        own = [row for row in rows if group(row) == name]
        if own:
            means = " | ".join(f"{np.mean([row.iou[way] for row in own]):.3f}" for way in SHOWN)
            share = np.mean([row.chosen == GRABCUT for row in own])
            print(f"| {name} | {len(own)} | {means} | {100 * share:.0f} % |")


def band(value, edges):
    low = max((edge for edge in edges if edge <= value), default=edges[0])
    high = min((edge for edge in edges if edge > value), default=None)
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"


def bands(edges):
    return [band(edge, edges) for edge in edges]


def print_slices(rows):
    table("data", rows, lambda row: row.data, dict.fromkeys(row.data for row in rows))
    noise, size = (0, 1, 2, 2.5, 4, 8, 16), (0, 5, 8, 12, 20, 40)
    table("contrast / noise", rows, lambda row: band(row.contrast_to_noise, noise), bands(noise))
    table("size, pixels", rows, lambda row: band(row.size_px, size), bands(size))
    print("\n| processor ms a lesion | median | 95 % |\n|---|---|---|")
    for way in ("look", *SHOWN[:-1]):
        spent = [row.milliseconds[way] for row in rows]
        print(f"| {way} | {np.median(spent):.1f} | {np.percentile(spent, 95):.1f} |")


def volumes(options, rng):
    """data, image, true mask, diameters (RAS mm) in the slice of the longest one."""
    from LesionDetectionLib.core.lesion import Mask
    from LesionDetectionLib.imaging.recist import recist_of_mask

    def with_diameters(data, image, truth):
        exact = key_slice(image, recist_of_mask(Mask.from_full(truth), image.geometry))
        return data, image, truth, in_patient(image, exact.k, drawn(exact.diameters, rng).ends)

    for spec in options.spec:
        for _, image, truth in phantom_lesions(spec):
            yield with_diameters(spec.partition("?")[0], image, truth)
    if options.real:
        image, truth, key, ends = deeplesion(options.real / "deeplesion")
        yield "DeepLesion, the reader's diameters", image, truth, in_patient(image, len(truth) - 1 - key, ends)
        image, label = (read_image(options.real / "lidc-0314" / name) for name in ("ct.nrrd", "nodule_label.nrrd"))
        yield with_diameters("LIDC nodule", image, label.voxels > 0)
        for patient in sorted((options.real / "sts-petct").glob("STS_*")):
            image, label = (read_image(patient / f"CT_{name}.nii.gz") for name in ("image", "mask"))
            yield with_diameters("sarcoma", image, label.voxels > 0)


def in_patient(image, k, ends):
    grid: Geometry = to_axial(image).geometry
    a, b, c, d = (tuple(p) for p in grid.ras_from_ijk([(x, y, k) for x, y in ends]).tolist())
    return Recist((a, b), (c, d))


def print_volumes(options, rng):
    found: dict[str, list[list[float]]] = {}
    for data, image, truth, recist in volumes(options, rng):
        try:
            lesions = [recist_lesion(image, recist, way) for way in (ELLIPSE, GRABCUT, BEST)]
            flat = recist_lesion(image, recist, BEST, carry=False)
        except Exception as error:
            print(f"<!-- {data}: {error} -->")
            continue
        row = [dice(lesion.mask.full(image.shape_kji), truth) for lesion in (flat, *lesions)]
        found.setdefault(data, []).append(row)
    print("\n| Dice in 3D | n | the key slice alone | ellipsoid | grabcut | best |\n|---|---|---|---|---|---|")
    for data, rows in found.items():
        print(f"| {data} | {len(rows)} | " + " | ".join(f"{n:.3f}" for n in np.mean(rows, axis=0)) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="folder with deeplesion, lidc-0314 and sts-petct")
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--spec", nargs="*", default=[], help="cohorts of phantoms, such as phantoms:chest?seeds=0-19")
    parser.add_argument("--only", choices=("slices", "volumes"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    if options.only != "volumes":
        planes = list(scene_planes(options.scenes))
        for spec in options.spec:
            name = spec.partition("?")[0]
            for case, image, truth in phantom_lesions(spec):
                tuned = "chest" in name and case.seed < PHANTOMS_TUNED
                planes += slices_of(f"{name} ({TUNED if tuned else 'test'})", image, truth, rng, slice(0, 5, 2))
        planes += real_planes(options.real, rng) if options.real else []
        print_slices([judged(plane) for plane in planes])
    if options.only != "slices":
        print_volumes(options, rng)


if __name__ == "__main__":
    main()
