"""Section Follow-up: two results of one patient, their lesions paired, and the change by RECIST 1.1.

Elements: ``follow-earlier``, ``follow-later``, ``follow-align``, ``follow-compare``, ``follow-progress``, ``follow-text``,
``follow-category``, ``follow-table`` (rows are ``tr[data-row]`` with the class chosen), ``follow-link``, ``follow-unlink``,
``follow-target``, ``follow-gone``, ``follow-download``.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.follow_up_texts import NUMBERS, category_title, cells, headings, needs_two
from LesionDetectionLib.app.session.comparing import Comparing, may_be_gone, may_be_targets, may_link, may_unlink
from LesionDetectionLib.app.session.result_set import ResultSet
from LesionDetectionLib.app.session.session import FINDINGS, RESULTS
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.follow_up_rows import Row
from LesionDetectionLib.imaging.alignment import Alignment

from ..context import Context
from ..files.exchange import Exchange
from ..marked import marked
from ..message_line import MessageLine
from .part import Part

FOUND, NONE = "found", "none"
"""How the scans are aligned: by the program, not at all."""
_KEYS = "$event.key === 'Enter' || $event.key === ' '"


class FollowUpPart(Part):
    """Attributes:
    comparing: the comparison, as in every user interface.
    fetch: lets the browser fetch what is at an address of ours.
    """

    def __init__(self, context: Context, exchange: Exchange) -> None:
        super().__init__(context)
        self._exchange = exchange
        self._results: dict[str, ResultSet] = {}
        self._chosen: list[int] = []
        self._told: Any = None
        self.fetch: Callable[[str], None] = lambda _address: None
        self.message = MessageLine(context.state, "follow")
        self.comparing = Comparing(context.session, context.engine, self._on_changed, self._guarded)
        context.state.update(
            {
                "follow_results": [],
                "follow_earlier": "",
                "follow_later": "",
                "follow_align": FOUND,
                "follow_headings": [{"title": one.title, "tip": one.tip} for one in headings()],
            }
        )
        self._show()

    def build(self) -> None:
        self.fetch = client.JSEval(exec="window.lesionFiles.fetch($event)").exec
        html.P(needs_two(), classes="section-text", v_if=("follow_results.length < 2",))
        with html.Div(classes="follow-up", v_if=("follow_results.length >= 2",)):
            self._build_choice()
            with html.Div(v_if=("follow_category",), classes="follow-up"):
                self._build_comparison()
        self.message.build("follow-text")

    def _build_choice(self) -> None:
        for name, title in (("earlier", "Earlier"), ("later", "Later")):
            with html.Div(classes="field"):
                html.Label(title, raw_attrs=[f'for="follow-{name}"'])
                with html.Select(id=f"follow-{name}", v_model=(f"follow_{name}",)):
                    html.Option(
                        "{{ one.title }}", v_for="one in follow_results", key="one.value", v_bind_value=("one.value",)
                    )
        with html.Div(classes="field"):
            html.Label("Align", raw_attrs=['for="follow-align"'])
            with html.Select(id="follow-align", v_model=("follow_align",), title="How places of both scans correspond"):
                html.Option("Automatically", value=FOUND)
                html.Option("Not: positions are the same", value=NONE)
        v3.VBtn(
            "{{ comparing ? 'Cancel' : 'Compare' }}",
            id="follow-compare",
            click=self._on_compare,
            size="small",
            variant="tonal",
        )
        v3.VProgressLinear(
            v_if=("comparing",),
            model_value=("100 * follow_fraction",),
            height=4,
            rounded=True,
            color="primary",
            id="follow-progress",
            raw_attrs=marked(label="Aligning"),
        )

    def _build_comparison(self) -> None:
        with html.P(id="follow-category", classes="follow-category", raw_attrs=marked("status")):
            html.Strong("{{ follow_category }}")
            html.Span(" {{ follow_title }}")
        html.P("{{ follow_reason }}", classes="section-text")
        with (
            html.Div(classes="findings-place follow-place"),
            html.Table(classes="findings", id="follow-table", raw_attrs=marked("grid", "Lesions at both times")),
        ):
            with html.Thead(), html.Tr():
                html.Th(
                    "{{ heading.title }}",
                    v_for="(heading, n) in follow_headings",
                    key="n",
                    title=("heading.tip",),
                    classes=(f"{{ number: n >= {NUMBERS.start} && n < {NUMBERS.stop} }}",),
                    raw_attrs=['scope="col"'],
                )
            with (
                html.Tbody(),
                html.Tr(
                    v_for="(row, n) in follow_rows",
                    key="n",
                    tabindex="0",
                    classes=("{ chosen: follow_chosen.includes(n) }",),
                    click=(self._on_row, "[n, $event.ctrlKey || $event.metaKey]"),
                    dblclick=(self._on_go_to, "[n]"),
                    keydown=f"if ({_KEYS}) {{ $event.preventDefault(); $event.currentTarget.click() }}",
                    raw_attrs=[':data-row="n"', ':aria-selected="follow_chosen.includes(n)"', ':title="row.remark"'],
                ),
                html.Td(
                    v_for="(text, c) in row.cells",
                    key="c",
                    classes=(f"{{ number: c >= {NUMBERS.start} && c < {NUMBERS.stop} }}",),
                ),
            ):
                v3.VIcon("mdi-target", size=13, v_if=("c === 0 && row.target",), title="Target lesion")
                html.Span("{{ text }}")
        with html.Div(classes="follow-buttons"):
            for name, title, tip, click in (
                ("link", "Link", "Both chosen lesions are one", self._on_link),
                ("unlink", "Unlink", "The chosen pair are two lesions", self._on_unlink),
                ("target", "Target", "The chosen lesions are target lesions, or no longer", self._on_target),
                ("gone", "Gone", "The chosen lesions have disappeared, or were only not found", self._on_gone),
            ):
                v3.VBtn(
                    title,
                    id=f"follow-{name}",
                    click=click,
                    title=tip,
                    disabled=(f"!follow_may.{name}",),
                    size="x-small",
                    variant="tonal",
                )
            v3.VBtn(
                "Download",
                id="follow-download",
                click=self._on_download,
                title="Comparison, table and alignment (JSON, CSV, text, in a zip)",
                size="x-small",
                variant="tonal",
            )
        html.P("{{ follow_notes }}", classes="section-text")

    # What is shown

    def refresh(self) -> None:
        state = self.context.state
        self._results = self.comparing.results()
        names, keys = [(key, result.title) for key, result in self._results.items()], list(self._results)
        state.follow_results = [{"value": key, "title": title} for key, title in names]
        if state.follow_earlier not in keys:
            state.follow_earlier = keys[0] if keys else ""
        if state.follow_later not in keys or state.follow_later == state.follow_earlier:
            state.follow_later = keys[-1] if keys else ""
        self.comparing.follow()

    def on_session(self, change: str) -> None:
        if change == RESULTS:
            self.refresh()
        elif change == FINDINGS:
            self.comparing.follow()

    def scene_closed(self) -> None:
        self.comparing.forget()
        self._results, self._chosen = {}, []
        self.message.clear()
        self._show()

    @property
    def _rows(self) -> list[Row]:
        """Those that are chosen."""
        comparison = self.comparing.comparison
        rows = () if comparison is None else comparison.rows
        return [rows[n] for n in self._chosen if n < len(rows)]

    def _show(self) -> None:
        comparison, job = self.comparing.comparison, self.comparing.job
        rows = () if comparison is None else comparison.rows
        response = None if comparison is None else comparison.response
        self._chosen = [n for n in self._chosen if n < len(rows)]
        chosen = self._rows
        self.context.state.update(
            {
                "comparing": self.comparing.busy,
                "follow_fraction": job.fraction if job is not None and self.comparing.busy else 0.0,
                "follow_rows": [
                    {"cells": list(cells(row)), "target": row.target, "remark": row.remark} for row in rows
                ],
                "follow_chosen": list(self._chosen),
                "follow_category": response.category if response is not None else "",
                "follow_title": category_title(response) if response is not None else "",
                "follow_reason": response.reason if response is not None else "",
                "follow_notes": " ".join(comparison.notes) if comparison is not None else "",
                "follow_may": {
                    "link": may_link(chosen),
                    "unlink": may_unlink(chosen),
                    "target": may_be_targets(chosen),
                    "gone": may_be_gone(chosen),
                },
            }
        )

    def _on_changed(self) -> None:
        job = self.comparing.job
        with self.context.state:  # the worker tells of it outside of an event of the browser
            if job is not None and job is not self._told:
                if not job.finished:
                    self.message.plain(job.text or "Waiting for the worker")
                else:
                    self._told = job
                    self.message.clear()
                    if job.state == "failed":
                        self.message.warn(str(job.error), job.details)
                    elif job.state == "cancelled":
                        self.message.note("Cancelled.")
            self._show()

    # What is done

    def _guarded(self, action: Callable[[], None]) -> None:
        """What a person can cause is told here; anything else where all of it is."""
        with self.context.told():
            try:
                action()
            except LesionDetectionError as error:
                self.message.warn(str(error))

    def _on_compare(self) -> None:
        if self.comparing.busy:
            self.comparing.cancel()
            return
        state = self.context.state
        self.message.clear()
        self._chosen = []
        pair = (self._results.get(state.follow_earlier), self._results.get(state.follow_later))
        alignment = Alignment.none() if state.follow_align == NONE else None
        self._guarded(lambda: self.comparing.compare(*pair, alignment))

    def _on_row(self, number: Any, more: bool = False) -> None:
        if not isinstance(number, int):
            return
        if more:
            self._chosen = sorted(set(self._chosen) ^ {number})
        else:
            self._chosen = [number]
        self._show()

    def _on_go_to(self, number: Any) -> None:
        comparison = self.comparing.comparison
        if comparison is None or not isinstance(number, int) or not 0 <= number < len(comparison.rows):
            return
        row, session = comparison.rows[number], self.context.session
        there = self.comparing.place_of(row)
        if there is not None:
            point, result = there
            with self.context.told():
                session.activate(result)  # its outlines are those of the scan that is shown
                session.select(row.follow_up_id or row.baseline_id)
                self.context.go_to(point, result.volume_node)

    def _on_link(self) -> None:
        self._guarded(lambda: self.comparing.link(self._rows))

    def _on_unlink(self) -> None:
        self._guarded(lambda: self.comparing.unlink(self._rows))

    def _on_target(self) -> None:
        self._guarded(lambda: self.comparing.toggle_targets(self._rows))

    def _on_gone(self) -> None:
        self._guarded(lambda: self.comparing.toggle_gone(self._rows))

    def _on_download(self) -> None:
        self._guarded(self._hand_out)

    def _hand_out(self) -> None:
        downloads = self._exchange.downloads
        path = downloads.new_file("follow-up.zip")
        try:
            written = self.comparing.write(path.parent / "follow-up")
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in written.values():
                    archive.write(file, Path(file).name)
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        self.fetch(downloads.offer_file(path))
