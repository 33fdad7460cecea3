"""The search for anchors that fit boxes best: differential evolution, from several beginnings, and then uphill.

Paper: Zlocha, Dou, Glocker, "Improving RetinaNet for CT Lesion Detection with Dense Masks from Weak RECIST Labels", MICCAI
2019, section 2.1: three scales in [0.4, 1.6] and two ratios in [1, 2] and [2, 4], each with its reciprocal, beside 1:1; the
objective is the overlap of each box with the best anchor, by differential evolution (Storn and Price 1997).

Alone that stops early, as the objective is flat, and in one of several valleys: at SciPy's tolerance of 0.01 five of twelve
runs on a thousand boxes missed the best by 0.001, at 0.003 one did. So it begins several times here, on few bins of shapes,
and the best of each run goes uphill on all boxes along the exact slope. For 30,000 boxes all of that takes about as long as one
generation of a plain run, which tries all anchors on all boxes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.anchor_file import MOST_RATIO, Anchors
from LesionDetectionLib.methods.universal_ct.architecture import SIZES

from .overlap import FloatArray, MeanOverlap, Shapes, binned

Bounds = tuple[float, float]
SCALE_BOUNDS, LARGEST_RATIO = (0.4, 1.6), 4.0
"""Of the paper; its two pairs of ratios share [1, 4] as equal factors: [1, 2] and [2, 4]."""
_BIN = 0.02
"""Of log side and log aspect: the mean IoU of 30,000 boxes in such bins is within 0.0003 of that of the boxes."""
_DIGITS = 4
"""Of scales and ratios: far below what changes an overlap."""
_AT_BOUND = 1e-3
_MOST_VALUES = 8


@dataclass(frozen=True)
class SearchSettings:
    """Attributes:
    sizes: of the anchors in pixels of the input.
    scales: how many are searched for.
    ratio_pairs: how many ratios are, each with its reciprocal; 1:1 is there besides.
    scale_bounds: of every scale.
    ratio_bounds: of each pair's larger ratio; empty: [1, 4] in equal factors.
    population: candidates for each variable (SciPy's ``popsize``).
    tolerance: of the candidates' spread, at which a run ends (SciPy's ``tol``).
    generations: most of a run.
    restarts: runs with other random numbers.
    refine: go on uphill; without it each run is SciPy's, with its own last polish, on all boxes.
    seed: of the random numbers.
    """

    sizes: tuple[float, ...] = SIZES
    scales: int = 3
    ratio_pairs: int = 2
    scale_bounds: Bounds = SCALE_BOUNDS
    ratio_bounds: tuple[Bounds, ...] = ()
    population: int = 15
    tolerance: float = 0.003
    generations: int = 1000
    restarts: int = 5
    refine: bool = True
    seed: int = 0

    def checked(self) -> SearchSettings:
        """With the bounds of all ratios.

        Raises:
            UsageError: settings that make no sense.
        """
        pairs = self.ratio_pairs
        bounds = self.ratio_bounds or tuple(
            (LARGEST_RATIO ** (n / pairs), LARGEST_RATIO ** ((n + 1) / pairs)) for n in range(pairs)
        )
        if not 1 <= self.scales <= _MOST_VALUES or not 0 <= pairs <= _MOST_VALUES:
            raise UsageError(f"Scales are 1 to {_MOST_VALUES}, and pairs of ratios 0 to {_MOST_VALUES}.")
        if (
            not self.sizes
            or not all(0 < size < math.inf for size in self.sizes)
            or list(self.sizes) != sorted(set(self.sizes))
        ):
            raise UsageError("Sizes are rising numbers above 0 with commas between, such as 32,64,128,256,512.")
        if len(bounds) != pairs:
            raise UsageError(
                f"There are {len(bounds)} bounds of ratios for {pairs} pairs. Name one for each, such as 1:2,2:4."
            )
        low, high = self.scale_bounds
        if not 0 < low < high < math.inf or not all(1 <= low < high <= MOST_RATIO for low, high in bounds):
            raise UsageError(
                "Bounds are LOW:HIGH: of scales above 0, of ratios between 1 (the reciprocals come by themselves) "
                f"and {MOST_RATIO:g}."
            )
        if self.population < 2 or not 0 <= self.tolerance < 1 or self.generations < 1 or not 1 <= self.restarts <= 1000:
            raise UsageError(
                "The population is at least 2, the tolerance in [0, 1), generations and restarts at least 1 (restarts at "
                "most 1000)."
            )
        if self.seed < 0:
            raise UsageError("The seed is a whole number from 0.")
        return SearchSettings(**{**vars(self), "ratio_bounds": bounds})


@dataclass(frozen=True)
class Found:
    """Attributes:
    anchors: the best.
    mean_iou: of all boxes with the best of them, same centre.
    runs: mean IoU that each restart ended with.
    evaluations: candidates that were judged, on bins and on all shapes.
    shapes, bins: how many there are.
    at_bounds: values that lie on a bound: beyond it may be better ones.
    """

    anchors: Anchors
    mean_iou: float
    runs: tuple[float, ...]
    evaluations: int
    shapes: int
    bins: int
    at_bounds: tuple[str, ...]


def find_anchors(shapes: Shapes, settings: SearchSettings, progress: Progress | None = None) -> Found:
    """Search; the same settings and shapes give the same anchors.

    Raises:
        UsageError: settings that make no sense.
        Cancelled: through ``progress``.
    """
    settings, progress = settings.checked(), progress or Progress()
    coarse = binned(shapes, _BIN) if settings.refine else shapes
    objective, rough = MeanOverlap(shapes, settings.sizes), MeanOverlap(coarse, settings.sizes)
    bounds = np.array([settings.scale_bounds] * settings.scales + list(settings.ratio_bounds), dtype=np.float64)
    ends, judged = list[FloatArray](), 0
    for n in range(settings.restarts):
        part = progress.part(n / settings.restarts, (n + 1) / settings.restarts)
        values, count = _evolved(rough, settings, bounds, n, part)
        if settings.refine:
            values, more = _uphill(objective, settings.scales, bounds, values)
            count += more
        ends.append(values)
        judged += count
    runs = _judge(objective, settings.scales, np.array(ends))
    best = ends[int(np.argmax(runs))]
    if settings.refine:
        best, more = _settled(objective, settings.scales, bounds, best)
        judged += more
    scales, ratios = best[: settings.scales], best[settings.scales :]
    anchors = _as_anchors(settings.sizes, scales, ratios)
    return Found(
        anchors,
        float(_judge(objective, settings.scales, best[None])[0]),
        tuple(float(run) for run in runs),
        judged,
        len(shapes),
        len(coarse),
        _at_bounds(best, bounds, settings.scales),
    )


def _judge(objective: MeanOverlap, scales: int, values: FloatArray) -> FloatArray:
    """[c] mean best IoU of candidates, [c, variables]."""
    return objective(values[:, :scales], values[:, scales:])


def _evolved(
    objective: MeanOverlap, settings: SearchSettings, bounds: FloatArray, restart: int, progress: Progress
) -> tuple[FloatArray, int]:
    """Where one run of SciPy's differential evolution (best1bin) ends, [variables], and how many candidates it judged."""
    from scipy.optimize import differential_evolution

    judged, text = 0, f"Searching, {restart + 1} of {settings.restarts}"
    progress(0.0, text)

    def loss(values: FloatArray) -> Any:
        """[variables, c] -> [c]; in the polish [variables] -> a number."""
        nonlocal judged
        overlap = -_judge(objective, settings.scales, np.atleast_2d(values.T))
        judged += overlap.size  # SciPy counts calls
        return overlap if values.ndim > 1 else float(overlap[0])

    def tell(best: FloatArray, convergence: float) -> None:
        progress(min(1.0, convergence), text)

    result = differential_evolution(
        loss,
        bounds,
        popsize=settings.population,
        tol=settings.tolerance,
        maxiter=settings.generations,
        polish=not settings.refine,
        seed=np.random.default_rng((settings.seed, restart)),
        updating="deferred",
        vectorized=True,
        callback=tell,
    )
    values = np.clip(np.asarray(result.x, dtype=np.float64), *bounds.T)
    return values, judged


