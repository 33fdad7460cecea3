"""The model card of a phantom-trained ``nodule-ct`` bundle."""

from __future__ import annotations

from typing import Any

from .recipe import Trained
from .settings import RecipeSettings

INTENDED_USE = (
    "To show how the program works, and to test it. Trained on computer-made phantoms only, on no patient's data. "
    "Research only. Not a medical device; not for clinical decisions."
)


def write_card(name: str, trained: Trained, settings: RecipeSettings, training: dict[str, Any], test_table: str) -> str:
    """The card in Markdown. ``training`` is the manifest's; ``test_table`` what the evaluation printed."""
    record, candidates = trained.record, trained.metrics["candidates"]
    points = "\n".join(
        f"- `{point}`: score >= {trained.settings['operating_points'][point]:.4f}, set to at most {rate:g} false positives "
        "per validation scan"
        for point, rate in settings.operating_points.items()
    )
    seconds = ", ".join(f"{part} {value} s" for part, value in training["seconds"].items())
    return f"""# {name}

Lung nodules in chest CT, in two 3D stages, after Dou et al., "Automated Pulmonary Nodule Detection via 3D ConvNets with
Online Sample Filtering and Hybrid-Loss Residual Learning" (MICCAI 2017), with small widths.

**Trained on computer-made phantoms only.** No patient's data went into it. It is here so that the program can be tried at
once, and it says nothing reliable about patients.

## Intended use

{INTENDED_USE}

## Data

{record["training_scans"]} phantom chests with {record["training_nodules"]} nodules for training (seeds {training["training_seeds"]}),
{record["validation_scans"]} others with {record["validation_nodules"]} nodules for the thresholds (seeds {training["validation_seeds"]}), in three
protocols: thin slices with a sharp kernel, 1.25 mm slices, thick slices. Nodules are solid, part-solid, ground-glass,
juxtapleural and vascular, 3 to 40 mm; vessel crossings, scars, fissure thickenings, apical caps and costochondral bumps are
the negatives that look like nodules.

## How it was made

    {training["command"]}

{record["parameters"]:,} parameters. Times: {seconds}; on {training["threads"]} threads, {training["machine"]}. A phantom
that is not in the cache takes about 4 s more on two processes. The same seed
gives the same weights on the same machine with as many threads; elsewhere sums are taken in another order and the weights
differ a little.

## Thresholds, set on the validation phantoms

- candidates: probability >= {candidates["threshold"]:.3f} (lets {candidates["false_per_scan"]:.1f} false candidates per scan through, and
  {100 * candidates["sensitivity"]:.1f} % of the nodules)
{points}

## Measured

On {training["test_scans"]} phantoms that served neither training nor thresholds (preset `{training["test_preset"]}`, seeds {training["test_seeds"]}); a nodule is hit
by a mark nearer to its centre than its radius:

{test_table}

## Limits

- The figures above are from phantoms like those it learned from; on patients it does worse, by an unknown amount.
- One patient's CT (LIDC-IDRI-0314) was looked at while the recipe was made: its nodule scored low, so the augmentation was
  widened. No weight or threshold was fitted on it, but how this model does on that scan is no independent test.
- Phantoms lack most disease: consolidation, atelectasis, effusion, fibrosis, bronchiectasis, post-operative change, lymph
  nodes, tubes and wires. Expect false marks there.
- Nodules below 4 mm, ground glass in noise, and nodules in slices thicker than 3 mm are often missed.
- A score ranks findings; it is no probability, and says nothing of malignancy.
- The diameter is that of a sphere of the nodule's volume, not a caliper's longest diameter.
"""
