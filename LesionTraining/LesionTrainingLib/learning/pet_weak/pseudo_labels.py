"""What a fully convolutional network learns from where nobody drew a tumour: the maps of a classifier.

The row “CAMs & FCNs” of Tables 1 and 2 is not described further than this. Ours [choice]: a pixel is tumour where the map of the
scan's own class counts and where the uptake is high beside what the map covers; in a scan without a tumour none is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.maps import class_activation_map
from LesionDetectionLib.methods.pet_weak.network import CamNetwork
from torch import Tensor
from torch.nn import functional

from .measuring import inputs_of
from .samples import BoolArray
from .settings import PseudoLabelSettings, RecipeSettings
from .views import TrainingViews


def pseudo_labels(
    network: CamNetwork,
    cases: Sequence[TrainingViews],
    settings: RecipeSettings,
    device: torch.device,
    progress: Progress,
) -> list[BoolArray]:
    """[2, h, w] of each case.

    Args:
        network: the classifier, in evaluation mode, on ``device``.

    Raises:
        Cancelled: between cases.
    """
    found = []
    for done, one in enumerate(cases):
        progress(done / len(cases), f"Labels from maps of case {done + 1} of {len(cases)}")
        inputs = inputs_of(one, settings.most_suv, device)
        with torch.no_grad():
            activations = network(inputs).activations.float()
        maps = class_activation_map(activations[:, settings.architecture.classes.index(one.label)])
        labels = label_of(maps, inputs[:, 0], settings.pseudo_labels).cpu().numpy()
        found.append(labels if one.has_tumour else np.zeros_like(labels))
    return found


def label_of(maps: Tensor, inputs: Tensor, settings: PseudoLabelSettings) -> Tensor:
    """[n, h, w] bool: the pixels of views that become tumour.

    Args:
        maps: [n, h / 16, w / 16] in [0, 1].
        inputs: [n, h, w] uptake, in any unit.
    """
    size = inputs.shape[1:]
    enlarged = functional.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    covered = enlarged >= settings.map_share
    highest = torch.where(covered, inputs, 0.0).amax(dim=(1, 2), keepdim=True)
    return covered & (inputs >= settings.uptake_share * highest) & (highest > 0)
