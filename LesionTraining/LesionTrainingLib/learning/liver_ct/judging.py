"""What a network finds in single slices, as the detector would find it there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.liver_ct.boxes import Limits
from LesionDetectionLib.methods.liver_ct.engine import SliceEngine
from LesionDetectionLib.methods.liver_ct.network import LiverNetwork
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings

from ..slices.judged import ChosenSlice, JudgedSlice, chosen_slices, inputs_of
from ..slices.slices import TrainingSlices


def judge_slices(
    network: LiverNetwork,
    cases: Sequence[TrainingSlices],
    method: LiverSettings,
    device: torch.device,
    progress: Progress,
    most: int = 0,
) -> list[JudgedSlice]:
    """The boxes that a network finds in slices, beside the lesions in them, as the detector would find them there. A
    single-box detector gives one a slice, with the score 1.

    Args:
        network: in evaluation mode, on ``device``.
        method: least score, proposals, and suppression of boxes.
        most: at most so many slices, evenly spread over all; 0 for all.

    Raises:
        Cancelled: see ``progress``.
        DeviceError: not even one slice fits into the memory.
    """
    return judge_each(SliceEngine(network, device), chosen_slices(cases, most), method, progress)


def judge_each(
    engine: SliceEngine, slices: Sequence[ChosenSlice], method: LiverSettings, progress: Progress
) -> list[JudgedSlice]:
    """As :func:`judge_slices`, of chosen slices."""
    limits = limits_of(method)
    judged = list[JudgedSlice]()
    for part, inputs in inputs_of(slices, method.window_hu, progress):
        for one, found in zip(part, engine.run(inputs, limits), strict=True):
            judged.append(JudgedSlice.of(one, found.boxes, found.probability))
    return judged


def limits_of(method: LiverSettings) -> Limits:
    """Which boxes are asked for."""
    return Limits(method.least_score, method.proposals, method.nms_iou, method.most_boxes)
