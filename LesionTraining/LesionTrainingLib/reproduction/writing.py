"""What a reproduction leaves: tables for programs, curves, and a page for people."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from LesionDetectionLib.core.atomic import atomic_folder

from ..evaluation.output.page import Page, write_page
from ..evaluation.output.plots import write_plot
from ..evaluation.output.tables import write_csv
from ..evaluation.scoring.scored import plain
from ..learning.provenance import code_digest, versions
from .contract import Job, Report, Reproduction

TABLES, PAGE = "tables.json", "index.html"
SCHEMA, SCHEMA_VERSION = "lesion-reproduction", 1


def write_report(output: Path, report: Report, chosen: Reproduction, job: Job, command: str) -> None:
    """Write ``tables.json``, a CSV a table, a PNG and a CSV a plot, and ``index.html``, in place of earlier ones.

    Raises:
        OutputError: it cannot be written; earlier results stay.
    """
    values = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "method": chosen.method,
        "paper": chosen.paper,
        "data": job.cohort.title,
        "on_phantoms": job.cohort.on_phantoms,
        "preset": job.preset,
        "seed": job.seed,
        "settings": asdict(job.settings),
        "command": command,
        "versions": versions(),
        "code_sha256": code_digest(),
        "warnings": list(report.warnings),
        "tables": {
            stem: {"columns": table.columns, "rows": table.rows, "caption": table.caption}
            for stem, table in report.tables.items()
        },
        "values": report.values,
    }
    with atomic_folder(output, overwrite=True) as folder:
        for stem, table in report.tables.items():
            write_csv(folder / f"{stem}.csv", table)
        for stem, plot in report.plots.items():
            write_plot(folder / stem, plot)
        text = json.dumps(plain(values), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / TABLES).write_text(text + "\n", encoding="utf-8")
        page = Page(report.title, report.lead, report.warnings, report.sections, kind="Reproduction")
        write_page(folder / PAGE, page)
