"""The page and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from LesionDetectionLib.methods.high_uptake_ct.network import parameter_count
from LesionDetectionLib.methods.intensities import scaled

from ...evaluation.blob_detection import FULL
from ...evaluation.output.page import Block, Section
from ...evaluation.output.plots import Plot
from ...evaluation.output.tables import Cell, Table
from ...evaluation.output.tiles import outcome_tiles
from ..contract import Job, Report
from ..wording import counted
from .curves import figures
from .data import data_name
from .examples import WINDOW_HU, both_outcomes, chosen_examples, example_plot, largest_lesion
from .filters import LAYERS, filter_plots
from .fold_work import FoldResult
from .measured import Measured, compared, measured
from .paper import TEST, TRAINING
from .pet_ct import METHOD, comparison_table, with_pet
from .settings import ReproductionSettings, preset_settings
from .tables import folds_table, table_1, table_1_values, wilcoxon_table
from .telling import Results, lead_of, measured_on, warnings_of, without_active

CHOICES = (
    "A slice is looked at pixel by pixel, and its candidates are the 8-connected parts with R > 0. R is the difference of the two "
    "probabilities: the paper’s is the difference of the two responses, of which it is a rising function, so that both give the "
    "same curves.",
    "Of a scan with active lesions the slice with the largest section of one is measured on, as in the paper; each lesion in it "
    "counts by itself. Scans without active lesions play the role of LOLA: no network learns from them, and that of each fold "
    "looks at them.",
    "The paper does not name the size of its hidden layers, its learning rate or its number of steps, nor which validation set "
    "balances its batches; it writes 500 epochs between two measurements, which must be steps. The settings in tables.json "
    "have all values.",
)


def report(job: Job, results: Results) -> Report:
    """Put tables, figures and words together."""
    tables, plots, sections = dict[str, Table](), dict[str, Plot](), list[Section]()
    values: dict[str, Any] = {
        "roles": asdict(results.roles),
        "left_out": [list(vars(one).values()) for one in results.left_out],
    }
    lead = list[str]()
    if results.folds:
        rows = measured([one.slices for one in results.folds], results.roles.subset)
        sections += _table_1(job, results, rows, tables, values)
        sections.append(_curves(job, results, rows, plots))
        sections.append(_filters(job, results, tables, plots))
        sections += _examples(job, results, plots)
        lead.append(lead_of(job, results, rows))
    if 2 in job.tables:
        sections.append(_pet_ct(job, results, tables, values, lead))
    if results.folds:
        seconds = {one.fold.number: float(one.record.get("seconds", 0.0)) for one in results.folds}
        tables["folds"] = folds_table([one.slices for one in results.folds], seconds)
        sections.append(Section("Folds", (tables["folds"],)))
        values["folds"] = {str(one.fold.number): _fold_values(one) for one in results.folds}
    sections.append(Section("Rules and choices", CHOICES))
    title = "high-uptake-ct: the paper’s table and figures"
    return Report(title, " ".join(lead), warnings_of(job, results), tuple(sections), tables, plots, values)


def _table_1(
    job: Job, results: Results, rows: Sequence[Measured], tables: dict[str, Table], values: dict[str, Any]
) -> list[Section]:
    preset = job.preset if job.settings == preset_settings(job.preset) else f"{job.preset}, changed"
    data = measured_on(job, results)
    shown = table_1(rows, f"this program ({preset})", data, without_active(job, results))
    tables["table1"], tables["table1_values"] = shown, table_1_values(rows, data)
    tests = compared(rows)
    tables["wilcoxon"] = wilcoxon_table(tests)
    values["table1"] = [asdict(row) for row in rows]
    values["wilcoxon"] = [{"data": part, **asdict(test)} for part, test in tests]
    told = [test.sentence() for part, test in tests if part == TEST and FULL in (test.first, test.second)]
    sentences = tuple(f"F-scores, test: {sentence}" for sentence in told)
    return [
        Section("Table 1: precision, recall and false positives", (shown,)),
        Section("F-scores of the variants", (tables["wilcoxon"], *sentences)),
    ]


def _curves(job: Job, results: Results, rows: Sequence[Measured], plots: dict[str, Plot]) -> Section:
    data = measured_on(job, results)
    name = data[TEST].partition(":")[0]
    found = figures([one.slices for one in results.folds], rows, name, data[TRAINING], data[TEST])
    plots.update(found)
    return Section("Figs. 5 and 6: precision and recall over T_R and T_S", tuple(found.values()))


def _filters(job: Job, results: Results, tables: dict[str, Table], plots: dict[str, Plot]) -> Section:
    settings: ReproductionSettings = job.settings
    tables["filters"] = _filter_table(results.folds, settings.grey_share)
    blocks: list[Block] = [tables["filters"]]
    one = next(each for each in results.folds if each.fold.number == results.shown)
    picture = largest_lesion(one)
    if picture is not None:
        window = settings.recipe.method().unit_window_hu
        text = f"A test slice of fold {one.fold.number}: what was found in it."
        outcome = outcome_tiles(both_outcomes(picture, one), WINDOW_HU, text)
        plots["fig4_slice"] = replace(
            outcome, caption=f"The slice that the filters of fold {one.fold.number} are shown on."
        )
        found = filter_plots(
            one.network, scaled(picture.hu, window), picture.pixel_mm, one.filters, settings.grey_share, job.device
        )
        captions = {
            "fig4_first": "First layer: each filter’s five parts, one for each slice, and its response before the ReLU.",
            "fig4_second": "Second layer: each filter’s parts, one for each filter of the first, and its response after the ReLU.",
        }
        plots.update({stem: replace(plot, caption=captions[stem]) for stem, plot in found.items()})
        blocks += [plots["fig4_slice"], *(plots[stem] for stem in found)]
    return Section("Fig. 4: filters, and how many are dead", tuple(blocks))


def _filter_table(folds: Sequence[FoldResult], grey_share: float) -> Table:
    """One row a fold and layer."""
    rows: list[tuple[Cell, ...]] = []
    for layer in LAYERS:
        for one in folds:
            state = one.filters[layer]
            grey, silent = state.grey(grey_share), state.silent()
            count = len(grey)
            both = sum(a or b for a, b in zip(grey, silent, strict=True))
            rows.append((layer, one.fold.number, count, sum(grey), sum(silent), both / count))
    caption = (
        f"Uniformly grey: weights with less than {grey_share:g} of the standard deviation of the layer’s most varied filter. "
        "Silent: the ReLU lets nothing through at any place of the fold’s test slices (every second, and every sixth pixel). The "
        "paper: “nearly half of the learned filters are uniformly gray”, by eye."
    )
    return Table(("layer", "fold", "filters", "uniformly grey", "silent", "share of either"), tuple(rows), caption)


def _examples(job: Job, results: Results, plots: dict[str, Plot]) -> list[Section]:
    examples = chosen_examples(results.folds, job.settings.examples)
    if not examples:
        return []
    plots["fig7"] = example_plot(results.folds, examples, measured_on(job, results)[TEST])
    return [Section("Fig. 7: examples", (plots["fig7"],))]


def _pet_ct(job: Job, results: Results, tables: dict[str, Table], values: dict[str, Any], lead: list[str]) -> Section:
    cases = with_pet(job.cohort.cases, results.roles.active, results.roles.subset)
    title = "Section 4.2: compared with PET/CT"
    if not cases:
        return Section(title, ("No scan with active lesions has a PET image: active-pet-ct was not compared.",))
    name = data_name(job.cohort) + (", the subset" if results.roles.subset else "")
    tables["pet_ct"] = comparison_table(results.pet_ct, [one.slices for one in results.folds], name)
    values["pet_ct"] = [asdict(one) for one in results.pet_ct]
    patients = {one.patient for one in results.pet_ct}
    if not patients:
        return Section(title, ("active-pet-ct could look at no scan; see the notes above.", tables["pet_ct"]))
    hit = {one.patient for one in results.pet_ct if one.hit}
    lead.append(
        f"{METHOD} finds an active lesion in {len(hit)} of {counted(len(patients), 'patient')} (the paper: 41 of 44)."
    )
    return Section(title, (tables["pet_ct"],))


def _fold_values(one: FoldResult) -> dict[str, Any]:
    """Plain values of a fold."""
    return {
        "training": list(one.fold.training),
        "validation": list(one.fold.validation),
        "test": list(one.fold.test),
        "thresholds": asdict(one.thresholds),
        "parameters": parameter_count(one.network),
        "fit": one.record,
        "filters": {layer: asdict(state) for layer, state in one.filters.items()},
    }
