"""What a search leaves: the trials as a table, the best settings as YAML, all of it as JSON, and a page for people."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_folder

from ..evaluation.output.page import Page, Section, write_page
from ..evaluation.output.plots import write_plot
from ..evaluation.output.tables import Cell, Table, write_csv
from ..learning.provenance import code_digest, versions, without_folders
from ..learning.recipe import recipe
from ..reproduction.wording import counted
from .by_setting import setting_plot
from .loss_curves import curves_plot
from .paths import differing, nested, plain
from .search import Search
from .telling import how_lines, lead, warnings
from .trial import DONE
from .varied import shown

CSV, BEST, VALUES, PAGE = "trials.csv", "best.yaml", "tuning.json", "index.html"
SCHEMA, SCHEMA_VERSION = "lesion-tuning", 1


def write_results(search: Search) -> None:
    """Write all results so far, in place of earlier ones.

    Raises:
        OutputError: they cannot be written; earlier ones stay.
    """
    curves = curves_plot(search)
    by_setting = {one.path: setting_plot(search, one) for one in search.space.varied if len(one.examples) > 1}
    with atomic_folder(search.request.output, overwrite=True) as folder:
        write_csv(folder / CSV, trials_table(search))
        if search.best:
            (folder / BEST).write_text(best_yaml(search), encoding="utf-8")
        text = json.dumps(as_json(search), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / VALUES).write_text(text + "\n", encoding="utf-8")
        write_plot(folder / "loss_curves", curves)
        for path, plot in by_setting.items():
            write_plot(folder / f"by_{path}", plot)
        page = Page(
            title=f"{search.request.method}: {counted(len(search.candidates), 'trial')} of its settings",
            lead=lead(search),
            warnings=warnings(search),
            sections=(
                Section("Pictures", (curves, *by_setting.values())),
                Section("Trials", (_shown_table(search),)),
                Section("How it was done", how_lines(search)),
            ),
            kind="Search of settings",
        )
        write_page(folder / PAGE, page)


def trials_table(search: Search) -> Table:
    """For programs: one row a trial, all digits."""
    rows: list[tuple[Cell, ...]] = []
    for trial in search.trials:
        outcome = trial.outcome
        values = [_cell(trial.values[one.path]) for one in search.space.varied]
        told = (trial.state, outcome.value, outcome.seconds, outcome.steps, trial.seed, trial.again, outcome.text)
        rows.append((trial.number + 1, *values, *told))
    paths = [one.path for one in search.space.varied]
    names = ("state", search.measure.column, "seconds", "steps", "seed", "repeat", "note")
    return Table(("trial", *paths, *names), tuple(rows))


def _cell(value: Any) -> Cell:
    return value if isinstance(value, (int, float, str)) else shown(value)


def _shown_table(search: Search) -> Table:
    """For people: the best first, those that ended without a measure last."""
    measure, sign = search.measure, -1 if search.measure.higher_is_better else 1

    def rank(trial: Any) -> tuple[bool, float, int]:
        value = trial.outcome.value
        return not math.isfinite(value), sign * value if math.isfinite(value) else 0.0, trial.number

    rows = [
        (
            str(trial.number + 1),
            *(shown(trial.values[one.path]) for one in search.space.varied),
            f"{trial.outcome.value:.4g}" if trial.state == DONE else trial.state,
            f"{trial.outcome.seconds:.0f}",
            f"{trial.seed}{' (repeat)' if trial.again else ''}",
            trial.outcome.text,
        )
        for trial in sorted(search.trials, key=rank)
    ]
    paths = [one.path for one in search.space.varied]
    return Table(("trial", *paths, measure.title, "seconds", "seed", "note"), tuple(rows), _caption(search))


def _caption(search: Search) -> str:
    better = "more" if search.measure.higher_is_better else "less"
    return f"Sorted by {search.measure.title}: {better} is better. Seconds are those of the fit that is looked at."


def best_yaml(search: Search) -> str:
    """The best settings, as far as they are not the recipe's own, for ``lesion train --config``; fitted as long as a training is,
    not as long as a trial was."""
    import yaml

    best = search.best
    assert best is not None
    defaults = recipe(search.request.method).default_settings()
    chosen = search.space.chosen(best.values)
    values = {**differing(defaults, chosen), **best.values}
    lines = [lead(search), f"For: lesion train --method {search.request.method} --config {BEST} ..."]
    if search.request.steps or search.request.samples:
        lines.append("How long to fit is not in it: trials were shorter than a training is.")
    head = "".join(f"# {line}\n" for line in lines)
    return head + str(yaml.safe_dump(plain(nested(defaults, values)), sort_keys=False, default_flow_style=None))


def as_json(search: Search) -> dict[str, Any]:
    """Everything, without folders and patients."""
    request = search.request
    parts = {"cohort": request.parts.cohort, "validation": request.parts.validation}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "method": request.method,
        "command": request.command,
        "specs": {part: without_folders(spec) for part, spec in parts.items() if spec},
        "cases": {"training": search.cases[0], "validation": search.cases[1], "left_out": len(search.left_out)},
        "on_phantoms": search.on_phantoms,
        "seed": request.parts.seed,
        "way": search.way,
        "trials_wanted": search.wanted,
        "steps": request.steps,
        "samples": request.samples,
        "varied": {one.path: one.told() for one in search.space.varied},
        "measure": {**asdict(search.measure), "title": search.measure.title},
        "settings": plain(search.space.base),
        "device": search.device,
        "versions": {**versions(), "optuna": version("optuna")},
        "code_sha256": code_digest(),
        "warnings": list(warnings(search)),
        "best": search.best.number + 1 if search.best else None,
        "trials": [
            {
                "trial": trial.number + 1,
                "values": plain(trial.values),
                "state": trial.state,
                "measure": trial.outcome.value if math.isfinite(trial.outcome.value) else None,
                "seconds": trial.outcome.seconds,
                "steps": trial.outcome.steps,
                "seed": trial.seed,
                "repeat": trial.again,
                "note": trial.outcome.text,
            }
            for trial in search.trials
        ],
    }


def results_in(folder: Path) -> tuple[str, ...]:
    """Names of the results, for a line to the user."""
    return tuple(name for name in (PAGE, CSV, BEST, VALUES) if (folder / name).exists())
