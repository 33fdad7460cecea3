"""What a network finds in single slices, as the detector would find it there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.calibration import calibrated
from LesionDetectionLib.methods.universal_ct.engine import Limits, SliceEngine
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

from ..slices.judged import ChosenSlice, JudgedSlice, chosen_slices, inputs_of
from ..slices.slices import TrainingSlices


def judge_slices(
    network: UniversalNetwork,
    cases: Sequence[TrainingSlices],
    method: UniversalSettings,
    device: torch.device,
    progress: Progress,
    most: int = 0,
) -> list[JudgedSlice]:
    """The boxes that a network finds in slices, beside the lesions in them, as the detector would find them there.

    Args:
        network: in evaluation mode, on ``device``.
        method: least score, suppression of boxes and how scores are calibrated.
        most: at most so many slices, evenly spread over all; 0 for all.

    Raises:
        Cancelled: see ``progress``.
        DeviceError: not even one slice fits into the memory.
    """
    return judge_each(SliceEngine(network, device), chosen_slices(cases, most), method, progress)


def judge_each(
    engine: SliceEngine, slices: Sequence[ChosenSlice], method: UniversalSettings, progress: Progress
) -> list[JudgedSlice]:
    """As :func:`judge_slices`, of chosen slices."""
    limits = Limits(method.least_score, nms_iou=method.nms_iou, most_boxes=method.most_boxes)
    judged = list[JudgedSlice]()
    for part, inputs in inputs_of(slices, method.window_hu, progress):
        for one, found in zip(part, engine.run(inputs, limits), strict=True):
            scores, _ = calibrated(found, method)
            judged.append(JudgedSlice.of(one, found.boxes, found.probability, scores))
    return judged
