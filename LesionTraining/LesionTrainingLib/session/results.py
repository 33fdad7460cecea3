"""How good a trained model is, as its bundle tells; and how good the models of all folds are together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class TrainingResult:
    """What was measured on the test cases, and what the card says.

    Attributes:
        name: of the model.
        method: id of its method.
        path: of the bundle; None for several models together.
        scans: it was measured on; 0 where no case was kept for a test.
        cpm: mean sensitivity at 1/8 to 8 false positives per scan; None where it was not measured.
        cpm_bounds: that hold the middle 95 % of drawings of the scans; None for fewer than two scans.
        patients: that were drawn in place of the scans, as some have several; else 0.
        froc: rows of (false positives per scan, sensitivity), rising.
        band: rows of (false positives per scan, lower, upper).
        on_phantoms: measured on computer-made scans, which says nothing about patients.
        card: Markdown.
        models: how many models the figures are of.
    """

    name: str
    method: str
    path: Path | None
    scans: int
    cpm: float | None
    cpm_bounds: tuple[float, float] | None
    froc: Rows
    band: Rows
    on_phantoms: bool
    card: str
    models: int = 1
    patients: int = 0

    @classmethod
    def of(cls, path: Path) -> TrainingResult:
        """Of a bundle on disk. Raises BundleError."""
        bundle = Bundle.open(path)
        manifest = bundle.manifest
        test = manifest.metrics.get("test")
        figures = test if isinstance(test, Mapping) else {}
        return cls(
            name=manifest.name,
            method=manifest.method,
            path=Path(path),
            **_figures(figures),
            on_phantoms=manifest.trained_on_phantoms,
            card=bundle.card(),
        )


def together(name: str, models: Sequence[TrainingResult], figures: Mapping[str, Any]) -> TrainingResult:
    """The models of all folds as one result: each patient is measured by the model that has not seen them.

    Args:
        figures: what the task ``pool_folds`` gives.
    """
    if not models:
        raise UsageError("There are no models to put together.")
    cards = [
        f"- {model.name}: " + (f"CPM {model.cpm:.3f}" if model.cpm is not None else "not measured") for model in models
    ]
    card = (
        f"# {name}\n\n{len(models)} models, each measured on the patients that it did not learn from.\n\n"
        + "\n".join(cards)
    )
    return TrainingResult(
        name=name,
        method=models[0].method,
        path=None,
        **_figures(figures),
        on_phantoms=any(model.on_phantoms for model in models),
        card=card + "\n",
        models=len(models),
    )


def export_zip(source: Path, target: Path) -> None:
    """Write a bundle as one file to pass on; verified first, whole or not at all.

    Raises:
        BundleError: it is damaged.
        OutputError: ``target`` cannot be written.
    """
    Bundle.open(source).save_zip(target)


def _figures(test: Mapping[str, Any]) -> dict[str, Any]:
    confidence = test.get("confidence") or {}
    bounds = confidence.get("cpm")
    return {
        "scans": int(test.get("scans", 0)),
        "cpm": None if test.get("cpm") is None else float(test["cpm"]),
        "cpm_bounds": (float(bounds[0]), float(bounds[1])) if bounds else None,
        "patients": int(confidence.get("patients", 0)),
        # Thresholds are dropped: they mean nothing across models.
        "froc": tuple((float(rate), float(found)) for _, rate, found in test.get("froc", ())),
        "band": tuple((float(rate), float(low), float(high)) for rate, low, high in confidence.get("froc", ())),
    }
