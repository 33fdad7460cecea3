"""A model that is there already, measured on other cases: the same bundle with new figures in its card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from LesionDetectionLib.core.bundle import MEASURED_LATER, Bundle, write_bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import InputError, OutputError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import TEST
from ..cohorts.cohort import LeftOut
from ..cohorts.spec import open_cohort
from .card import Judged, data_in_words, model_card
from .judging import judge
from .provenance import without_folders


def measure_bundle(
    source: Path, spec: str, output: Path, device: str, workers: int, overwrite: bool, progress: Progress
) -> tuple[Bundle, Judged, tuple[LeftOut, ...]]:
    """Detect in every labelled case of a cohort, and write the bundle with what came of it in manifest and card.

    Weights, settings and operating points stay. Whether the cases served to make the model is for the caller to know: from a
    specification without its folders it cannot be told.

    Args:
        source, output: bundles; they may be the same.
        spec: of the cohort.

    Returns:
        The new bundle, what was measured, and the cases that could not be measured on.

    Raises:
        InputError: no labelled case, or none that can be used.
        BundleError, DeviceError: the model or the device cannot be used.
        OutputError: ``output`` is there and ``overwrite`` is not set, or cannot be written.
        Cancelled: through ``progress``; nothing was written.
    """
    if output.exists() and not overwrite:
        raise OutputError(f"{output} is there already. Choose another name, or add --overwrite.")
    bundle, cohort = Bundle.open(source), open_cohort(spec, progress.part(0, 0.02))
    cases = tuple(case for case in cohort.cases if case.labelled)
    if not cases:
        raise InputError(f"{spec} has no case with labels: there is nothing to measure by.")
    part = progress.part(0.02, 0.98)
    judged, left_out = judge(bundle, cases, cohort.on_phantoms, device, part, workers)
    before = bundle.manifest
    specs = {**before.training.get("specs", {}), TEST: without_folders(spec)}
    counts = {**before.training.get("cases", {}), TEST: len(cases)}
    training = {"lines": [], "limits": [], "left_out": 0, "command": "", "machine": "a machine that it does not name"}
    training |= {**before.training, "specs": specs, "cases": {"training": 0, "validation": 0, **counts}}
    training[MEASURED_LATER] = True
    training["data"] = data_in_words(specs, before.trained_on_phantoms)
    manifest = replace(before, training=training, metrics={**before.metrics, TEST: judged.metrics})
    card = model_card(manifest, method(before.method), judged)
    write_bundle(output, manifest, bundle.weights(), card, overwrite)
    progress(1.0, "Model written")
    return Bundle.open(output), judged, left_out
