"""How good a network is on projections alone: what a validation tells, without a volume and, of the weakly supervised kinds,
without a drawn tumour.

- ``accuracy``: share of the patients whose class is right, by the mean of both views' logits.
- ``pointing``: share of the views of patients with a tumour whose map has its peak near the annotated point.
- ``distance mm``: mean distance of the map from that point, with the map as weights.
- ``Dice``: of the pixels from .5 on, against what was to be learned, in views with a tumour.
- ``clear``: share of the views without a tumour that have no such pixel.
- ``loss``: what is minimised, on projections that are not varied.

What no case can tell is not a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.methods.pet_weak.architecture import NONE, STRIDE, PetWeakArchitecture
from LesionDetectionLib.methods.pet_weak.maps import class_activation_map
from torch import Tensor
from torch.nn import functional

from ...evaluation.metrics.dice import overlap
from ..engine.task import Peers
from ..losses.soft_dice import cross_entropy, soft_dice
from .distance_loss import distance_loss, mean_distances
from .settings import ACCURACY, CLEAR, DICE, DISTANCE, LOSS, POINTING, RecipeSettings
from .views import TrainingViews

SHOWN = 0.5
"""A pixel of a segmentation is tumour from this probability on."""
Row = dict[str, float]


def inputs_of(one: TrainingViews, most_suv: float, device: torch.device) -> Tensor:
    """[2, 1, h, w] in [0, 1], on the case's own canvas: as the detector sees it."""
    suv = torch.from_numpy(np.array(one.suv)).to(device, torch.float32)
    return (suv / most_suv).clamp_(0, 1)[:, None]


def tumour_class(logits: Tensor, architecture: PetWeakArchitecture) -> int:
    """The most probable class that means a tumour, by the mean of both views' logits, [2, classes]."""
    mean = logits.mean(dim=0)
    known = [n for n, name in enumerate(architecture.classes) if name != NONE]
    return known[int(mean[known].argmax())]


def classifier_row(logits: Tensor, activations: Tensor, one: TrainingViews, settings: RecipeSettings) -> Row:
    """What one case tells of a classifier: figures by the map that a user gets, the loss by that of the case's own class.

    Args:
        logits: [2, classes].
        activations: [2, classes, h, w].
    """
    classes = settings.architecture.classes
    own = classes.index(one.label)
    loss = functional.cross_entropy(logits, torch.full((len(logits),), own, device=logits.device))
    if settings.distance_weight and one.has_tumour:
        away = distance_loss(activations[:, own], torch.from_numpy(one.points))
        loss = loss + settings.distance_weight * away.mean()
    maps = class_activation_map(activations[:, tumour_class(logits, settings.architecture)])
    right = int(logits.mean(dim=0).argmax()) == own
    return {ACCURACY: float(right), **_placed(maps, STRIDE, one, settings), LOSS: float(loss)}


def segmentation_row(logits: Tensor, mask: npt.NDArray[np.bool_], one: TrainingViews, settings: RecipeSettings) -> Row:
    """What one case tells of a network that segments.

    Args:
        logits: [2, h, w].
        mask: [2, h, w] what was to be learned.
    """
    truth = torch.from_numpy(np.array(mask)).to(logits.device)
    loss = sum(float(term(logits, truth).total) / len(logits) for term in (cross_entropy, soft_dice))
    maps = logits.sigmoid()
    row = {DICE: math.nan, **_placed(maps, 1, one, settings), CLEAR: math.nan, LOSS: loss}
    shown = (maps >= SHOWN).cpu().numpy()
    if one.has_tumour:
        row[DICE] = float(np.mean([overlap(found, true).dice for found, true in zip(shown, mask, strict=True)]))
    else:
        row[CLEAR] = float(np.mean([not found.any() for found in shown]))
    return row


def mean_row(rows: Sequence[Row], told: Sequence[str], peers: Peers) -> Row:
    """The mean of each figure over the cases of all processes that tell it; not a number where none does."""
    own = torch.tensor([[row[name] for name in told] for row in rows], dtype=torch.float64).reshape(-1, len(told))
    means = peers.gather(own).nanmean(dim=0)
    return dict(zip(told, means.tolist(), strict=True))


def _placed(maps: Tensor, stride: int, one: TrainingViews, settings: RecipeSettings) -> Row:
    """Where maps, [2, h, w], lie beside the point; a map without any positive place points nowhere."""
    if not one.has_tumour:
        return {POINTING: math.nan, DISTANCE: math.nan}
    means = mean_distances(maps, torch.from_numpy(one.points), stride) * one.pixel_mm
    places = maps.flatten(1).argmax(dim=1).cpu().numpy()
    peaks = np.stack(np.divmod(places, maps.shape[2]), axis=1) * stride + (stride - 1) / 2
    away_mm = np.linalg.norm(peaks - one.points, axis=1) * one.pixel_mm
    near = (away_mm <= settings.pointing_mm) & (maps.amax(dim=(1, 2)) > 0).cpu().numpy()
    return {POINTING: float(near.mean()), DISTANCE: float(means.nanmean())}
