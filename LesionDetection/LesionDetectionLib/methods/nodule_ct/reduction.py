"""Second stage: of each candidate, whether it is a nodule, where and how large (Dou et al., MICCAI 2017, section 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from LesionDetectionLib.core.progress import Progress

from ..device import full_precision, number_format
from ..folding import for_inference
from ..pieces import Tick, run_pieces
from .groups import Group, groups_of, halves, streaming_pays
from .network import REDUCTION_INPUT_ZYX, ReductionResNet, nodule_probability
from .preprocessing import PreparedScan
from .regression import decode
from .screening import Candidates
from .trunk import STRIDE_ZYX, Places, TrunkLayers

FloatArray = npt.NDArray[np.float64]

BATCH, BATCH_GPU = 2, 64
"""Patches at once; on a CPU one more where one would be left. 2 stay in its cache where 8 take a tenth to a quarter longer; to
one alone, in a thread of its own, PyTorch gives its slow convolution, which takes three times as long behind the trunk."""
BLOCKS = 4
"""Blocks of features at once, of those that the streamed trunk has made."""
Way = Literal["cheaper", "patches", "streamed"]

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
    """First voxel (z, y, x), [n, 3], of the patch around continuous indices (i, j, k), [n, 3]; odd in y and x.

    The trunk pools by 2 in y and x: with starts that are all odd, what it makes of a place is the same for every patch that
    holds it. Odd, because screening's scores lie at 2 x + 0.5: theirs is the patch's very centre. That of other places misses
    the centre by up to one voxel in y and x and half a one in z.
    """
    half = (np.array(REDUCTION_INPUT_ZYX) - 1) / 2
    first = np.asarray(ijk, dtype=np.float64)[:, ::-1] - half
    return np.stack([np.floor(first[:, 0] + 0.5), *(2 * np.floor(first[:, 1:] / 2) + 1).T], axis=1).astype(np.intp)


def classify(
    prepared: PreparedScan,
    network: ReductionResNet,
    candidates: Candidates,
    device: torch.device,
    progress: Progress | None = None,
    way: Way = "cheaper",
) -> Classified:
    """Look at the patch around each candidate; where and how large by Eq. 2, seen from the patch's true centre.

    Candidates that lie together form groups. On a CPU the trunk of a group runs through the union of its patches, each place
    once, where that is less work (:mod:`.trunk`, :mod:`.groups`); else through each patch. A GPU takes patches, in 16 bits on
    its matrix units, and in 32 where a network's values are too large for these. Both ways agree to rounding.

    Args:
        way: for all groups, instead of the cheaper one for each.

    Raises:
        DeviceError: the memory is full even with one candidate at a time.
        Cancelled: when the user cancelled.
    """
    lean = for_inference(network, device)
    starts = patch_start(candidates.ijk)
    places = starts // STRIDE_ZYX
    gpu = device.type == "cuda"
    trunk = None if gpu or way == "patches" else TrunkLayers(lean, device)
    probability = np.empty(len(candidates))
    targets = np.zeros((len(candidates), 4))

    def work(group: Group, tick: Tick) -> None:
        streamed = trunk is not None and (way == "streamed" or streaming_pays(lean, places[group]))
        parts = (
            _streamed(lean, trunk, prepared, starts[group], tick)
            if trunk is not None and streamed
            else _patch_by_patch(lean, prepared, starts[group], device)
        )
        for some, scores, regressed in parts:
            probability[group[some]] = scores
            if regressed is not None:
                targets[group[some]] = regressed
            tick(len(scores))

    run_pieces(
        _in_order(len(candidates)) if gpu else groups_of(places),
        device,
        work,
        lambda group: halves(places, group),
        len,
        progress or Progress(),
        "Looking at each candidate",
    )
    if network.regress is None:
        return Classified(probability, candidates.ras_mm, np.full(len(candidates), np.nan))
    return Classified(probability, *_places(prepared, starts, targets))


Part = tuple[npt.NDArray[np.intp], FloatArray, FloatArray | None]
"""Indices of some candidates of a group, their probabilities [n] and their targets [n, 4]."""


def _in_order(candidates: int) -> list[Group]:
    return [np.arange(first, min(first + BATCH_GPU, candidates)) for first in range(0, candidates, BATCH_GPU)]


def _patch_by_patch(
    network: ReductionResNet, prepared: PreparedScan, starts: Places, device: torch.device
) -> Iterator[Part]:
    """The plain way: the whole network on the voxels of each patch."""
    batch = BATCH_GPU if device.type == "cuda" else BATCH
    for some in np.array_split(np.arange(len(starts)), max(1, len(starts) // batch)):
        patches = np.stack([prepared.box((int(z), int(y), int(x)), REDUCTION_INPUT_ZYX) for z, y, x in starts[some]])
        with torch.inference_mode():
            voxels = torch.from_numpy(patches)[:, None].to(device)
            with number_format(device):
                answer = network(voxels)
            # Beyond 65504 float16 knows no numbers: a nodule would be lost, or a mimic be one for certain.
            if device.type == "cuda" and not all(bool(part.isfinite().all()) for part in answer if part is not None):
                with full_precision(device):
                    answer = network(voxels)
        yield some, *_numbers(*answer)


def _streamed(
    network: ReductionResNet, trunk: TrunkLayers, prepared: PreparedScan, starts: Places, tick: Tick
) -> Iterator[Part]:
    """The trunk on slices through all patches, what follows on the features of each patch."""
    for some, features in trunk.blocks(prepared, starts, BLOCKS):
        tick()
        if features is not None:
            with torch.inference_mode():
                answer = _numbers(*network.after_trunk(features))
            yield np.array(some), *answer


def _numbers(logits: Tensor, regressed: Tensor | None) -> tuple[FloatArray, FloatArray | None]:
    probability = nodule_probability(logits.float()).cpu().numpy().astype(np.float64)
    return probability, None if regressed is None else regressed.float().cpu().numpy().astype(np.float64)


def _places(prepared: PreparedScan, starts: Places, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centres in RAS mm and diameters in mm from the targets of Eq. 2, whose axes are those of the working grid.

    Whatever the network says, a nodule's centre lies in its patch, and it is no larger than that is across.
    """
    low, high = (-1, -1, -1, SMALLEST_LOG_SIZE), (1, 1, 1, 0)
    spacing = np.array(prepared.geometry.spacing_mm)
    patch_xyz_mm = np.array(REDUCTION_INPUT_ZYX[::-1]) * spacing
    at_ijk = (starts + (np.array(REDUCTION_INPUT_ZYX) - 1) / 2)[:, ::-1]
    centers_mm, diameters_mm = decode(np.clip(targets, low, high), at_ijk * spacing, patch_xyz_mm)
    return prepared.geometry.ras_from_ijk(centers_mm / spacing), diameters_mm
