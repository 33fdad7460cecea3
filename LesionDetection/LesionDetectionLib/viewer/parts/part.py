"""What a section of the page is."""

from __future__ import annotations

from ..context import Context


class Part:
    """A section: :meth:`build` makes its widgets once, :meth:`refresh` shows what is by the state they are bound to."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def build(self) -> None:
        """Make the widgets, inside the layout that is being built."""

    def refresh(self) -> None:
        """Show everything anew: choices, job, result."""

    def on_session(self, change: str) -> None:
        """The session told ``change`` (see :mod:`LesionDetectionLib.app.session.review`)."""

    def key(self, name: str) -> bool:
        """A key was pressed, not in a field; whether this part did something then.

        Args:
            name: as in ``web/page.js``: ``A``, ``Delete``, ``Ctrl+Z``, ``Escape``.
        """
        return False

    def scene_closed(self) -> None:
        """Let go of the scene's nodes, and forget all that was said of them."""

    def close(self) -> None:
        """Let go of what is observed."""
