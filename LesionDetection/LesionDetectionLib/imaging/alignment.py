"""Two scans of one patient brought together by a rigid move, so that a lesion of one can be looked for in the other.

1. Both scans on a coarse straight grid; the best shift of all, by masked normalised correlation in Fourier space
   (D. Padfield, Masked object registration in the Fourier domain, IEEE TIP 21 (2012) 2706-2718): scans of two days begin at
   different heights, and an optimiser alone would end in a wrong vertebra.
2. From there a rigid move by SimpleITK, coarse to fine, on correlation, within the body.
3. The same once more with the roles changed. How far the two ways disagree, over the body, says how far to trust them.

Breathing, posture and growth are no rigid moves: after it, lesions near the diaphragm may still be a centimetre or two off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from LesionDetectionLib.core.errors import DependencyError, InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, FloatArray, Image
from LesionDetectionLib.core.progress import Progress

from .coarse_grid import CoarseGrid

RIGID, GIVEN, NONE = "rigid", "given", "none"

_COARSE_MM, _FINE_MM = 8.0, 4.0
_SAMPLED = 0.2
"""Share of the voxels that the optimiser looks at."""
_LEAST_OVERLAP = 0.35
"""Of the smaller body's volume; below it the two scans show different parts of the patient."""
_LEAST_CORRELATION = 0.6
_MOST_DISAGREEMENT_MM = 12.0
_MOST_TURN_DEGREES = 35.0
_FAILED = (
    "The two scans could not be aligned. Are they of the same patient and part of the body? Give the alignment, or compare "
    "without"
)
_APART = (
    "The two scans could not be aligned: they share too little of the body. Give the alignment, or compare without one."
)


@dataclass(frozen=True, eq=False)
class Alignment:
    """A rigid move of one scan's places to another's, and how good it is.

    Attributes:
        matrix: [4, 4] RAS mm of the first (baseline) to RAS mm of the second (follow-up).
        kind: ``rigid`` (found here), ``given`` (by the user) or ``none`` (places are taken as they are).
        correlation: of the values of both, where they overlap after the move, from -1 to 1; None where it was not measured.
        overlap: share of the smaller body that lies in the other; None where it was not measured.
        disagreement_mm: mean distance between the move and the one found with the roles changed, over the body; None where
            it was not measured.
    """

    matrix: FloatArray
    kind: str = RIGID
    correlation: float | None = None
    overlap: float | None = None
    disagreement_mm: float | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def none(cls) -> Alignment:
        """Both scans share their places already."""
        return cls(np.eye(4), NONE)

    @classmethod
    def given(cls, matrix: npt.ArrayLike) -> Alignment:
        """A move that the user knows, [4, 4], RAS mm of the baseline to RAS mm of the follow-up.

        Raises:
            UsageError: it is no rigid move.
        """
        values = np.asarray(matrix, dtype=np.float64)
        turn = values[:3, :3] if values.shape == (4, 4) else np.zeros((3, 3))
        rigid = np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) and np.linalg.det(turn) > 0
        if values.shape != (4, 4) or not np.isfinite(values).all() or not rigid:
            raise UsageError(
                "This is no rigid move: it needs four rows of four numbers that turn and shift without scaling."
            )
        if not np.allclose(values[3], (0, 0, 0, 1)):
            raise UsageError("This is no rigid move: its last row must be 0 0 0 1.")
        return cls(values, GIVEN)

    def apply(self, ras_mm: npt.ArrayLike) -> FloatArray:
        """Places of the baseline, [..., 3] RAS mm, in the follow-up."""
        return np.asarray(ras_mm, dtype=np.float64) @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    @property
    def turn_degrees(self) -> float:
        cosine = (np.trace(self.matrix[:3, :3]) - 1) / 2
        return math.degrees(math.acos(min(1.0, max(-1.0, float(cosine)))))

    def in_words(self) -> str:
        """A sentence for a report."""
        if self.kind == NONE:
            return "The scans were compared without aligning them."
        how = "given by the user" if self.kind == GIVEN else "found by the program"
        words = f"The scans were aligned by a rigid move, {how}: turned by {self.turn_degrees:.1f} degrees."
        if self.correlation is None or self.overlap is None or self.disagreement_mm is None:
            return words
        return (
            f"{words} Their values then correlate to {self.correlation:.2f} where they overlap ({100 * self.overlap:.0f} % of "
            f"the smaller body), and the same found backwards differs by {self.disagreement_mm:.1f} mm."
        )


