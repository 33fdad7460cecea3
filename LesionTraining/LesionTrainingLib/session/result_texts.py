"""What is said of how good a model is, and what that is worth."""

from __future__ import annotations

from LesionDetectionLib.app.models import ModelEntry
from LesionDetectionLib.app.translation import tr as _

from .results import TrainingResult

_FEW_SCANS = 30
"""Fewer say little: of 30 scans with two lesions each, a sensitivity of 0.8 is known to about 0.1 either way."""


def model_title(entry: ModelEntry) -> str:
    """A model, for a list."""
    name = f"{entry.name} {entry.version}".strip()
    return _("{name} (came with the program)").format(name=name) if entry.shipped else name


def cpm_texts(result: TrainingResult) -> tuple[str, str]:
    """The figure, and its bounds; the second is empty where they are not known."""
    if result.cpm is None:
        return _("Not measured"), ""
    bounds = ""
    if result.cpm_bounds is not None:
        low, high = result.cpm_bounds
        bounds = _("95 %: {low:.3f} to {high:.3f}").format(low=low, high=high)
    return f"CPM {result.cpm:.3f}", bounds


def measured_text(result: TrainingResult) -> str:
    """What the figure is, and of how many scans."""
    if result.cpm is None:
        return _("Nothing is known of how good it is: no case was kept for a test, or none had a lesion.")
    text = _("Mean sensitivity at 1/8 to 8 false marks per scan.")
    text += f" {scans_text(result.scans)}"
    if result.models > 1:
        text += " " + _("{models} models, each on patients that it has not seen.").format(models=result.models)
    if result.cpm_bounds is not None and result.patients:
        text += " " + _("The bounds hold 95 % of what comes of drawing the {patients} patients anew.").format(
            patients=result.patients
        )
    elif result.cpm_bounds is not None:
        text += " " + _("The bounds hold 95 % of what comes of drawing the scans anew.")
    return text


def few_scans_text(result: TrainingResult) -> str:
    """Where the figures are of few scans, what that means; else empty."""
    if result.cpm is None or result.scans >= _FEW_SCANS:
        return ""
    if result.cpm_bounds is None:
        return _("That is little to go by, and how far the true figure may lie from this one was not worked out.")
    low, high = result.cpm_bounds
    if low == high:
        return _("Few scans that came out alike: that the band has no width is no sign of certainty.")
    return _("Few scans, hence a wide band: the true figures may lie anywhere in it, or outside.")


def scans_text(count: int) -> str:
    return _("Measured on one scan.") if count == 1 else _("Measured on {scans} scans.").format(scans=count)


def measuring_warning(name: str) -> str:
    """To be read before a model is measured."""
    return _(
        "The figures are worth something only if the model has not learned from these patients, and no threshold was "
        "chosen on them. Measure “{name}” on the chosen data?"
    ).format(name=name)
