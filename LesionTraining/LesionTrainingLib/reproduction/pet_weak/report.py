"""The page and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...evaluation.output.page import Block, Section
from ...evaluation.output.plots import Plot
from ...evaluation.output.tables import Cell, Table
from ...radiomics.study import Study
from ..contract import Job, Report
from .data import data_name
from .figures import roc_figure
from .fold_work import FoldResult, RowFound
from .measured import ToldCompared, dice_compared, told_compared
from .paper import P_VALUES
from .pictures import patients_figure
from .rows import OUR_ROW, RPET_ROW
from .settings import ReproductionSettings, preset_settings
from .tables import dice_table, found_table, paper_table, paper_table_values, studies_table, told_table
from .telling import Results, TableResults, lead_of, named_data, warnings_of

_OUTCOMES = {1: "response to treatment", 2: "survival of three years"}

CHOICES = (
    "Folds: five, by patient, each label and outcome as often in each as it goes; of the patients of the other folds a part chooses the weights "
    "(the paper names the number of folds alone). All networks learn from lung and oesophagus together, and each table is of the test patients "
    "with its label.",
    "Outlines: what the method’s detector marks in the whole PET, whatever the score, as the paper has none. The rows differ in the map: that "
    "of the classifier without and with the distance loss, of a fully convolutional network that learned from the maps of the former, and of a "
    "U-Net that learned from drawn tumours’ projections. Everything after the map is the same: the lower of both views, from .5 on, and the uptake "
    "from 40 % of the local maximum on. The paper does not say what its U-Net sees, nor how its rows become volumes.",
    "Dice is of all marks of a patient together against all drawn tumours together.",
    "No outcome leaks: a patient’s outline is of the network that did not learn from this patient, no network is told any outcome, and filling "
    "gaps, choosing features and fitting all happen within the patients to learn from. The paper says nothing of how features were chosen, or "
    "which; ours are those of the settings.",
    "3d-rpet-Net and “drawn tumours” begin with drawn tumours, the others with what they found.",
    "Patients in whom nothing was found, or too little to have features, are told no outcome, and are counted.",
    "The settings in tables.json have all values. Under “masks” lies what each row found in every patient it did not learn from, as “lesion radiomics "
    "--masks” reads it.",
)


def report(job: Job, results: Results) -> Report:
    """Put tables, figures and words together."""
    page = _Page(job, results)
    for one in results.tables:
        page.add(one)
    page.folds()
    page.sections.append(Section("Rules and choices", CHOICES))
    title = "pet-weak: the paper’s tables"
    return Report(
        title,
        lead_of(job, results),
        warnings_of(job, results),
        tuple(page.sections),
        page.tables,
        page.plots,
        page.values,
    )


class _Page:
    """Sections, tables and plots as they come together."""

    def __init__(self, job: Job, results: Results) -> None:
        self.sections, self.tables, self.plots = list[Section](), dict[str, Table](), dict[str, Plot]()
        self._job, self._results = job, results
        self._settings: ReproductionSettings = job.settings
        preset = job.preset if job.settings == preset_settings(job.preset) else f"{job.preset}, changed"
        self._name = f"this program ({preset})"
        self.values: dict[str, Any] = {
            "folds": {str(number): _fold_values(fold) for number, fold in results.folds.items()}
        }

    def add(self, one: TableResults) -> None:
        """All of one of the paper's tables."""
        stem, data = f"table{one.number}", named_data(self._job, self._results, one)
        outcome = _OUTCOMES[one.number]
        compared = told_compared(one.told, self._settings.bootstraps, self._job.seed)
        dices = dice_compared(one.outlined)
        kept = {stem: paper_table(one.number, one.outlined, one.told, self._name, data, outcome)}
        kept[f"{stem}_found"] = found_table(list(one.outlined.values()), self._name, data)
        if dices:
            kept[f"{stem}_dice"] = dice_table(dices, data)
        if any(each.study for each in one.told.values()):
            kept[f"{stem}_outcomes"] = studies_table(one.told, self._name, data)
        if compared:
            kept[f"{stem}_compared"] = told_table(one.number, compared, data)
        self.tables.update(kept)
        self.tables[f"{stem}_values"] = paper_table_values(one.outlined, one.told, data)
        main, *others = kept.values()
        blocks: list[Block] = [main, *_sentence(one.number, compared), *others]
        title = f"{outcome}: {data_name(self._job.cohort)}, {one.label}"
        figures = {
            f"{stem}_roc": roc_figure(one.number, one.told, title[0].upper() + title[1:], data),
            f"{stem}_patients": patients_figure(self._job, one.outlined, f"{data_name(self._job.cohort)}, {one.label}"),
        }
        for name, plot in figures.items():
            if plot is not None:
                self.plots[name] = plot
                blocks.append(plot)
        self.sections.append(Section(f"Table {one.number}: {one.label}", tuple(blocks)))
        self.values[stem] = _table_values(one, compared)

    def folds(self) -> None:
        self.tables["folds"] = _folds_table(self._results.folds)
        self.sections.append(Section("Folds", (self.tables["folds"],)))


