"""Second stage: of each candidate, whether it is a nodule, where and how large (Dou et al., MICCAI 2017, section 2.2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from LesionDetectionLib.core.progress import Progress

from ..device import is_out_of_memory, number_format, out_of_memory
from ..folding import for_inference
from .network import REDUCTION_INPUT_ZYX, ReductionResNet, nodule_probability
from .preprocessing import PreparedScan
from .regression import decode
from .screening import Candidates

FloatArray = npt.NDArray[np.float64]

BATCH, BATCH_GPU = 8, 64
"""Patches at once. On a CPU 8 keep two cores busy and, at the paper's widths, take 0.7 s, between which one can cancel."""


SMALLEST_LOG_SIZE = -5.0
"""Of a patch of 71 mm across, 0.5 mm: less is a network's slip."""


class Classified(NamedTuple):
    """What the second network says of n candidates, in their order.

    Attributes:
        probability: [n].
        center_ras_mm: [n, 3]; the candidate's own place where the network has no regression branch.
        diameter_mm: [n]; NaN where the network has no regression branch.
    """

    probability: FloatArray
    center_ras_mm: FloatArray
    diameter_mm: FloatArray


def patch_start(ijk: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """First voxel (z, y, x), [n, 3], of the patch whose centre lies nearest to continuous indices (i, j, k), [n, 3].

    The centre of a patch of even size lies between two voxels, so it misses the place by up to half a voxel.
    """
    half = (np.array(REDUCTION_INPUT_ZYX) - 1) / 2
    return np.floor(np.asarray(ijk, dtype=np.float64)[:, ::-1] - half + 0.5).astype(np.intp)


def classify(
    prepared: PreparedScan,
    network: ReductionResNet,
    candidates: Candidates,
    device: torch.device,
    progress: Progress | None = None,
) -> Classified:
    """Look at the patch around each candidate; where and how large by Eq. 2, seen from the patch's true centre.

    Raises:
        DeviceError: the memory is full even with one patch at a time.
        Cancelled: when the user cancelled.
    """
    progress = progress or Progress()
    lean = for_inference(network, device)
    starts = patch_start(candidates.ijk)
    probability = np.empty(len(candidates))
    targets = np.zeros((len(candidates), 4))
    batch = BATCH_GPU if device.type == "cuda" else BATCH
    done = 0
    while done < len(candidates):
        progress(done / len(candidates), "Looking at each candidate")
        part = slice(done, min(done + batch, len(candidates)))
        try:
            probability[part], regressed = _run(lean, prepared, starts[part], device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if batch == 1:
                raise out_of_memory(device) from error
            batch //= 2
            continue
        if regressed is not None:
            targets[part] = regressed
        done = part.stop
    progress(1.0, "Looking at each candidate")
    if network.regress is None:
        return Classified(probability, candidates.ras_mm, np.full(len(candidates), np.nan))
    return Classified(probability, *_places(prepared, starts, targets))


def _run(
    network: ReductionResNet, prepared: PreparedScan, starts: npt.NDArray[np.intp], device: torch.device
) -> tuple[FloatArray, FloatArray | None]:
    patches = np.stack([prepared.box((int(z), int(y), int(x)), REDUCTION_INPUT_ZYX) for z, y, x in starts])
    with torch.inference_mode(), number_format(device):
        logits, regressed = network(torch.from_numpy(patches)[:, None].to(device))
        probability = nodule_probability(logits.float()).cpu().numpy().astype(np.float64)
    return probability, None if regressed is None else regressed.float().cpu().numpy().astype(np.float64)


def _places(prepared: PreparedScan, starts: npt.NDArray[np.intp], targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centres in RAS mm and diameters in mm from the targets of Eq. 2, whose axes are those of the working grid.

    Whatever the network says, a nodule's centre lies in its patch, and it is no larger than that is across.
    """
    low, high = (-1, -1, -1, SMALLEST_LOG_SIZE), (1, 1, 1, 0)
    spacing = np.array(prepared.geometry.spacing_mm)
    patch_xyz_mm = np.array(REDUCTION_INPUT_ZYX[::-1]) * spacing
    at_ijk = (starts + (np.array(REDUCTION_INPUT_ZYX) - 1) / 2)[:, ::-1]
    centers_mm, diameters_mm = decode(np.clip(targets, low, high), at_ijk * spacing, patch_xyz_mm)
    return prepared.geometry.ras_from_ijk(centers_mm / spacing), diameters_mm
