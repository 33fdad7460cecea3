"""MONAI's LUNA16 RetinaNet, fitted for a given time and asked for its marks: the peer of ``nodule_ct_beside_retinanet.py``.

Network, anchors, matcher, sampler, losses and selection of boxes come from MONAI's wheel, set as in its LUNA16 tutorial
(Project-MONAI/tutorials, ``detection``; the model zoo's ``lung_nodule_ct_detection``). Patches and the schedule over
elapsed time are ours.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from LesionDetectionLib.methods.device import narrow_format
from LesionTrainingLib.learning.nodule_ct.scans import TrainingScan
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from used import GIB, now, peak_gib, reset_peak

AIR_HU, WINDOW_HU = -1024, (-1024.0, 300.0)
SIZE_DIVISIBLE = (16, 16, 8)
"""The strides (x, y, z) of the coarsest feature map: 2, 2, 1 of the first convolution, 2 of its pooling, 2, 2."""
ANCHORS = ((6, 8, 4), (8, 6, 5), (10, 10, 6))
"""Voxels (x, y, z) on the finest feature map; doubled on each coarser one."""
WARM_UP_SHARE = 0.1
"""Of the time: the learning rate rises, as MONAI's does over its first ten epochs."""
MOST_GRADIENT = 100.0
"""The gradient's norm (at first about 50) is clipped here, which MONAI leaves out: a warm-up of seconds must not end a run."""
UNCOUNTED_STEPS, TRIES = 3, 5
"""Before fitting, with as many algorithms tried of each convolution."""


@dataclass(frozen=True)
class Peer:
    """How the network is made and fitted; by default MONAI's values. ``layers``, ``widths``: blocks and channels of the
    ResNet's stages (after the second none is used).

    Attributes:
        pyramid: channels of the feature pyramid and of the heads.
        patch_xyz, batch: what a step is fitted on.
        window_xyz: a scan of as many voxels or more is seen through sliding windows of this size; a smaller one whole.
    """

    block: str = "bottleneck"
    layers: tuple[int, ...] = (3, 4, 6, 3)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    pyramid: int = 256
    patch_xyz: tuple[int, int, int] = (192, 192, 80)
    window_xyz: tuple[int, int, int] = (512, 512, 192)
    batch: int = 4


SMALL_PATCH, WHOLE_SCAN = (96, 96, 40), (512, 512, 384)
PEERS = {
    "as-set": Peer(),
    "small-patches": Peer(patch_xyz=SMALL_PATCH, window_xyz=WHOLE_SCAN),
    "quarter": Peer("bottleneck", (3, 4, 6, 3), (16, 32, 64, 128), 64, SMALL_PATCH, WHOLE_SCAN),
    "smoke": Peer("basic", (1, 1, 1, 1), (8, 16, 32, 64), 16, (64, 64, 32), (480, 384, 128), 2),
}
"""Small patches are an eighth of MONAI's, for eight times as many steps in the same time; scans are then seen whole.
``quarter`` has a quarter of the channels; ``smoke`` is too small to find anything."""


class InHalf(nn.Module):
    """The network in 16 bits: on a GPU bfloat16 to fit, which needs no loss scaling, and float16 to detect, as MONAI; on a
    CPU bfloat16 where it has matrix units for it. Outputs are float32: MONAI makes its anchors in the type of these, and
    bfloat16 has no odd numbers above 256."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        for name in ("spatial_dims", "num_classes", "num_anchors", "size_divisible", "cls_key", "box_reg_key"):
            setattr(self, name, getattr(network, name))

    def forward(self, images: Tensor) -> dict[str, list[Tensor]]:
        half = torch.float16 if images.is_cuda and not self.training else torch.bfloat16
        with torch.autocast(images.device.type, half, enabled=images.is_cuda or narrow_format(images.device) == half):
            outputs = self.network(images)
        return {name: [level.float() for level in levels] for name, levels in outputs.items()}


def require_monai() -> None:
    """Ends the program with a sentence where MONAI, or torchvision, which parts of it are made of, is not installed."""
    for name in ("monai", "torchvision"):
        if find_spec(name) is None:
            raise SystemExit(
                f"{name} is missing: it is a peer of this comparison, no dependency; “pip install --no-deps {name}” gets it."
            )


def make_detector(peer: Peer, device: torch.device) -> Any:
    """MONAI's ``RetinaNetDetector`` with everything set as in its LUNA16 tutorial."""
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.networks.retinanet_network import RetinaNet
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
    from monai.networks.blocks.backbone_fpn_utils import BackboneWithFPN
    from monai.networks.nets.resnet import ResNet

    backbone = ResNet(
        peer.block, [*peer.layers], [*peer.widths], 3, 1, conv1_t_size=(7, 7, 7), conv1_t_stride=(2, 2, 1)
    )
    first = backbone.in_planes // 8  # channels that leave the first stage: 256
    features = BackboneWithFPN(backbone, {"layer1": "0", "layer2": "1"}, [first, 2 * first], peer.pyramid, 3)
    network = InHalf(RetinaNet(3, 1, len(ANCHORS), features, SIZE_DIVISIBLE))
    network.to(device, memory_format=torch.channels_last_3d)
    detector = RetinaNetDetector(network, AnchorGeneratorWithAnchorShape((1, 2, 4), ANCHORS)).to(device)
    detector.set_target_keys(box_key="box", label_key="label")
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(batch_size_per_image=64, positive_fraction=0.3, pool_size=20, min_neg=16)
    # LUNA16 counts 100 marks a scan. Losses are the tutorial's, which are the detector's defaults: BCE and smooth L1.
    detector.set_box_selector_parameters(
        score_thresh=0.02, topk_candidates_per_level=1000, nms_thresh=0.22, detections_per_img=100
    )
    detector.set_sliding_window_inferer(roi_size=peer.window_xyz, overlap=0.25, sw_batch_size=1, mode="constant")
    return detector


