"""The table of findings: sorts by numbers, keeps what is chosen, never jumps by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.finding_texts import (
    KIND,
    NUMBERS,
    STATUS,
    Row,
    headings,
    neighbour,
    sorted_rows,
    status_word,
)
from LesionDetectionLib.core.detector import Score
from LesionDetectionLib.core.finding import Finding, Findings, Status
from LesionDetectionLib.io.display import lesion_color

from ..context import Context
from ..marked import marked
from .part import Part

_KEYS = "['ArrowUp', 'ArrowDown', 'Enter'].includes($event.key) && !$event.ctrlKey && $event.target === $event.currentTarget"
"""Those that the table itself hears; a heading keeps its Enter."""


class FindingsTable(Part):
    """What is sent to the browser: the rows of all findings when they change, and in which order they are shown. So a slider
    sends a list of ids, and a decision sends the decisions.

    Args:
        on_chosen: called when the person chose other rows.
        on_go_to: called when the person wants to see the current finding: double click or Enter.
    """

    def __init__(self, context: Context, on_chosen: Callable[[], None], on_go_to: Callable[[], None]) -> None:
        super().__init__(context)
        self._on_chosen, self._on_go_to = on_chosen, on_go_to
        self._kept: dict[str, tuple[Finding, Row]] = {}
        self._kept_for: tuple[Any, int] = (None, 2)
        self._sorted_by, self._descending = 1, True
        self._last_clicked = ""
        self.scene_closed()

    def scene_closed(self) -> None:
        self._kept, self._kept_for = {}, (None, 2)
        self.context.state.update(
            {
                "rows": {},
                "order": [],
                "decisions": {},
                "chosen": [],
                "current": "",
                "headings": _headings(None, Score()),
            }
        )

    def build(self) -> None:
        client.ClientStateChange(value="current", change="window.lesionPage.reveal(current)")
        with (
            html.Div(classes="findings-place"),
            html.Table(
                classes="findings",
                id="findings",
                tabindex="0",
                keydown=f"if ({_KEYS}) {{ $event.preventDefault(); {self._trigger(self._on_key)}, [$event.key]) }}",
                raw_attrs=[
                    *marked("grid", "Findings", aria_activedescendant="current ? 'finding-' + current : undefined"),
                    'aria-multiselectable="true"',
                ],
            ),
        ):
            with html.Thead(), html.Tr():
                self._build_heading()
            with (
                html.Tbody(),
                html.Tr(
                    v_for="id in order",
                    key="id",
                    classes=(
                        "{ current: id === current, chosen: chosen.includes(id), [decisions[id] || 'new']: true }",
                    ),
                    click=(self.click, "[id, $event.ctrlKey || $event.metaKey, $event.shiftKey]"),
                    dblclick=(self._on_double_click, "[id]"),
                    raw_attrs=[
                        ':data-id="id"',
                        ":id=\"'finding-' + id\"",
                        ':aria-selected="chosen.includes(id)"',
                        ':title="rows[id]?.note"',
                    ],
                ),
            ):
                self._build_cells()
            with (
                html.Tbody(v_if=("!order.length",)),
                html.Tr(),
                html.Td(colspan=str(KIND + 1), classes="nothing-listed"),
            ):
                html.Span("Nothing was found.", v_if=("!Object.keys(rows).length",))
                html.Span("None is shown. Move the slider to More, or list rejected findings too.", v_else=True)

    def _build_heading(self) -> None:
        with (
            html.Th(
                v_for="(heading, n) in headings",
                key="n",
                classes=(f"{{ number: n > 0 && n < {STATUS} }}",),
                raw_attrs=[
                    'scope="col"',
                    ":aria-sort=\"sorted_by === n ? (descending ? 'descending' : 'ascending') : 'none'\"",
                ],
            ),
            html.Button(click=(self.sort, "[n]"), type="button", raw_attrs=[':title="heading.tip"']),
        ):
            html.Span("{{ heading.title }}")
            html.Span("{{ descending ? '▾' : '▴' }}", v_if=("sorted_by === n",), raw_attrs=['aria-hidden="true"'])

    def _build_cells(self) -> None:
        with html.Td():
            html.Span(classes="swatch", raw_attrs=[':style="{ background: rows[id]?.color }"', 'aria-hidden="true"'])
            html.Span("{{ id }}")
        html.Td("{{ text }}", v_for="(text, n) in rows[id]?.numbers", key="n", classes="number")
        with html.Td(classes="status"):
            for status, icon in ((Status.ACCEPTED, "mdi-check"), (Status.REJECTED, "mdi-close")):
                v3.VIcon(
                    icon,
                    size=16,
                    v_if=(f"decisions[id] === '{status.value}'",),
                    title=status_word(status),
                    raw_attrs=marked("img", status_word(status)),
                )
            v3.VIcon(
                "mdi-circle-outline",
                size=13,
                v_if=("!decisions[id]",),
                title=status_word(Status.NEW),
                raw_attrs=marked("img", status_word(Status.NEW)),
            )
        html.Td("{{ rows[id]?.kind }}", classes="kind")

    # What is shown

    def show(self, findings: Findings | None, rejected: bool, score: Score) -> None:
        """Show the listed findings; rejected ones only where ``rejected``. What is chosen stays so."""
        state = self.context.state
        rows = {} if findings is None else self._rows_of(findings, score)
        listed = [] if findings is None else findings.listed
        shown = [rows[item.id] for item in listed if rejected or item.status is not Status.REJECTED]
        order = [row.finding.id for row in sorted_rows(shown, self._sorted_by, self._descending)]
        state.rows = {name: _sent(row) for name, row in rows.items()}
        state.decisions = {
            name: row.finding.status.value for name, row in rows.items() if row.finding.status is not Status.NEW
        }
        state.order, state.headings = order, _headings(findings, score)
        state.sorted_by, state.descending = self._sorted_by, self._descending
        self.choose(self.chosen)

    def _rows_of(self, findings: Findings, score: Score) -> dict[str, Row]:
        """A row for each finding; findings are never changed, so that those of the last time still hold."""
        kept_for = (findings.run.geometry, score.decimals)
        if kept_for[0] is not self._kept_for[0] or kept_for[1] != self._kept_for[1]:
            self._kept, self._kept_for = {}, kept_for
        rows = {}
        for item in findings.items:
            known = self._kept.get(item.id)
            row = known[1] if known is not None and known[0] is item else Row.of(item, findings, score.decimals)
            rows[item.id] = row
        self._kept = {name: (row.finding, row) for name, row in rows.items()}
        return rows

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids in the rows, from top to bottom."""
        return tuple(self.context.state.order)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The ids in the chosen rows, from top to bottom."""
        chosen = set(self.context.state.chosen)
        return tuple(name for name in self.context.state.order if name in chosen)

    def choose(self, ids: Sequence[str]) -> None:
        """Choose these rows, those of them that are shown, as if nothing had been clicked."""
        self.context.state.chosen = [name for name in self.context.state.order if name in ids]

    # What is done

    def click(self, name: str, more: bool = False, up_to: bool = False) -> None:
        """A row was clicked.

        Args:
            more: with Ctrl: the row is chosen too, or no more.
            up_to: with Shift: all rows from the one that was clicked before.
        """
        order, chosen = self.shown, list(self.chosen)
        if name not in order:
            return
        if up_to and self._last_clicked in order:
            low, high = sorted((order.index(self._last_clicked), order.index(name)))
            wanted = [*(chosen if more else ()), *order[low : high + 1]]
        else:
            wanted = [name] if not more else [one for one in chosen if one != name] + [name] * (name not in chosen)
            self._last_clicked = name
        self.choose(wanted)
        self._on_chosen()

    def sort(self, column: int) -> None:
        """Sort by a column; from greatest to least at first, where it has numbers, and the other way by the second time."""
        column = max(0, min(int(column), KIND))
        if column == self._sorted_by:
            self._descending = not self._descending
        else:
            self._sorted_by, self._descending = column, column in NUMBERS
        state = self.context.state
        rows = [self._kept[name][1] for name in self.shown]
        state.order = [row.finding.id for row in sorted_rows(rows, self._sorted_by, self._descending)]
        state.sorted_by, state.descending = self._sorted_by, self._descending

    def _on_double_click(self, name: str) -> None:
        self.click(name)
        self._on_go_to()

    def _on_key(self, key: str) -> None:
        """In the table, the arrows choose another row, without going there."""
        if key == "Enter":
            self._on_go_to()
            return
        chosen = self.chosen
        there = neighbour(self.shown, chosen[0] if chosen else "", -1 if key == "ArrowUp" else 1)
        if there:
            self.click(there)

    def _trigger(self, action: Callable[..., None]) -> str:
        return f"trigger('{self.context.server.controller.trigger_name(action)}'"


def _sent(row: Row) -> dict[str, Any]:
    """What the browser gets of a row."""
    red, green, blue = (round(255 * part) for part in lesion_color(row.number))
    cells = row.cells
    sent = {
        "numbers": [cells[column] for column in NUMBERS],
        "kind": cells[KIND],
        "color": f"#{red:02x}{green:02x}{blue:02x}",
    }
    return {**sent, "note": row.finding.lesion.note} if row.finding.lesion.note else sent


def _headings(findings: Findings | None, score: Score) -> list[dict[str, str]]:
    return [{"title": heading.title, "tip": heading.tip} for heading in headings(findings, score)]
