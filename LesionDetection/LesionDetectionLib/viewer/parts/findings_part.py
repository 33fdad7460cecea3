"""Section Findings: the table, and what a person does with findings."""

from __future__ import annotations

from trame.widgets import html

from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, RESULTS

from ..context import Context
from .part import Part


class FindingsPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.state.findings, context.state.current = [], ""

    def build(self) -> None:
        with (
            html.Table(classes="findings", id="findings"),
            html.Tbody(),
            html.Tr(
                v_for="finding in findings",
                key="finding.id",
                classes=("{ current: finding.id === current }",),
                click=(self._on_row, "[finding.id]"),
            ),
        ):
            html.Td("{{ cell }}", v_for="(cell, n) in finding.cells", key="n")

    def on_session(self, change: str) -> None:
        if change in (RESULTS, FINDINGS, CURRENT):
            self.refresh()

    def refresh(self) -> None:
        session, state = self.context.session, self.context.state
        state.findings = [
            {"id": item.id, "cells": [item.id, f"{item.lesion.score:.2f}", f"{item.lesion.diameter_mm:.1f} mm"]}
            for item in session.listed
        ]
        state.current = session.current

    def _on_row(self, finding_id: str) -> None:
        with self.context.told():
            self.context.session.select(finding_id)
            findings = self.context.session.findings
            assert findings is not None
            for view in self.context.stage.slice_views:
                view.get_view_node().JumpSliceByCentering(*findings.get(finding_id).lesion.center_ras_mm)
