"""What a study leaves: a page for people, tables, pictures, and all of it as JSON. No patient is named on the page."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from LesionDetectionLib.core.atomic import atomic_folder

from ..evaluation.output.page import Page, Section, write_page
from ..evaluation.output.plots import write_plot
from ..evaluation.output.tables import Table, write_csv
from ..learning.provenance import versions, without_folders
from .plots import calibration_plot, permutation_plot, study_roc
from .request import CHOSEN, FEATURES, LEFT_OUT, PAGE, PREDICTIONS, SCORES, VALUES
from .run import Found
from .study import SCORES as SCORE_NAMES
from .study import Study
from .words import chosen_table, how_lines, lead, mean_line, scores_table, warnings

SCHEMA, SCHEMA_VERSION = "lesion-radiomics", 1
_MOST_SHOWN = 12


def write_results(found: Found) -> None:
    """Write all results into the folder that was asked for, whole or not at all.

    Raises:
        OutputError: they cannot be written.
    """
    study = found.study
    plots = {"roc": study_roc(study), "calibration": calibration_plot(study.calibration)}
    if study.permutations is not None:
        plots["permutations"] = permutation_plot(study.permutations)
    with atomic_folder(found.request.output, overwrite=True) as folder:
        if found.table is not None:
            found.table.save(folder / FEATURES)
        write_csv(folder / PREDICTIONS, predictions_table(study))
        write_csv(folder / SCORES, scores_table(study))
        write_csv(folder / CHOSEN, chosen_table(study))
        rows = tuple((one.case, one.reason) for one in found.left_out)
        write_csv(folder / LEFT_OUT, Table(("case_or_patient", "reason"), rows))
        text = json.dumps(as_json(found), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / VALUES).write_text(text + "\n", encoding="utf-8")
        for name, plot in plots.items():
            write_plot(folder / name, plot)
        chosen = chosen_table(study, _MOST_SHOWN)
        page = Page(
            title=f"Radiomics: {found.outcomes.column}",
            lead=lead(study),
            warnings=warnings(found),
            sections=(
                Section("Pictures", tuple(plots.values())),
                Section(
                    "Scores", (mean_line(study) + " (mean and standard deviation over the folds).", scores_table(study))
                ),
                Section("Calibration", _calibration_lines(study)),
                *([Section("Features", (chosen,))] if chosen.rows else []),
                Section("How it was done", how_lines(found)),
            ),
            kind="Radiomics",
        )
        write_page(folder / PAGE, page)


def predictions_table(study: Study) -> Table:
    """One row a patient and repeat."""
    rows = [
        (patient, fold.repeat + 1, fold.number + 1, int(positive), float(probability), float(fold.threshold))
        for fold in study.folds
        for patient, positive, probability in zip(fold.patients, fold.positive, fold.probabilities, strict=True)
    ]
    return Table(("patient", "repeat", "fold", "positive", "probability", "threshold"), tuple(rows))


def _calibration_lines(study: Study) -> tuple[str, ...]:
    calibration = study.calibration
    slope = (
        "No line can be fitted to the probabilities"
        if math.isnan(calibration.slope)
        else f"Slope {calibration.slope:.2f} (1 is right; less: too extreme, more: too cautious), intercept {calibration.intercept:.2f} (0 is right)"
    )
    return (
        f"{slope}. Brier score {calibration.brier:.3f}; telling everyone the share of positives would give "
        f"{calibration.brier_of_share:.3f}.".replace(" -", " −"),
    )


def as_json(found: Found) -> dict[str, Any]:
    """All but the patients; numbers that are not defined are null."""
    study = found.study
    permutations = study.permutations
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "cohort": without_folders(found.request.cohort),
        "on_phantoms": found.cohort.on_phantoms,
        "masks": found.request.masks if found.request.mask_folder is None else found.request.mask_folder.name,
        "outcome": {name: getattr(found.outcomes, name) for name in ("column", "positive", "negative")},
        "settings": asdict(found.request.settings),
        "patients": len(study.patients),
        "positive": int(study.positive.sum()),
        "left_out": len(found.left_out),
        "auc": asdict(study.pooled),
        "folds": [
            {
                "repeat": fold.repeat + 1,
                "fold": fold.number + 1,
                "patients": len(fold.patients),
                **{name: getattr(fold, name) for name in SCORE_NAMES},
                "threshold": fold.threshold,
                "chosen": list(fold.chosen),
                "tuned": dict(fold.tuned),
            }
            for fold in study.folds
        ],
        "mean": {name: study.mean_and_sd(name)[0] for name in SCORE_NAMES},
        "standard_deviation": {name: study.mean_and_sd(name)[1] for name in SCORE_NAMES},
        "permutations": None
        if permutations is None
        else {"number": len(permutations.by_chance), "mean_auc": permutations.observed, "p": permutations.p},
        "calibration": {
            name: getattr(study.calibration, name) for name in ("slope", "intercept", "brier", "brier_of_share")
        },
        "times_chosen": study.times_chosen,
        "versions": {**versions(), **_own_versions()},
    }
    plain: dict[str, Any] = _finite(value)
    return plain


def _own_versions() -> dict[str, str]:
    found = dict[str, str]()
    for name in ("mirp", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # of no use for a network that looks at the images
            continue
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
