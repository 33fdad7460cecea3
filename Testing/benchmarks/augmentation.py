"""What varying a batch of 3D patches costs, against the plain way and the libraries that users would pick.

    python Testing/benchmarks/augmentation.py [--device cpu|cuda] [--threads N] [--batch 64] [--size 24 60 60]

All do the same to each patch and its mask: flips, quarter turns, rotation, scale and shift with linear interpolation
(nearest for the mask); then, to the image, a filter and noise on every second patch, contrast and offset. The plain way
does it patch by patch with SciPy, with the very transforms that were drawn for ours; the results are compared. MONAI,
TorchIO and batchgeneratorsv2 (nnU-Net's) take part where they are installed, patch by patch as they are meant to be used.
Medians of several rounds in which the ways take turns; on the processor it is its time that counts (all threads
together), not that of the clock, so that a busy machine is unfair to none.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

from LesionTrainingLib.learning.augmentation.drawn import noise, seeds  # noqa: E402
from LesionTrainingLib.learning.augmentation.intensity import IntensityChanges, IntensitySettings  # noqa: E402
from LesionTrainingLib.learning.augmentation.patches import cut_patches  # noqa: E402
from LesionTrainingLib.learning.augmentation.spatial_3d import GeometrySettings, PatchTransforms  # noqa: E402

ANGLE, SCALE, SHIFT = 0.26, 0.1, 3.0
GEOMETRY = GeometrySettings(
    rotation_rad=(ANGLE,) * 3, shift_voxels=(SHIFT,) * 3, scale_range=(1 - SCALE, 1 + SCALE), scale_share=1.0, free_share=1.0
)  # fmt: skip
INTENSITY = IntensitySettings(slice_blur=0.0, correlated_noise_share=0.0)
Way = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images, masks), [n, 1, z, y, x] -> the same, varied."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, nargs=3, default=(24, 60, 60))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device, size = torch.device(options.device), tuple(options.size)
    images = torch.randn(options.batch, 1, *size, generator=torch.Generator().manual_seed(0)) * 200 - 400
    masks = (images > 0).to(torch.uint8)
    print(f"{options.batch} patches of {'x'.join(map(str, size))} voxels, {device}, {options.threads} thread(s)")

    difference = (ours(images, masks, seed=1)[0] - plain(images, masks, seed=1)[0]).abs().max()
    print(f"greatest difference between ours and the plain way, noise left out: {difference:.3f} HU")
    on_device = images.to(device), masks.to(device)
    ways: dict[str, Callable[[], object]] = {
        "ours, in a batch": lambda: ours(*on_device, with_noise=True),
        "ours, one by one": lambda: [
            ours(*(t[n : n + 1] for t in on_device), with_noise=True) for n in range(len(images))
        ],
        "plain (SciPy, one by one)": lambda: plain(images, masks, with_noise=True),
    }
    for name, make in PEERS.items():
        if find_spec(name):
            way = make(size)
            ways[f"{name} {version(name)}"] = lambda way=way: way(images, masks)
    told(ways, options.rounds, device, "ours, in a batch", options.batch)

    print("\nonly flips and quarter turns (no interpolation)")
    still = GeometrySettings(scale_share=0.0)
    told(
        {
            "exact": lambda: drawn(len(images), still).apply(on_device[0]),
            "interpolated": lambda: drawn(len(images), GeometrySettings(scale_share=1.0)).apply(on_device[0]),
        },
        options.rounds, device, "exact", options.batch,
    )  # fmt: skip
    print("\nnoise")
    own, shape = seeds(options.batch, torch.Generator().manual_seed(2)), (1, *size)
    told(
        {
            "from a seed a patch": lambda: noise(own, shape, device),
            "one call for all": lambda: torch.randn(options.batch, *shape, device=device),
        },
        options.rounds, device, "from a seed a patch", options.batch,
    )  # fmt: skip
    print("\ncutting out of int16 scans, half of the patches scaled")
    scan = np.random.default_rng(3).integers(-1000, 400, (200, 300, 300)).astype(np.int16)
    centers = np.floor(np.random.default_rng(4).uniform((0, 0, 0), scan.shape, (options.batch, 3))) + 0.5
    transforms = drawn(options.batch, GeometrySettings())
    told(
        {
            "cut_patches": lambda: cut_patches([scan] * len(centers), centers, transforms, size, -1000, device),
            "plain (SciPy, one by one)": lambda: plain_cut(scan, centers, transforms, size),
        },
        options.rounds, device, "cut_patches", options.batch,
    )  # fmt: skip


def told(ways: dict[str, Callable[[], object]], rounds: int, device: torch.device, base: str, patches: int) -> None:
    """Time all ways in turn, and print a line each: milliseconds a batch, patches a second, times the base's time."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = clock()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if number:  # the first round warms up
                seconds[name].append(clock() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        spread = (max(seconds[name]) - min(seconds[name])) / median
        print(
            f"  {name:32} {median * 1e3:9.1f} ms (spread {spread:4.0%}) {patches / median:9.0f} patches/s "
            f"{median / medians[base]:7.2f} x"
        )


def drawn(count: int, settings: GeometrySettings, seed: int = 1) -> PatchTransforms:
    return PatchTransforms.draw(count, settings, torch.Generator().manual_seed(seed))


def changes(count: int, seed: int, with_noise: bool) -> IntensityChanges:
    settings = INTENSITY if with_noise else IntensitySettings(**{**vars(INTENSITY), "noise": 0.0})
    return IntensityChanges.draw(count, settings, torch.Generator().manual_seed(seed + 1))


def ours(images: Tensor, masks: Tensor, seed: int = 1, with_noise: bool = False) -> tuple[Tensor, Tensor]:
    transforms = drawn(len(images), GEOMETRY, seed)
    moved = transforms.apply(images, -1000.0), transforms.apply(masks, nearest=True)
    return changes(len(images), seed, with_noise).apply(moved[0]), moved[1]


def plain(images: Tensor, masks: Tensor, seed: int = 1, with_noise: bool = False) -> tuple[Tensor, Tensor]:
    transforms, change = drawn(len(images), GEOMETRY, seed), changes(len(images), seed, with_noise)
    random, half = np.random.default_rng(seed), (np.array(images.shape[2:]) - 1) / 2
    moved = []
    for n, matrix in enumerate(transforms.matrices().numpy()):
        inverse = np.linalg.inv(matrix)
        offset = half - inverse @ (half + transforms.shifts[n].numpy())
        image = ndimage.affine_transform(
            images[n, 0].numpy(), inverse, offset, order=1, mode="grid-constant", cval=-1000, prefilter=False
        )
        mask = ndimage.affine_transform(
            masks[n, 0].numpy(), inverse, offset, order=0, mode="grid-constant", prefilter=False
        )
        if weight := float(change.in_slice[n]):
            for axis in (1, 2):
                image = ndimage.correlate1d(image, [weight, 1 - 2 * weight, weight], axis, mode="nearest")
        if strength := float(change.noise[n]):
            image = image + strength * random.standard_normal(image.shape, dtype=np.float32)
        factor = float(change.contrast[n])
        moved.append((image * factor + (change.fixed * (1 - factor) + float(change.shift[n])), mask))
    return torch.from_numpy(np.stack([m[0] for m in moved]))[:, None], torch.from_numpy(
        np.stack([m[1] for m in moved])
    )[:, None]


def plain_cut(scan: np.ndarray, centers: np.ndarray, transforms: PatchTransforms, size: tuple[int, ...]) -> np.ndarray:
    half = (np.array(size) - 1) / 2
    cut = []
    for center, matrix in zip(centers, transforms.matrices().numpy(), strict=True):
        inverse = np.linalg.inv(matrix)
        offset = center - inverse @ half
        cut.append(
            ndimage.affine_transform(
                scan, inverse, offset, size, np.float32, order=1, mode="grid-constant", cval=-1000, prefilter=False
            )
        )
    return np.stack(cut)


def monai_way(size: tuple[int, ...]) -> Way:
    from monai import transforms as m

    keys = ["image", "mask"]
    spatial = m.Compose(
        [
            *(m.RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(3)),
            m.RandRotate90d(keys, prob=0.75, max_k=3, spatial_axes=(1, 2)),
            m.RandAffined(
                keys, prob=1.0, rotate_range=(ANGLE,) * 3, translate_range=(SHIFT,) * 3, scale_range=(SCALE,) * 3,
                mode=("bilinear", "nearest"), padding_mode="zeros",
            ),
        ],
        lazy=True,  # one interpolation for all
    )  # fmt: skip
    intensity = m.Compose(
        [
            m.RandGaussianSmoothd("image", prob=0.5, sigma_x=(0.25, 0.7), sigma_y=(0.25, 0.7), sigma_z=(0.01, 0.02)),
            m.RandGaussianNoised("image", prob=0.5, std=50.0),
            m.RandScaleIntensityd("image", factors=0.12, prob=1.0),
            m.RandShiftIntensityd("image", offsets=30.0, prob=1.0),
        ]
    )

    def way(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        results = [intensity(spatial({"image": i, "mask": k})) for i, k in zip(images, masks, strict=True)]
        return torch.stack([r["image"] for r in results]), torch.stack([r["mask"] for r in results])

    return way


def torchio_way(size: tuple[int, ...]) -> Way:
    import torchio as t

    degrees = float(np.degrees(ANGLE))
    transform = t.Compose(
        [
            t.RandomFlip(axes=(0, 1, 2), flip_probability=0.5),
            t.RandomAffine(scales=SCALE, degrees=degrees, translation=SHIFT, default_pad_value=-1000.0),
            t.RandomBlur(std=(0.25, 0.7), p=0.5),
            t.RandomNoise(std=(0, 50.0), p=0.5),
        ]
    )

    def way(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        subjects = [
            transform(t.Subject(image=t.ScalarImage(tensor=i), mask=t.LabelMap(tensor=k)))
            for i, k in zip(images, masks, strict=True)
        ]
        return torch.stack([s["image"].data for s in subjects]), torch.stack([s["mask"].data for s in subjects])

    return way


def batchgenerators_way(size: tuple[int, ...]) -> Way:
    from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
    from batchgeneratorsv2.transforms.intensity.contrast import BGContrast
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    transform = ComposeTransforms(
        [
            SpatialTransform(
                size, patch_center_dist_from_border=0, random_crop=False, p_elastic_deform=0.0, p_rotation=1.0,
                rotation=(-ANGLE, ANGLE), p_scaling=1.0, scaling=(1 - SCALE, 1 + SCALE),
                p_synchronize_scaling_across_axes=1.0, bg_style_seg_sampling=False,
            ),
            MirrorTransform(allowed_axes=(0, 1, 2)),
            RandomTransform(GaussianBlurTransform(blur_sigma=(0.25, 0.7), benchmark=False), apply_probability=0.5),
            RandomTransform(GaussianNoiseTransform(noise_variance=(0, 2500.0)), apply_probability=0.5),
            MultiplicativeBrightnessTransform(BGContrast((0.88, 1.12)), synchronize_channels=True, p_per_channel=1.0),
        ]
    )  # fmt: skip

    def way(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        results = [transform(image=i, segmentation=k.to(torch.int16)) for i, k in zip(images, masks, strict=True)]
        return torch.stack([r["image"] for r in results]), torch.stack([r["segmentation"] for r in results])

    return way


PEERS = {"monai": monai_way, "torchio": torchio_way, "batchgeneratorsv2": batchgenerators_way}

if __name__ == "__main__":
    main()
