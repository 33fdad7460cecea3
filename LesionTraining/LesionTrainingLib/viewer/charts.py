"""Charts as plain values that the browser draws as SVG: paths, ticks and a legend. No markup is made here, so none can be
smuggled in with a name.

Pixels: x to the right, y downwards, in a box of :data:`WIDTH` x :data:`HEIGHT`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..session.curve_lines import RATES, FloatArray, Line, froc_lines, loss_lines, validation_lines
from ..session.curves import LiveCurves
from ..session.results import TrainingResult

WIDTH, HEIGHT = 460, 270
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 14, 42
"""Room around the curves, for ticks and titles."""
COLORS = 6
"""Of lines, in the style sheet."""
_MOST_POINTS = 400
"""Of a line: as many as a screen can tell apart."""
_SPIKES = 99.0
"""Percent of the losses lie within the chart; a spike above makes the rest no flatter."""
_RATE_TICKS = ((0.125, "1/8"), (0.25, "1/4"), (0.5, "1/2"), (1.0, "1"), (2.0, "2"), (4.0, "4"), (8.0, "8"))
_MEAN = "{stage}, mean"
EMPTY: dict[str, Any] = {"lines": [], "legend": [], "band": "", "x": [], "y": [], "x_title": "", "y_title": ""}
"""Nothing to draw."""


@dataclass(frozen=True)
class _Axis:
    """Where values lie between two ends, in pixels."""

    low: float
    high: float
    first_px: float
    last_px: float
    ticks: Sequence[tuple[float, str]]
    scale: Callable[[Any], Any] = field(default=lambda value: value)

    def px(self, values: FloatArray) -> FloatArray:
        """[N]; beyond the ends at the ends, NaN where a value is not finite."""
        low, high = self.scale(self.low), self.scale(self.high)
        known = np.where(np.isfinite(values), values, np.nan)
        inside = np.clip(known, self.low, self.high)
        found: FloatArray = self.first_px + (self.scale(inside) - low) / (high - low) * (self.last_px - self.first_px)
        return found

    def shown(self) -> list[dict[str, Any]]:
        return [{"at": round(float(self.px(np.array(value))), 1), "text": text} for value, text in self.ticks]


def loss_chart(curves: LiveCurves) -> dict[str, Any]:
    """The loss of single steps, faint, and their mean, of each stage."""
    lines = loss_lines(curves.losses, _MEAN, _MOST_POINTS)
    values = _finite([line.y for line in lines if line.opacity < 1])
    high = float(np.percentile(values, _SPIKES)) if len(values) else 1.0
    return _chart(lines, (_steps(lines), _values(min(0.0, _least(values)), high)), ("Step", "Loss"))


def validation_chart(curves: LiveCurves) -> dict[str, Any]:
    """The metrics on validation cases."""
    lines = validation_lines([curve.thinned(_MOST_POINTS) for curve in curves.validations])
    values = _finite([line.y for line in lines])
    high = float(values.max()) if len(values) else 1.0
    return _chart(lines, (_steps(lines), _values(min(0.0, _least(values)), high)), ("Step", "Value"))


def froc_chart(results: Sequence[TrainingResult]) -> dict[str, Any]:
    """The curves of models over LUNA16's rates, and the band of the last one where it is known."""
    lines = [line for line in froc_lines(results, "") if not line.dashed]
    x = _Axis(*RATES, LEFT, WIDTH - RIGHT, _RATE_TICKS, np.log2)
    y = _Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP, [(n / 4, f"{n / 4:.2g}") for n in range(5)])
    chart = _chart(lines, (x, y), ("False marks per scan", "Sensitivity"), single=len(lines) > 1)
    band = results[-1].band if results and results[-1].froc else ()
    if band:
        rates, low, high = np.array(band).T
        there = np.concatenate([x.px(rates), x.px(rates)[::-1]])
        chart["band"] = f"{_path(there, np.concatenate([y.px(low), y.px(high)[::-1]]))}Z"
    return chart


def _chart(
    lines: Sequence[Line], axes: tuple[_Axis, _Axis], titles: tuple[str, str], single: bool = True
) -> dict[str, Any]:
    x, y = axes
    drawn = [
        {
            "d": _path(x.px(line.x), y.px(line.y)),
            "color": line.color % COLORS,
            "faint": line.opacity < 1,
            "bold": line.width > 2,
            "dot": len(line.x) == 1,
        }
        for line in lines
        if len(line.x)
    ]
    named = [line for line in lines if line.opacity >= 1] if single else []
    legend = [{"name": line.name.removesuffix(", mean"), "color": line.color % COLORS} for line in named]
    return {
        "lines": drawn,
        "legend": legend,
        "band": "",
        "x": x.shown(),
        "y": y.shown(),
        "x_title": titles[0],
        "y_title": titles[1],
    }


def _path(x: FloatArray, y: FloatArray) -> str:
    """Of SVG. A point that is not finite breaks the line; one alone is drawn as a dot, by its round end."""
    parts, moved = [], False
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if not np.isfinite(across) or not np.isfinite(down):
            moved = False
            continue
        parts.append(f"{'L' if moved else 'M'}{across:.1f} {down:.1f}")
        if not moved:
            parts.append("h0")
        moved = True
    return "".join(parts)


def _steps(lines: Sequence[Line]) -> _Axis:
    last = max((float(line.x[-1]) for line in lines if len(line.x)), default=1.0)
    ticks = _round_ticks(0.0, max(last, 1.0), 5)
    return _Axis(0.0, max(last, 1.0), LEFT, WIDTH - RIGHT, [tick for tick in ticks if tick[0] <= max(last, 1.0)])


def _values(low: float, high: float) -> _Axis:
    """From one round value to another, around these."""
    high = high if high > low else low + 1.0
    ticks = _round_ticks(low, high, 4)
    return _Axis(ticks[0][0], ticks[-1][0], HEIGHT - BOTTOM, TOP, ticks)


def _round_ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """About so many round values, the first at or below ``low``, the last at or above ``high``."""
    rough = (high - low) / count
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(power * n) for n in (1, 2, 2.5, 5, 10) if power * n >= rough * 0.999)
    first, last = int(np.floor(low / step + 1e-6)), int(np.ceil(high / step - 1e-6))
    return [(n * step, f"{n * step:.6g}") for n in range(first, last + 1)]


def _finite(values: Sequence[FloatArray]) -> FloatArray:
    joined = np.concatenate(values) if values else np.empty(0)
    found: FloatArray = joined[np.isfinite(joined)]
    return found


def _least(values: FloatArray) -> float:
    return float(values.min()) if len(values) else 0.0
