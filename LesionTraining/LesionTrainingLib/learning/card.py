"""The model card of a bundle: what it is for, what it learned from, how well it did and on what, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from LesionDetectionLib.core.bundle import MEASURED_LATER, Manifest
from LesionDetectionLib.core.detector import MethodInfo

if TYPE_CHECKING:
    from ..evaluation.froc import ScanMatch

_RESEARCH = "Research only. Not a medical device; not for clinical decisions."


@dataclass(frozen=True)
class Judged:
    """What was measured on the test cases.

    Attributes:
        metrics: plain values for the manifest.
        table: the same in Markdown, with a sentence on what counts as a hit.
        matches: of each scan, every mark against its truth; for the run's folder, not for the card.
    """

    metrics: dict[str, Any]
    table: str
    matches: tuple[ScanMatch, ...] = field(default=(), repr=False)


def intended_use(on_phantoms: bool) -> str:
    if on_phantoms:
        return (
            "To show how the program works, and to test it. Trained on computer-made phantoms only, on no patient's data. "
            + _RESEARCH
        )
    return _RESEARCH


def model_card(manifest: Manifest, info: MethodInfo, judged: Judged | None) -> str:
    """The card in Markdown: all that it says is in the manifest and in what was measured.

    Args:
        manifest: its ``training`` has the recipe's own sentences on data and fit (``lines``) and on limits (``limits``).
        judged: None where no case was kept for a test.
    """
    training = manifest.training
    paragraphs = [f"# {manifest.name}", f"{info.title}, after {info.reference}"]
    if manifest.trained_on_phantoms:
        paragraphs.append(
            "**Trained on computer-made phantoms only.** No patient's data went into it. It is here so that the program "
            "can be tried, and it says nothing reliable about patients."
        )
    paragraphs += ["## Intended use", manifest.intended_use, "## What it finds", info.finds]
    paragraphs += ["## Limits", _limits(manifest, info, training["limits"])]
    paragraphs += ["## Data", _data(training), "## How it was made"]
    if training["command"]:
        paragraphs.append(f"    {training['command']}")
    paragraphs += [*training["lines"], f"Trained on {training['machine']}.", "## How good it is"]
    paragraphs.append(judged.table if judged else "No case was kept for a test: nothing is known of how good it is.")
    paragraphs += ["## Operating points", _points(manifest)]
    return "\n\n".join(paragraphs) + "\n"


def data_in_words(specs: Mapping[str, str], on_phantoms: bool) -> str:
    """What a model learned from and was judged by.

    Args:
        specs: part -> specification of its cohort, without the folders it lies in: a path says much of a hospital's computer,
            and helps nobody.
    """
    kind = "computer-made phantoms, no patients" if on_phantoms else "patients' images"
    return f"{kind}: {', '.join(dict.fromkeys(specs.values()))}"


def _limits(manifest: Manifest, info: MethodInfo, more: Sequence[str]) -> str:
    known = [info.limits, *more]
    if manifest.trained_on_phantoms:
        known.append(
            "The figures below are from phantoms like those it learned from; on patients it does worse, by an unknown amount."
        )
    return "\n".join(f"- {sentence}" for sentence in [*known, "A score ranks findings; it is no probability."])


def _data(training: dict[str, Any]) -> str:
    cases = training["cases"]
    left_out = f" {training['left_out']} were left out; the run's folder says why." if training["left_out"] else ""
    made = (
        f"{training['data'][0].upper()}{training['data'][1:]}. {cases['training']} cases for training, "
        f"{cases['validation']} others for validation"
    )
    if training.get(MEASURED_LATER):
        known = (
            f"; {cases['test']} cases that it was measured on later. Whether the model had learned from patients among these was for "
            "those to know who measured it"
        )
    else:
        known = f", {cases['test']} others that were only measured on; no patient is known to be in two of these"
    return f"{made}{known}.{left_out}"


def _points(manifest: Manifest) -> str:
    settings = manifest.settings
    default = settings.get("default_operating_point")
    return "\n".join(
        f"- `{name}`: score >= {threshold:.4f}{' (default)' if name == default else ''}"
        for name, threshold in settings["operating_points"].items()
    )