def _sentence(table: int, compared: tuple[ToldCompared, ...]) -> tuple[str, ...]:
    """Our row against 3d-rpet-Net."""
    one = next((each for each in compared if each.other == RPET_ROW), None)
    if one is None:
        return ()
    return (
        f"“{OUR_ROW.title}” against {RPET_ROW.title}, the same {one.right.cases} patients: p = {one.right.p_value:.2g} for outcomes told rightly "
        f"(McNemar’s exact test), p = {one.auc.p:.2g} for the difference of {one.auc.difference:+.2f} in AUC (bootstrap over patients). The "
        f"paper: p = {P_VALUES[table]:g} on its own data.".replace("-0", "−0"),
    )


def _folds_table(folds: Mapping[int, FoldResult]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for number, fold in folds.items():
        for each in fold.rows.values():
            last = list(each.record["fits"].values())[-1]
            counts = (each.record["training"], each.record["validation"], len(fold.fold.test))
            own = (each.record["parameters"], last["steps"], last["weights_of_step"], last["seconds"], last["device"])
            rows.append((number, each.row.title, *counts, *own))
    patients = ("learned from", "validated on", "tested on")
    columns = ("fold", "network", *patients, "parameters", "steps", "weights of step", "fit, s", "on")
    caption = (
        "Patients. The fully convolutional network’s labels are the maps of “CAMs alone”, which was fitted before."
    )
    return Table(columns, tuple(rows), caption)


def _fold_values(one: FoldResult) -> dict[str, Any]:
    """Plain values of a fold."""
    return {
        "training": list(one.fold.training),
        "validation": list(one.fold.validation),
        "test": list(one.fold.test),
        "rows": {name: _row_values(row) for name, row in one.rows.items()},
    }


def _row_values(one: RowFound) -> dict[str, Any]:
    return {
        "record": one.record,
        "patients": [found.to_json() for found in one.found],
        "left_out": [[left.case, left.reason] for left in one.left_out],
    }


def _table_values(one: TableResults, compared: tuple[ToldCompared, ...]) -> dict[str, Any]:
    return {
        "outcome": {"column": one.outcome.column, "positive": one.outcome.positive, "known": len(one.outcome.values)},
        "told": {
            name: {
                "why_not": row.why_not,
                "left_out": [[left.case, left.reason] for left in row.left_out],
                "study": None if row.study is None else _study_values(row.study),
            }
            for name, row in one.told.items()
        },
        "compared": [
            {"other": each.other.name, "right": asdict(each.right), "auc": asdict(each.auc)} for each in compared
        ],
    }


def _study_values(study: Study) -> dict[str, Any]:
    return {
        "pooled_auc": [study.pooled.estimate, study.pooled.low, study.pooled.high],
        "p_by_chance": study.permutations.p if study.permutations else None,
        "times_chosen": study.times_chosen,
        "patients": {
            patient: [bool(positive), float(probability)]
            for patient, positive, probability in zip(study.patients, study.positive, study.probabilities, strict=True)
        },
        "folds": [
            {"accuracy": one.accuracy, "sensitivity": one.sensitivity, "specificity": one.specificity, "auc": one.auc}
            for one in study.folds
        ],
    }
