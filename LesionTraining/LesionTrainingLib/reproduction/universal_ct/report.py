"""The page and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.output.page import Block, Section
from ...evaluation.output.plots import Plot
from ...evaluation.output.tables import Cell, Table
from ...evaluation.scoring.free_response import shown_threshold
from ..contract import Job, Report
from ..key_slices.data import COMPLETE_LIST, data_name
from ..key_slices.measured import finite, really_lesions
from ..key_slices.pictures import by_outcome
from .figures import froc_figure, sizes_figure
from .measured import PICTURE_RATE, Measured
from .optimised import anchors_table
from .pictures import ShownWithMask, by_region, figure_3, figure_4
from .row_work import RowResult
from .rows import COMPLETE
from .settings import ReproductionSettings, preset_settings
from .tables import MissingLabels, missing_table, sizes_table, table_1, table_1_values
from .telling import Results, lead_of, measured_on, missing_lead, warnings_of

_MASKED_EXAMPLES = 4
CHOICES = (
    f"Scoring: {DeepLesion.title}. {DeepLesion.rule} The paper counts an IoU “larger than 0.5”.",
    "UniversalRow by row one thing is added: optimised anchors; masks from the two diameters, the heads on P2 to P6 in place of P3 to P7, and "
    "the score p (1 + IoU) of box and mask; attention gates. Data, steps and seed are the same in all rows.",
    "Weights are those with the best average precision on the validation split, as its list has it. The threshold of the pictures and "
    "of the sizes is read from the test images, as in the paper: it is no operating point for use.",
    "The settings in tables.json have all values.",
)
UPPER_BOUNDS = (
    "DeepLesion marks only some of the lesions of an image, those that were measured in the clinic: some marks that count as false "
    "are lesions. The false positive rates here are upper bounds, the sensitivities are those of the listed lesions. How large "
    "that effect is cannot be measured on it; on phantoms (--phantom N) it can, as all their lesions are known."
)


def report(job: Job, results: Results) -> Report:
    """Put tables, figures and words together."""
    settings: ReproductionSettings = job.settings
    preset = job.preset if settings == preset_settings(job.preset) else f"{job.preset}, changed"
    name, data = f"this program ({preset})", measured_on(job, results)
    tables, plots, sections = dict[str, Table](), dict[str, Plot](), list[Section]()
    values: dict[str, Any] = {
        "measured_on": data,
        "rows": {result.row.name: _row_values(result, one) for result, one in results.rows},
    }
    lead = [lead_of(job, results)]
    if 1 in job.tables:
        sections += _table_1(job, results, name, data, tables, plots)
        sections += _pictures(job, results, data, plots)
    if 2 in job.tables:
        sections.append(_missing_labels(job, results, tables, values, lead))
    tables["anchors"] = anchors_table(results.anchors, data_name(job.cohort))
    values["anchors"] = {
        "searched": results.anchors.searched,
        "boxes": results.anchors.boxes,
        "fits": [fit.to_json() for fit in results.anchors.fits],
    }
    sections.append(Section("Anchors", (tables["anchors"],)))
    tables["training"] = _training_table([result for result, _ in results.rows])
    sections.append(Section("Training", (tables["training"],)))
    sections.append(Section("Rules and choices", CHOICES))
    title = "universal-ct: the paper’s table and figures"
    return Report(title, " ".join(lead), warnings_of(job, results), tuple(sections), tables, plots, values)


def _table_1(
    job: Job, results: Results, name: str, data: str, tables: dict[str, Table], plots: dict[str, Plot]
) -> list[Section]:
    rows = [(result.row, one, result.timed) for result, one in results.rows]
    tables["table1"], tables["table1_values"] = table_1(rows, name, data), table_1_values(rows, data)
    tables["sizes"] = sizes_table(rows, name, data)
    samples = job.settings.bootstraps
    plots["fig2_froc"] = froc_figure(
        [(result.row, result.listed, one) for result, one in results.rows], data, samples, job.seed
    )
    plots["fig2_sizes"] = sizes_figure([(row, one) for row, one, _ in rows], data)
    return [
        Section("Table 1: sensitivity and time", (tables["table1"],)),
        Section(
            "Fig. 2: FROC curves, and sensitivity by size", (plots["fig2_froc"], plots["fig2_sizes"], tables["sizes"])
        ),
    ]


def _pictures(job: Job, results: Results, data: str, plots: dict[str, Plot]) -> list[Section]:
    settings: ReproductionSettings = job.settings
    if not settings.examples:
        return []
    one, cases = results.shown, results.parts.test
    threshold = shown_threshold(one.listed, PICTURE_RATE)
    outcomes = {outcome.image: outcome for outcome in one.listed}
    shown = ShownWithMask(one.store, outcomes, threshold, one.network, settings.recipe.method(), job.device)
    readable = [case for case in cases if one.store.get(case.id) is not None]
    which = f"{one.row.title}, {data.partition(':')[0]}"
    blocks = list[Block]()
    if near := by_outcome(readable, shown, _MASKED_EXAMPLES):
        plots["fig3"] = figure_3(near, shown, which)
        blocks.append(plots["fig3"])
    if rows := by_region(readable, settings.examples):
        plots["fig4"] = figure_4(rows, shown, which)
        blocks.append(plots["fig4"])
    return [Section("Figs. 3 and 4: test images", tuple(blocks))] if blocks else []


def _missing_labels(
    job: Job, results: Results, tables: dict[str, Table], values: dict[str, Any], lead: list[str]
) -> Section:
    title = "Missing labels"
    if not results.by_all:
        no_list = f"There is no {COMPLETE_LIST} here." if job.cohort.on_phantoms else UPPER_BOUNDS
        return Section(title, (no_list,))
    rows, learned = [], []
    for (result, listed), whole in zip(results.rows, results.by_all, strict=True):
        really, false = really_lesions(result.listed, result.complete, listed.threshold)
        rows.append(MissingLabels(result.row, listed, whole, really, false))
        learned.append("all lesions" if result.row.name == COMPLETE else "the list")
    tables["missing_labels"] = missing_table(rows, learned, f"{data_name(job.cohort)}, test split")
    values["missing_labels"] = {
        one.row.name: {
            "by_list": _values(one.listed),
            "by_all": _values(one.complete),
            "really": one.really,
            "false": one.false,
        }
        for one in rows
    }
    lead.append(missing_lead(results))
    text = (
        "Lesions that the list lacks are background to the training and false positives to the scoring. The rows differ in what their "
        "marks were scored by; a row that learned from all lesions, where there is one, shows what the missing labels cost in training."
    )
    return Section(title, (text, tables["missing_labels"]))


def _training_table(results: Sequence[RowResult]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in results:
        record = one.record
        rows.append(
            (
                one.row.title,
                record["parameters"],
                record["training_images"],
                record["training_lesions"],
                record["validation_images"],
                record["steps"],
                record["weights_of_step"],
                record.get("best"),
                record["seconds"],
                record["device"],
            )
        )
    counts = ("parameters", "training images", "their lesions", "validation images")
    columns = ("network", *counts, "steps", "weights of step", "validation mAP", "fit, s", "on")
    return Table(columns, tuple(rows))


def _row_values(result: RowResult, one: Measured) -> dict[str, Any]:
    """Plain values of a row."""
    return {
        "number": result.row.number,
        "architecture": asdict(result.architecture),
        **_values(one),
        "milliseconds": asdict(result.timed),
        "fit": result.record,
        "left_out": [[left.case, left.reason] for left in result.left_out],
    }


def _values(one: Measured) -> dict[str, Any]:
    return {**asdict(one), "threshold": finite(one.threshold)}
