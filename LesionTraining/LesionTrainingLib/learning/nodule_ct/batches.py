"""From places to what a network is fitted on: varied patches in [0, 1], labels, and the regression targets of Eq. 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from LesionDetectionLib.methods.nodule_ct.regression import encode
from torch import Tensor

from ..augmentation.clutter import Lenders, overlay_vessels
from ..augmentation.intensity import AIR_HU, IntensityChanges, to_unit
from ..augmentation.patches import cut_patches
from ..augmentation.spatial_3d import PatchTransforms
from ..engine.randomness import torch_stream
from ..engine.task import Share
from .positions import Samples
from .scans import TrainingScan
from .settings import RecipeSettings


@dataclass(frozen=True, eq=False)
class Batch:
    """n samples.

    Attributes:
        step: of the fit.
        voxels: [n, 1, z, y, x] float32 in [0, 1].
        labels: [n] int64, 1 for a nodule.
        targets: [n, 4] float32, Eq. 2 in the patch's own, flipped and turned, axes; NaN for a diameter that is not known; of
            negatives without meaning.
    """

    step: int
    voxels: Tensor
    labels: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Batch:
        voxels = self.voxels.to(device, memory_format=torch.channels_last_3d)
        return Batch(self.step, voxels, self.labels.to(device), self.targets.to(device))


class BatchMaker:
    """Cuts and varies patches of one size; what varies is drawn for the whole global batch, and follows from the step.

    Args:
        name: of the stage, so that each has random numbers of its own.
        device: where patches are varied.
    """

    def __init__(
        self,
        scans: Sequence[TrainingScan],
        size_zyx: tuple[int, int, int],
        window_hu: tuple[float, float],
        settings: RecipeSettings,
        seed: int,
        name: str,
        device: torch.device | str = "cpu",
    ) -> None:
        self._scans, self._size, self._window = scans, size_zyx, window_hu
        self._settings, self._seed, self._name, self._device = settings, seed, name, torch.device(device)

    def make(self, samples: Samples, step: int, share: Share) -> Batch:
        """The own part of the global batch ``samples``."""
        count, settings = len(samples), self._settings
        generator = torch_stream(self._seed, self._name, "augmentation", step)
        transforms = PatchTransforms.draw(count, settings.geometry, generator)
        lenders = Lenders.draw(torch.from_numpy(samples.labels == 0), settings.clutter, generator)
        changes = share.of(IntensityChanges.draw(count, settings.intensity, generator))
        own = share.of(np.arange(count))
        hu = self._cut(samples[own], transforms[own])
        takers, lent = lenders[own].takers(), lenders[own].lenders.numpy()
        if len(takers):
            lent = lent[takers.numpy()]
            others = self._cut(samples[lent], transforms[lent])
            takers = takers.to(hu.device)
            hu[takers] = overlay_vessels(hu[takers], others, settings.clutter)
        labels = torch.from_numpy(samples.labels[own].astype(np.int64)).to(hu.device)
        targets = self._targets(samples[own], transforms[own]).to(hu.device)
        return Batch(step, to_unit(changes.apply(hu), self._window), labels, targets)

    def identity(self) -> dict[str, Any]:
        """What the samples depend on, in plain values."""
        return {
            "settings": asdict(self._settings),
            "scans": [scan.identity for scan in self._scans],
            "seed": self._seed,
        }

    def _cut(self, samples: Samples, transforms: PatchTransforms) -> Tensor:
        volumes = [self._scans[index].hu for index in samples.scans]
        return cut_patches(volumes, samples.centers_zyx, transforms, self._size, AIR_HU, self._device)

    def _targets(self, samples: Samples, transforms: PatchTransforms) -> Tensor:
        spacing = np.array([self._scans[index].spacing_zyx for index in samples.scans])
        offsets = transforms.offsets(samples.nodules_zyx - samples.centers_zyx) * spacing
        diameters = samples.diameters_mm * transforms.scales.numpy().astype(np.float64)
        # Scans differ in spacing by parts of a percent; Eq. 2 is relative to each patch's own size in mm.
        patches = np.array(self._size) * spacing
        rows = [
            encode(offset[None, ::-1], diameter[None], np.zeros((1, 3)), patch[::-1])
            for offset, diameter, patch in zip(offsets, diameters, patches, strict=True)
        ]
        return torch.from_numpy(np.concatenate(rows).astype(np.float32))
