"""What a section of the page is, and how it tells what goes wrong."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from LesionDetectionLib.core.errors import LesionDetectionError
from trame.widgets import html
from trame.widgets import vuetify3 as v3

from .training_context import TrainingContext

NOTE, WARNING = "note", "warning"
_SILENT = {"text": "", "kind": NOTE, "details": ""}

_log = logging.getLogger(__name__)


class Section:
    """A part of the page: :meth:`build` makes its widgets once, :meth:`refresh` shows what is by the state they are bound to.

    Attributes:
        NAME: in ids and in the names of the state.
        TITLE: of the section.
    """

    NAME = ""
    TITLE = ""

    def __init__(self, context: TrainingContext) -> None:
        self.context = context
        self._message = f"training_{self.NAME}_message"
        context.state[self._message] = _SILENT

    def build(self) -> None:
        """Make the widgets, inside the layout that is being built."""
        with html.Section(
            classes="training-section",
            id=f"training-section-{self.NAME}",
            raw_attrs=[f'aria-labelledby="training-title-{self.NAME}"'],
        ):
            html.H2(self.TITLE, id=f"training-title-{self.NAME}")
            self.build_inside()

    def build_inside(self) -> None:
        """Make what is below the title."""

    def refresh(self) -> None:
        """Show everything anew: choices, and what the session knows."""

    def on_session(self, change: str) -> None:
        """The session told ``change`` (see :mod:`..session.training_session`)."""

    # -- telling ------------------------------------------------------------------------------------------------------

    def tell(self, text: str, kind: str = NOTE, details: str = "") -> None:
        """Say something in the section's line; empty for nothing."""
        self.context.state[self._message] = {"text": text, "kind": kind, "details": details} if text else _SILENT

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Tell the person what goes wrong inside: trame only logs what a handler raises."""
        try:
            yield
        except LesionDetectionError as error:
            self.tell(str(error), WARNING)
        except Exception as error:
            _log.exception("What was asked for in the training page failed.")
            self.tell(f"This did not work, for a reason that was not foreseen: {error}. Please report it.", WARNING)

    def build_message(self) -> None:
        """Where it is said."""
        name = self._message
        # The live region is there before what it says, or a screen reader does not hear of it.
        with (
            html.Div(raw_attrs=['aria-live="polite"'], id=f"training-{self.NAME}-message"),
            html.Div(v_if=(f"{name}.text",), classes=(f"'training-message training-' + {name}.kind",)),
        ):
            html.Span(f"{{{{ {name}.text }}}}")
            with html.Details(v_if=(f"{name}.details",)):
                html.Summary("Details")
                html.Pre(f"{{{{ {name}.details }}}}")

    # -- the state ----------------------------------------------------------------------------------------------------

    def follow(self, name: str, changed: Callable[[], None]) -> None:
        """Call ``changed`` when a name of the state was changed, by the person or by this program."""

        def on_change(**_state: Any) -> None:
            with self.told():
                changed()

        self.context.state.change(name)(on_change)


@contextlib.contextmanager
def fold(name: str, title: str) -> Iterator[None]:
    """What is folded at first, ``training_NAME_open``. No native fold: Chromium gives fields in one a wrong height."""
    opened = f"training_{name}_open"
    html.Button(
        f"<span>{{{{ {opened} ? '▾' : '▸' }}}}</span>{title}",
        id=f"training-{name}",
        classes="training-fold-title",
        click=f"{opened} = !{opened}",
        raw_attrs=['type="button"', f':aria-expanded="{opened}"'],
    )
    with html.Div(v_if=(opened,)):
        yield


def select(name: str, label: str, items: str, **more: Any) -> None:
    """A list to choose from, bound to ``training_NAME``; its items are ``training_ITEMS``."""
    v3.VSelect(
        v_model=(f"training_{name}",),
        items=(f"training_{items}",),
        label=label,
        id=f"training-{name.replace('_', '-')}",
        density="compact",
        variant="outlined",
        hide_details=True,
        **more,
    )


def field(name: str, label: str | tuple[str], **more: Any) -> None:
    """A line to type in, bound to ``training_NAME``."""
    v3.VTextField(
        v_model=(f"training_{name}",),
        label=label,
        id=f"training-{name.replace('_', '-')}",
        density="compact",
        variant="outlined",
        hide_details=True,
        autocomplete="off",
        **more,
    )
