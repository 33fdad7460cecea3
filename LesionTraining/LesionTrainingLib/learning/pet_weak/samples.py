"""From prepared projections to samples for a network: one patient a sample, with both views, varied, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..augmentation.affine import warp
from ..augmentation.drawn import chance
from ..augmentation.intensity import IntensityChanges, to_unit
from ..augmentation.spatial_2d import SliceTransforms
from ..engine.randomness import torch_stream
from ..engine.task import Share
from .settings import RecipeSettings, VariationSettings
from .views import TrainingViews

BoolArray = npt.NDArray[np.bool_]
PER_PATIENT = 2
"""Coronal, sagittal."""


@dataclass(frozen=True, eq=False)
class Samples:
    """n patients on a canvas of h x w pixels; of images, a patient's two follow each other.

    Attributes:
        inputs: [2 n, 1, h, w] float32 in [0, 1].
        labels: [2 n] int64, the patient's class.
        points: [2 n, 2] float32 row and column of the annotated point; not numbers without a tumour.
        masks: [2 n, 1, h, w] bool, what a segmentation learns; None for a classifier.
    """

    inputs: Tensor
    labels: Tensor
    points: Tensor
    masks: Tensor | None = None


class SampleMaker:
    """Varies projections; what varies is drawn for the whole global batch, and follows from the step.

    Args:
        cases: that are learned from.
        device: where projections are varied, and stay.
        masks: of each case, [2, h, w], what a segmentation learns.
    """

    def __init__(
        self,
        cases: Sequence[TrainingViews],
        settings: RecipeSettings,
        seed: int,
        name: str,
        device: torch.device,
        masks: Sequence[BoolArray] | None = None,
    ) -> None:
        self._cases, self._masks, self._settings = cases, masks, settings
        self._seed, self._name, self._device = seed, name, device
        self._canvas = common_canvas(cases)
        self.labels = np.array([settings.architecture.classes.index(one.label) for one in cases], dtype=np.int64)

    def make(self, patients: npt.NDArray[np.int64], step: int, share: Share) -> Samples:
        """The own part of the global batch of these patients."""
        count, variation = len(patients), self._settings.variation
        generator = torch_stream(self._seed, self._name, "variation", step)
        moves = draw_moves(count, variation, generator)
        changes = share.of(IntensityChanges.draw(count, variation.intensity, generator))
        own = share.of(np.arange(count))
        moves = moves[(PER_PATIENT * own[:, None] + np.arange(PER_PATIENT)).ravel()]
        patients = patients[own]
        # A patient's views are its channels here: they share the changes, but for the noise.
        suv = changes.apply(self._stacked([self._cases[n].suv for n in patients]))
        moved = self._moved(suv, moves)
        masks = None
        if self._masks is not None:
            drawn = self._stacked([self._masks[n] for n in patients])
            masks = self._moved(drawn.to(torch.uint8), moves, nearest=True) > 0
        points = torch.from_numpy(np.stack([self._points(int(n)) for n in patients]))
        return Samples(
            to_unit(moved, (0.0, self._settings.most_suv)),
            torch.from_numpy(np.repeat(self.labels[patients], PER_PATIENT)).to(self._device),
            moved_points(moves, points.reshape(-1, 2), self._canvas).to(self._device, torch.float32),
            masks,
        )

    def identity(self) -> dict[str, Any]:
        """What the samples depend on besides the step, in plain values."""
        variation = asdict(self._settings.variation)
        return {"cases": [case.identity for case in self._cases], "variation": variation, "seed": self._seed}

    def _stacked(self, images: Sequence[npt.NDArray[Any]]) -> Tensor:
        """[n, 2, h, w] on the device: each case's pictures in the middle of the common canvas."""
        return torch.from_numpy(np.stack([on_canvas(image, self._canvas) for image in images])).to(self._device)

    def _moved(self, images: Tensor, moves: SliceTransforms, nearest: bool = False) -> Tensor:
        """[2 n, 1, h, w] of [n, 2, h, w]."""
        shifts = moves.shifts * torch.tensor(self._canvas, dtype=torch.float64)
        return warp(images.flatten(0, 1)[:, None], moves.matrices, shifts, self._canvas, nearest=nearest)

    def _points(self, n: int) -> npt.NDArray[np.float64]:
        one = self._cases[n]
        return one.points + offset_on(one.suv.shape[1:], self._canvas)


def draw_moves(count: int, variation: VariationSettings, generator: torch.Generator) -> SliceTransforms:
    """How both projections of so many patients are moved: two rows a patient, the coronal one first."""
    moves = SliceTransforms.draw(PER_PATIENT * count, variation.in_space(), generator)
    mirrored = PER_PATIENT * torch.nonzero(chance(count, variation.mirror, generator)).flatten()
    moves.matrices[mirrored, :, 1] *= -1
    return moves


def moved_points(moves: SliceTransforms, points: Tensor, size: tuple[int, int]) -> Tensor:
    """[n, 2] rows and columns, where points come to lie that an image each has; not numbers stay so."""
    # Boxes and points of a transform are told by edges, x first: a pixel's centre lies half a pixel behind its edge.
    found = moves.move_points([one.flip(0)[None] + 0.5 for one in points], size)
    return torch.cat(found).flip(1) - 0.5


def common_canvas(cases: Sequence[TrainingViews]) -> tuple[int, int]:
    """Height and width that all cases fit into."""
    heights, widths = zip(*(one.suv.shape[1:] for one in cases), strict=True)
    return max(heights), max(widths)


def offset_on(size: Sequence[int], canvas: tuple[int, int]) -> npt.NDArray[np.int64]:
    """[2] rows and columns before an image of this size in the middle of a canvas."""
    return np.asarray((np.array(canvas) - np.array(size)) // 2)


def on_canvas(image: npt.NDArray[Any], canvas: tuple[int, int]) -> npt.NDArray[Any]:
    """[2, *canvas]: pictures, [2, h, w], in the middle, with 0 around them."""
    if image.shape[1:] == canvas:
        return image
    row, column = offset_on(image.shape[1:], canvas)
    placed = np.zeros((len(image), *canvas), dtype=image.dtype)
    placed[:, row : row + image.shape[1], column : column + image.shape[2]] = image
    return placed
