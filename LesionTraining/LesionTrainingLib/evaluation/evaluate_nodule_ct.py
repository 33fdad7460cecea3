"""Judge a ``nodule-ct`` model on unseen chest phantoms: ``python -m LesionTrainingLib.evaluation.evaluate_nodule_ct``.

The short way to the table of the model's card; ``lesion evaluate --model BUNDLE --cohort phantoms:chest?seeds=9000-9019``
writes all of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import InputError, LesionDetectionError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.spec import open_cohort
from .model_table import Evaluation, as_table, evaluate_model, summary

__all__ = ["Evaluation", "as_table", "evaluate", "summary"]


def evaluate(bundle: Bundle, seeds: str, preset: str, device: str, progress: Progress) -> Evaluation:
    """Make the phantoms of ``seeds`` (``9000-9019``) one after another, detect in each, and match by the rules of LUNA16.

    Raises:
        UsageError: there are no such seeds or preset.
        BundleError: the model is for another method.
        InputError: a phantom could not be made or detected in: unlike a patient's scan, none may fail.
        Cancelled: see ``progress``.
    """
    bundle.require_method("nodule-ct")
    found = evaluate_model(bundle, open_cohort(f"phantoms:chest?seeds={seeds}&protocol={preset}"), device, progress)
    if found.left_out:
        raise InputError(f"{found.left_out[0].case}: {found.left_out[0].reason}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="evaluate_nodule_ct", description="Judge a nodule-ct model on unseen chest phantoms; prints a table."
    )
    parser.add_argument("--bundle", type=Path, required=True, help="the model: a folder or zip")
    parser.add_argument("--seeds", default="9000-9019", help="of the phantoms, such as 9000-9019 (default)")
    parser.add_argument("--preset", default="default", help="of the phantoms: default, fast, tiny or mixed")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    options = parser.parse_args(arguments)
    try:
        bundle = Bundle.open(options.bundle)
        with shown_progress() as progress:
            evaluation = evaluate(bundle, options.seeds, options.preset, options.device, progress)
    except LesionDetectionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    values = summary(evaluation)
    print(
        f"{bundle.manifest.name}, {values['scans']} phantoms ({options.preset}, seeds {options.seeds}), computer-made:\n"
    )
    print(as_table(evaluation))
    print(f"\nCPM {values['cpm']:.3f}" if values["cpm"] is not None else "\nNo nodules, so no CPM.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
