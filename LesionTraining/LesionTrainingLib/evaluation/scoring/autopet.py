"""autoPET's three figures: Dice, false positive volume, false negative volume, image by image and as means."""

from __future__ import annotations

import numpy as np

from ..matching.autopet import AutoPet, Volumes
from ..matching.policy import Policy
from ..output.tables import Table
from ..reading.sets import Scoring
from .free_response import counts, counts_table
from .scored import Scored, ScoreOptions, shown


def score_autopet(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """Dice and false negative volume are means over the images with lesions, false positive volume over all.

    Raises:
        Cancelled: through ``options.progress``.
    """
    assert isinstance(policy, AutoPet)
    measured = [policy.measure(image) for image in shown(scoring.images, options.progress)]
    outcomes, volumes = [outcome for outcome, _ in measured], [one for _, one in measured]
    with_lesions = [one for one in volumes if one.truth_ml]
    least = float(policy.least_score)
    values = {
        "dice": _mean([one.dice for one in with_lesions]),
        "false_positive_volume_ml": _mean([one.false_positive_ml for one in volumes]),
        "false_negative_volume_ml": _mean([one.false_negative_ml for one in with_lesions]),
        "scans_with_lesions": len(with_lesions),
    }
    counted = counts(policy, outcomes)
    summary = {**values, "least_score": least, **counted, "rule": policy.rule}
    shown_from = f"Marks of score {least:.3g} or more are shown." if np.isfinite(least) else "All marks are shown."
    rows = (
        ("Dice, images with lesions", values["dice"]),
        ("false positive volume in mL, all images", values["false_positive_volume_ml"]),
        ("false negative volume in mL, images with lesions", values["false_negative_volume_ml"]),
    )
    names = [image.image for image in scoring.images]
    lead = (
        f"Dice {values['dice']:.3f}, {values['false_positive_volume_ml']:.2f} mL false positive and "
        f"{values['false_negative_volume_ml']:.2f} mL missed an image. {shown_from}"
    )
    tables = {"Volumes": Table(("mean of", "value"), rows, shown_from), "Counts": counts_table(counted)}
    return Scored(policy, scoring.images, outcomes, summary, lead, tables, image_rows=_images(names, volumes))


def _images(names: list[str], volumes: list[Volumes]) -> Table:
    columns = ("image", "dice", "truth_ml", "marked_ml", "shared_ml", "false_positive_ml", "false_negative_ml")
    rows = [
        (name, one.dice, one.truth_ml, one.marked_ml, one.shared_ml, one.false_positive_ml, one.false_negative_ml)
        for name, one in zip(names, volumes, strict=True)
    ]
    return Table(columns, tuple(rows))


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
