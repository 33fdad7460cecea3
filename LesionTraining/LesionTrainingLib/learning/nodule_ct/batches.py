"""From places to what a network is fitted on: varied patches in [0, 1], labels, and the regression targets of Eq. 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from LesionDetectionLib.methods.nodule_ct.regression import encode
from torch import Tensor

from ..clutter import overlay_vessels
from ..intensity_augmentation import AIR_HU, to_unit, vary_intensity
from ..patches import PatchTransforms, cut_patches
from .positions import Samples
from .scans import TrainingScan
from .settings import RecipeSettings


@dataclass(frozen=True, eq=False)
class Batch:
    """n samples.

    Attributes:
        voxels: [n, 1, z, y, x] float32 in [0, 1].
        labels: [n] int64, 1 for a nodule.
        targets: [n, 4] float32, Eq. 2 in the patch's own, flipped and turned, axes; of negatives without meaning.
    """

    voxels: Tensor
    labels: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Batch:
        voxels = self.voxels.to(device, memory_format=torch.channels_last_3d)
        return Batch(voxels, self.labels.to(device), self.targets.to(device))


class BatchMaker:
    """Cuts and varies patches of one size."""

    def __init__(
        self,
        scans: Sequence[TrainingScan],
        size_zyx: tuple[int, int, int],
        window_hu: tuple[float, float],
        settings: RecipeSettings,
        seed: int,
    ) -> None:
        self._scans, self._size, self._window = scans, size_zyx, window_hu
        self._settings = settings
        self._generator = torch.Generator().manual_seed(seed)

    def make(self, samples: Samples) -> Batch:
        count = len(samples.scans)
        transforms = PatchTransforms.draw(count, self._settings.geometry, self._generator)
        volumes = [self._scans[index].hu for index in samples.scans]
        hu = cut_patches(volumes, samples.centers_zyx, transforms, self._size, AIR_HU)
        labels = torch.from_numpy(samples.labels.astype(np.int64))
        hu = overlay_vessels(hu, labels, self._settings.clutter, self._generator)
        voxels = to_unit(vary_intensity(hu, self._settings.intensity, self._generator), self._window)
        return Batch(voxels, labels, self._targets(samples, transforms))

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