def align(baseline: Image, follow_up: Image, progress: Progress | None = None) -> Alignment:
    """The rigid move from one scan to another of the same patient and modality. Takes seconds.

    Raises:
        ModalityError: the two are of different modalities.
        InputError: they could not be aligned; the text says why.
        DependencyError: SimpleITK is missing.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    modality = _common_modality(baseline, follow_up)
    progress(0.0, "Making both scans coarse")
    first, second = (_grids(image, modality) for image in (baseline, follow_up))
    progress(0.2, "Looking for the shift")
    start: FloatArray = np.eye(4)
    start[:3, 3] = _best_shift(first[0], second[0])
    found = _refined(first, second, start, progress.part(0.3, 0.65))
    back = _refined(second, first, np.asarray(np.linalg.inv(start)), progress.part(0.65, 0.95))
    progress(0.95, "Judging the alignment")
    judged = _judged(first, second, found, back)
    _refuse(judged)
    progress(1.0)
    return judged


def _common_modality(baseline: Image, follow_up: Image) -> str:
    kinds = [image.modality or {HU: CT, SUV_BW: PET}.get(image.unit, "") for image in (baseline, follow_up)]
    if kinds[0] != kinds[1]:
        raise ModalityError(
            f"“{baseline.name}” is of modality {kinds[0] or 'unknown'}, “{follow_up.name}” of {kinds[1] or 'unknown'}: only "
            "scans of one modality can be aligned. Give the alignment, or compare without."
        )
    return kinds[0]


_Pair = tuple[CoarseGrid, CoarseGrid]
"""The same scan, coarse and fine."""


def _grids(image: Image, modality: str) -> _Pair:
    coarse, fine = (CoarseGrid.of(image, modality, step) for step in (_COARSE_MM, _FINE_MM))
    return coarse, fine


def _best_shift(first: CoarseGrid, second: CoarseGrid) -> FloatArray:
    """[3] mm that brings the first to the second, to a grid step: the best of all that let enough of the bodies overlap.

    Raises:
        InputError: no shift does.
    """
    shape = [fft.next_fast_len(a + b - 1, real=True) for a, b in zip(first.body.shape, second.body.shape, strict=True)]

    def spectrum(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(fft.rfftn(array.astype(np.float64), shape))

    def against(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> FloatArray:
        return np.asarray(fft.irfftn(a * np.conj(b), shape))

    seen, values, squares = (spectrum(second.seen), spectrum(second.values), spectrum(second.values**2))
    own_seen, own, own_squares = (spectrum(first.seen), spectrum(first.values), spectrum(first.values**2))
    count = np.maximum(against(seen, own_seen), 1.0)
    sum_second, sum_first = against(values, own_seen), against(seen, own)
    spread_second = against(squares, own_seen) - sum_second**2 / count
    spread_first = against(seen, own_squares) - sum_first**2 / count
    shared = against(values, own) - sum_second * sum_first / count
    overlap = against(spectrum(second.body), spectrum(first.body)) / min(first.body.sum(), second.body.sum())
    correlation = shared / np.sqrt(np.maximum(spread_second * spread_first, 1e-6))
    # Of shifts that fit equally well, the one that lets more overlap: little overlap fits by chance.
    score = np.where(overlap >= _LEAST_OVERLAP, correlation * np.clip(overlap, 0, 1) ** 0.25, -np.inf)
    if not np.isfinite(score).any():
        raise InputError(_APART)
    at = np.array(np.unravel_index(int(score.argmax()), score.shape))
    steps = np.where(at > np.array(second.body.shape) - 1, at - np.array(shape), at)[::-1]
    return np.asarray(steps * first.step_mm + second.origin_mm - first.origin_mm)


def _refined(first: _Pair, second: _Pair, start: FloatArray, progress: Progress) -> FloatArray:
    """[4, 4] the rigid move from the first to the second, from a start near it."""
    matrix = start
    for level, (fixed, moving) in enumerate(zip(first, second, strict=True)):
        progress(0.5 * level, "Turning and shifting")
        matrix = _optimised(fixed, moving, matrix, progress)
    progress(1.0)
    return matrix


def _optimised(fixed: CoarseGrid, moving: CoarseGrid, matrix: FloatArray, progress: Progress) -> FloatArray:
    sitk = _simpleitk()
    center = fixed.places_mm(fixed.body).mean(axis=0)
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation((matrix[:3, :3] @ center + matrix[:3, 3] - center).tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    # Some air around the body shows its outline; where a scan ends, nothing is known: without the second mask the edges
    # of a shorter scan draw the move by millimetres.
    near = ndimage.binary_dilation(fixed.body, iterations=2) & fixed.seen
    method.SetMetricFixedMask(fixed.as_itk(sitk, near.astype(np.uint8)))
    method.SetMetricMovingMask(moving.as_itk(sitk, moving.seen.astype(np.uint8)))
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(_SAMPLED, seed=1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.005, 150, relaxationFactor=0.8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    method.AddCommand(sitk.sitkIterationEvent, lambda: method.StopRegistration() if progress.cancelled else None)
    try:
        method.Execute(fixed.as_itk(sitk, fixed.values), moving.as_itk(sitk, moving.values))
    except RuntimeError as error:
        raise InputError(f"{_FAILED} ({str(error).strip().splitlines()[-1]}).") from error
    found = np.eye(4)
    found[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    found[:3, 3] = center + np.array(transform.GetTranslation()) - found[:3, :3] @ center
    return found


def _judged(first: _Pair, second: _Pair, found: FloatArray, back: FloatArray) -> Alignment:
    own, other = first[1], second[1]
    places = own.places_mm(own.body)
    moved = places @ found[:3, :3].T + found[:3, 3]
    seen = other.at(other.seen, moved) > 0.99
    both = other.at(other.body, moved) > 0.5
    overlap = float(both.sum() / min(own.body.sum(), other.body.sum()))
    a, b = own.values[own.body][seen], other.at(other.values, moved)[seen]
    flat = len(a) < 2 or a.std() == 0 or b.std() == 0
    correlation = 0.0 if flat else float(np.corrcoef(a, b)[0, 1])
    inverse = np.linalg.inv(back)
    apart = moved - (places @ inverse[:3, :3].T + inverse[:3, 3])
    return Alignment(found, RIGID, correlation, min(overlap, 1.0), float(np.linalg.norm(apart, axis=1).mean()))


def _refuse(found: Alignment) -> None:
    """Raises InputError where the move is not to be trusted."""
    if found.overlap is None or found.correlation is None or found.disagreement_mm is None:
        return
    if found.overlap < _LEAST_OVERLAP:
        raise InputError(_APART)
    if found.turn_degrees > _MOST_TURN_DEGREES:
        raise InputError(f"{_FAILED} (it ended in a turn by {found.turn_degrees:.0f} degrees).")
    if found.correlation < _LEAST_CORRELATION:
        raise InputError(f"{_FAILED} (the values correlate to {found.correlation:.2f} only).")
    if found.disagreement_mm > _MOST_DISAGREEMENT_MM:
        raise InputError(f"{_FAILED} (forwards and backwards it differs by {found.disagreement_mm:.0f} mm).")


def _simpleitk() -> Any:
    try:
        import SimpleITK
    except ImportError as error:
        raise DependencyError("Aligning two scans needs SimpleITK: pip install SimpleITK.") from error
    return SimpleITK