@dataclass(frozen=True, eq=False)
class Volume:
    """A training scan where it is fitted: ``hu`` [x, y, z] int16; nodules, [N, 3] (x, y, z) each, in voxels."""

    hu: Tensor
    centers: np.ndarray
    sides: np.ndarray


def on_device(scan: TrainingScan, device: torch.device) -> Volume:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a cached file cannot be written to; nobody does
        hu = torch.from_numpy(np.asarray(scan.hu)).to(device).permute(2, 1, 0)
    sides = scan.diameters_mm[:, None] / scan.spacing_zyx[::-1]
    return Volume(hu, np.array(scan.nodules_zyx)[:, ::-1], sides)


def scaled(hu: Tensor) -> Tensor:
    low, high = WINDOW_HU
    return ((hu.float() - low) / (high - low)).clamp_(0, 1)


def crop(volume: Volume, patch_xyz: tuple[int, ...], random: np.random.Generator) -> tuple[Tensor, np.ndarray]:
    """One patch [x, y, z] in [0, 1] and its boxes, [N, 6] voxels (low x, y, z, high x, y, z), of the nodules whose centre
    it holds. Half of the patches hold a whole nodule. Augmented as MONAI does, but for tilts and blur."""
    patch = np.array(patch_xyz)
    size = np.round(patch / random.uniform(0.7, 1.4)).astype(int) if random.random() < 0.2 else patch
    most = np.maximum(np.array(volume.hu.shape) - size, 0)
    start = random.integers(0, most + 1)
    if len(volume.centers) and random.random() < 0.5:
        n = random.integers(len(volume.centers))
        low = np.clip(np.ceil(volume.centers[n] + volume.sides[n] / 2).astype(int) - size + 1, 0, most)
        high = np.clip(np.floor(volume.centers[n] - volume.sides[n] / 2).astype(int), 0, most)
        start = random.integers(np.minimum(low, high), np.maximum(low, high) + 1)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(start, start + size, strict=True))
    hu = volume.hu[x, y, z]
    missing = [int(n) for n in size - np.array(hu.shape)]
    image = scaled(F.pad(hu, (0, missing[2], 0, missing[1], 0, missing[0]), value=AIR_HU))
    zoom = patch / size
    if (zoom != 1).any():
        image = F.interpolate(image[None, None], size=patch_xyz, mode="trilinear")[0, 0]
    centers, sides = (volume.centers - start + 0.5) * zoom - 0.5, volume.sides * zoom
    image, centers, sides = turned(image, centers, sides, random)
    image = varied(image, random)
    inside = ((centers >= 0) & (centers <= patch - 1)).all(axis=1)
    centers, half = centers[inside], sides[inside] / 2
    return image, np.concatenate([np.maximum(centers - half, 0), np.minimum(centers + half, patch)], axis=1)


