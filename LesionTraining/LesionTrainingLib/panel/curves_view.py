"""Charts in Slicer's plot view: the layout changes to one with a plot, and back when the plot is no longer wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..session.curve_lines import froc_lines, loss_lines, validation_lines
from ..session.curves import LiveCurves
from ..session.plot_nodes import FROC, LOSS, VALIDATION, chart
from ..session.results import TrainingResult


class CurvesView:
    """Args:
    scene: that the charts are put into.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._layout_before: int | None = None
        self._shown_id = ""

    def update_loss(self, curves: LiveCurves) -> Any:
        """The chart of losses, with what is known now; what is shown is drawn anew."""
        lines = loss_lines(curves.losses, _("{stage}, smoothed"))
        return chart(self._scene, LOSS, lines, _("Training loss"), (_("Step"), _("Loss")))

    def update_validation(self, curves: LiveCurves) -> Any:
        """The chart of metrics on validation cases."""
        lines = validation_lines(curves.validations)
        return chart(self._scene, VALIDATION, lines, _("Validation"), (_("Step"), _("Value")))

    def update_froc(self, results: Sequence[TrainingResult]) -> Any:
        """The chart of FROC curves."""
        lines = froc_lines(results, _("95 % of drawings"))
        return chart(self._scene, FROC, lines, _("FROC"), (_("False positives per scan"), _("Sensitivity")))

    def show(self, node: Any) -> None:
        """Show a chart; nothing where it is shown already."""
        manager = slicer.app.layoutManager()
        if manager is None or node.GetID() == self._shown_id:
            return
        if self._layout_before is None:
            self._layout_before = int(manager.layout)
        self._shown_id = node.GetID()
        slicer.modules.plots.logic().ShowChartInLayout(node)

    def hide(self) -> None:
        """Go back to the layout that there was before the first chart was shown."""
        manager, layout = slicer.app.layoutManager(), self._layout_before
        self._layout_before, self._shown_id = None, ""
        if manager is not None and layout is not None:
            manager.setLayout(layout)

    def scene_closed(self) -> None:
        """The charts are gone with the scene."""
        self._shown_id = ""
