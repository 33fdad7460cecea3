"""Section Follow-up: two results of one patient, their lesions paired, and the change by RECIST 1.1."""

from __future__ import annotations

import importlib.util

from .context import Context


class FollowUpPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        context.ui.followUpSection.setVisible(importlib.util.find_spec("LesionDetectionLib.app.follow_up") is not None)

    def draw_again(self) -> None:
        pass

    def close(self) -> None:
        pass

    def scene_closed(self) -> None:
        pass

    def refresh(self) -> None:
        pass