def turned(
    image: Tensor, centers: np.ndarray, sides: np.ndarray, random: np.random.Generator
) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Flipped along each axis or not, and turned in the slice by a multiple of 90 degrees (square patches only)."""
    last = np.array(image.shape) - 1
    for axis in np.flatnonzero(random.random(3) < 0.5):
        image = image.flip(int(axis))
        centers = np.where(np.arange(3) == axis, last - centers, centers)
    for _ in range(int(random.integers(1, 4)) if random.random() < 0.75 else 0):
        image = image.rot90(1, (0, 1))
        centers = np.stack([last[1] - centers[:, 1], centers[:, 0], centers[:, 2]], axis=1)
        sides = sides[:, [1, 0, 2]]
    return image, centers, sides


def varied(image: Tensor, random: np.random.Generator) -> Tensor:
    noise, scale, shift, gamma = random.random(4) < (0.1, 0.15, 0.15, 0.3)
    if noise:
        image = image + random.uniform(0, 0.1) * torch.randn_like(image)
    if scale:
        image = image * random.uniform(0.75, 1.25)
    if shift:
        image = image + random.uniform(-0.1, 0.1)
    return image.clamp(0, 1) ** random.uniform(0.7, 1.5) if gamma else image


def make_batch(
    volumes: list[Volume], peer: Peer, random: np.random.Generator
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """[B, 1, x, y, z] patches of different scans, and targets as MONAI wants them."""
    chosen = random.choice(len(volumes), peer.batch, replace=len(volumes) < peer.batch)
    images, boxes = zip(*(crop(volumes[n], peer.patch_xyz, random) for n in chosen), strict=True)
    batch = torch.stack([image.contiguous() for image in images])[:, None]
    found = [torch.from_numpy(box).to(batch.device, torch.float32) for box in boxes]
    return batch, [{"box": box, "label": torch.zeros(len(box), dtype=torch.long, device=box.device)} for box in found]


def rate_share(elapsed: float) -> float:
    """Share of the learning rate after this share of the time: a linear warm-up, then half a cosine down to 0."""
    if elapsed < WARM_UP_SHARE:
        return max(elapsed, 1e-3) / WARM_UP_SHARE
    return 0.5 + 0.5 * float(np.cos(np.pi * min(1.0, (elapsed - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))))


def fit(
    detector: Any,
    volumes: list[Volume],
    peer: Peer,
    device: torch.device,
    *,
    seconds: float,
    learning_rate: float,
    seed: int,
) -> dict[str, Any]:
    """Fit for so many seconds (:func:`used.now`). What comes before (upload, cuDNN trying its algorithms) is not counted."""
    random, network = np.random.default_rng(seed), detector.network
    detector.train()
    fresh = copy.deepcopy(network.state_dict())
    sgd = torch.optim.SGD(network.parameters(), 0.0, momentum=0.9, weight_decay=3e-5, nesterov=True)

    def step(share: float) -> Tensor:
        for group in sgd.param_groups:
            group["lr"] = share * learning_rate
        losses = detector(*make_batch(volumes, peer, random))
        loss = losses[network.cls_key] + losses[network.box_reg_key]
        sgd.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), MOST_GRADIENT)
        sgd.step()
        return loss.detach()

    for _ in range(UNCOUNTED_STEPS if device.type == "cuda" else 0):
        step(0.0)
    network.load_state_dict(fresh)  # batch statistics too
    sgd.state.clear()
    reset_peak(device)
    begin, losses = now(device), []
    while (elapsed := now(device) - begin) < seconds:
        losses.append(float(step(rate_share(elapsed / seconds))))
        if len(losses) % 50 == 1:
            print(f"{elapsed:6.1f} s, step {len(losses)}: loss {np.mean(losses[-50:]):.4f}", flush=True)
    taken, peak = now(device) - begin, peak_gib(device)
    held = sum(volume.hu.numel() * volume.hu.element_size() for volume in volumes) / GIB
    return {
        "steps": len(losses),
        "batch": peer.batch,
        "seconds": round(taken, 1),
        "samples_per_second": round(len(losses) * peer.batch / taken, 2),
        "peak_gib": None
        if peak is None
        else round(peak - (held if device.type == "cuda" else 0), 2),  # a CPU maps files
        "scans_gib": round(held, 2),
        "last_losses": [round(float(np.mean(part)), 4) for part in np.array_split(losses, min(10, len(losses)))],
    }


def save(detector: Any, path: Path) -> None:
    state = detector.network.network.state_dict()
    save_file({name: value.contiguous().cpu() for name, value in state.items()}, path)


def load(peer: Peer, path: Path, device: torch.device) -> Any:
    """The detector with fitted weights, ready to detect."""
    detector = make_detector(peer, device)
    detector.network.network.load_state_dict(load_file(path))
    return detector.eval()


def peer_marks(detector: Any, scan: TrainingScan, peer: Peer, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Marks of one scan: centres [M, 3] in RAS mm, scores [M]. A scan for windows is padded behind to whole windows, so
    that all scans have windows of one size and the feature maps' strides divide what is padded."""
    image = scaled(torch.from_numpy(scan.hu).to(device).permute(2, 1, 0))
    windows = image.numel() >= np.prod(peer.window_xyz)
    least = peer.window_xyz if windows else SIZE_DIVISIBLE
    size = [max(m, -(-n // d) * d) for m, n, d in zip(least, image.shape, SIZE_DIVISIBLE, strict=True)]
    x, y, z = (wanted - n for wanted, n in zip(size, image.shape, strict=True))
    with torch.inference_mode():
        found = detector([F.pad(image, (0, z, 0, y, 0, x))[None]], use_inferer=bool(windows))[0]
        boxes, scores = found["box"].cpu().numpy(), found["label_scores"].cpu().numpy()
    ijk = (boxes[:, :3] + boxes[:, 3:]).astype(np.float64) / 2
    inside = (ijk <= np.array(image.shape) - 0.5).all(axis=1)
    return scan.geometry.ras_from_ijk(ijk[inside]), scores[inside].astype(np.float64)
