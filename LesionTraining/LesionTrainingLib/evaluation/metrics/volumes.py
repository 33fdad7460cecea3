"""autoPET's scores of a whole image: Dice, false-positive volume, false-negative volume.

Source: S. Gatidis et al., Scientific Data 9 (2022) 601, and the challenge's published evaluation: components are
18-connected (voxels that share a face or an edge); a component counts as false only if no voxel of it overlaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .checks import BoolArray, Mask, masks, spacing
from .dice import overlap
from .regions import joint_region

_FACES_AND_EDGES = 2
"""Steps along axes to a neighbour, at most: 18-connected in three dimensions."""
_MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class WholeImageScores:
    """One image, its lesions against what was predicted.

    Attributes:
        dice: of all voxels; NaN where the truth is empty (autoPET then looks at the false-positive volume alone).
        false_positive_ml: volume of predicted components that touch no true voxel.
        false_negative_ml: volume of true components that no predicted voxel touches.
        false_positives: number of those predicted components.
        false_negatives: number of those true components.
        predicted: number of predicted components.
        lesions: number of true components.
    """

    dice: float
    false_positive_ml: float
    false_negative_ml: float
    false_positives: int
    false_negatives: int
    predicted: int
    lesions: int


def whole_image_scores(predicted: Mask, true: Mask, spacing_mm: npt.ArrayLike) -> WholeImageScores:
    """Score a predicted mask, [k, j, i], against the true one on the same grid.

    Args:
        predicted: [k, j, i] everything but 0 is lesion.
        true: [k, j, i] likewise.
        spacing_mm: size of a voxel along k, j, i; its product is what counts.

    Raises:
        InputError: masks of different shape, or a spacing that is none.
    """
    a, b = masks(predicted, true)
    millilitres = float(np.prod(spacing(spacing_mm, a.ndim))) / _MM3_PER_ML
    region = joint_region(a, b)
    if region is not None:
        a, b = a[region], b[region]
    false_positives, found = unmatched_components(a, b)
    false_negatives, lesions = unmatched_components(b, a)
    return WholeImageScores(
        overlap(a, b).dice if lesions else float("nan"),
        float(false_positives.sum()) * millilitres,
        float(false_negatives.sum()) * millilitres,
        len(false_positives),
        len(false_negatives),
        found,
        lesions,
    )


def unmatched_components(mask: BoolArray, other: BoolArray) -> tuple[npt.NDArray[np.int64], int]:
    """Voxels of each component of ``mask`` that shares none with ``other``, and how many components there are.

    Components share faces or edges (18-connected in three dimensions).

    Args:
        mask: [...] its components are looked at.
        other: [...] of the same shape.
    """
    from scipy import ndimage

    structure = ndimage.generate_binary_structure(mask.ndim, min(_FACES_AND_EDGES, mask.ndim))
    labels, count = ndimage.label(mask, structure)
    sizes = np.bincount(labels[mask], minlength=count + 1)
    touched = np.zeros(count + 1, dtype=np.bool_)
    touched[labels[mask & other]] = True
    alone = ~touched
    alone[0] = False
    return sizes[alone].astype(np.int64), int(count)