def _uphill(objective: MeanOverlap, scales: int, bounds: FloatArray, start: FloatArray) -> tuple[FloatArray, int]:
    """Along the slope (L-BFGS-B, over logarithms) to the next summit; the start, where that is no better."""
    from scipy.optimize import minimize

    def loss(logs: FloatArray) -> tuple[float, FloatArray]:
        mean, *slopes = objective.slope(np.exp(logs[:scales]), np.exp(logs[scales:]))
        return -mean, -np.concatenate(slopes)

    result = minimize(loss, np.log(start), jac=True, method="L-BFGS-B", bounds=np.log(bounds))
    return _better(objective, scales, bounds, start, result)


def _settled(objective: MeanOverlap, scales: int, bounds: FloatArray, start: FloatArray) -> tuple[FloatArray, int]:
    """The last step, without a slope (Nelder and Mead): of few shapes a summit is a cusp, where a slope points past it."""
    from scipy.optimize import minimize

    logs, walls = np.log(start), np.log(bounds)
    step = np.where(logs + _BIN <= walls[:, 1], _BIN, -_BIN)
    result = minimize(
        lambda values: -_judge(objective, scales, np.exp(values)[None])[0],
        logs,
        method="Nelder-Mead",
        bounds=walls,
        options={
            "initial_simplex": np.clip(logs + np.vstack([np.zeros(logs.size), np.diag(step)]), *walls.T),
            "xatol": 1e-5,
            "fatol": 1e-8,
            "maxfev": 200 * logs.size,
        },
    )
    return _better(objective, scales, bounds, start, result)


def _better(
    objective: MeanOverlap, scales: int, bounds: FloatArray, start: FloatArray, result: Any
) -> tuple[FloatArray, int]:
    end = np.clip(np.exp(result.x), *bounds.T)
    before, after = _judge(objective, scales, np.stack([start, end]))
    return (end if after > before else start), int(result.nfev) + 2


def _as_anchors(sizes: tuple[float, ...], scales: FloatArray, ratios: FloatArray) -> Anchors:
    """Rounded, rising, each once: two scales that came to lie on one place are one."""
    larger = sorted({round(float(ratio), _DIGITS) for ratio in ratios} - {1.0})
    return Anchors(
        sizes,
        tuple(sorted({round(float(scale), _DIGITS) for scale in scales})),
        (*(1 / ratio for ratio in reversed(larger)), 1.0, *larger),
    )


def _at_bounds(values: FloatArray, bounds: FloatArray, scales: int) -> tuple[str, ...]:
    told = []
    for n, (value, (low, high)) in enumerate(zip(values, bounds, strict=True)):
        for bound in (low, high):
            # A ratio of 1 is no bound that could be moved: below it begin the reciprocals.
            if abs(value - bound) < _AT_BOUND * bound and not (n >= scales and bound == 1):
                told.append(f"{'scale' if n < scales else 'ratio'} {bound:g}")
    return tuple(dict.fromkeys(told))
