"""What clicks in the views do while click to measure is on, for every user interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from LesionDetectionLib.core.errors import LesionDetectionError, UsageError
from LesionDetectionLib.core.lesion import Point

from ..focus_request import FocusRequest
from ..message_place import MessagePlace
from ..scene_views.foreground import Foreground
from ..scene_views.projections import Projections
from ..translation import tr as _
from ..worker.engine import Job
from .measuring import Measuring

BORDER, FOCUS, NEW_FOCUS = "border", "focus", "new focus"
"""What a click in a PET does."""


def pet_ways() -> tuple[tuple[str, str], ...]:
    """What a click in a PET can do, each with how it is called."""
    return (
        (BORDER, _("Outlines by its border")),
        (FOCUS, _("Moves the finding to the uptake (40 %)")),
        (NEW_FOCUS, _("Adds the uptake (40 %)")),
    )


def measure_on_ways() -> tuple[tuple[str, str], ...]:
    """In which of two volumes a click can measure, by modality, each with how it is called."""
    return ("CT", _("CT")), ("PT", _("PET"))


class ClickChoices(Protocol):
    """What the person chose.

    Attributes:
        volumes: volume nodes by modality.
        measure_on: modality of the one that a click measures in, where there are several.
        pet_click: what a click in a PET does: :data:`BORDER`, :data:`FOCUS` or :data:`NEW_FOCUS`.
    """

    pet_click: str

    @property
    def volumes(self) -> Mapping[str, Any]: ...

    @property
    def measure_on(self) -> str: ...


class Clicking:
    """Args:
        session: that measures.
        choices: as they are now, at any time.
        projections: that a PET may be clicked through.
        foreground: what lies over the image where no projection is shown.
        message: where it is said what a click did, or why not.
        may_measure: whether the libraries for it are there; may ask the person.

    Attributes:
        active: whether the person's clicks are measured now.
        place: of the last click, RAS mm; None before the first.
    """

    def __init__(
        self,
        session: Measuring,
        choices: ClickChoices,
        projections: Projections,
        foreground: Foreground,
        message: MessagePlace,
        may_measure: Callable[[], bool] = lambda: True,
    ) -> None:
        self._session, self._choices, self._message = session, choices, message
        self._foreground, self._may_measure = foreground, may_measure
        self.projections = projections
        self.active = False
        self.place: Point | None = None
        self._waiting: tuple[Point, str] | None = None
        self._told: Job | None = None

    # What is chosen

    @property
    def volume(self) -> Any | None:
        """In which a click measures."""
        volumes = self._choices.volumes
        return volumes.get(self._choices.measure_on) or next(iter(volumes.values()), None)

    @property
    def on_pet(self) -> bool:
        """Whether a click measures in a PET."""
        return self.volume is not None and self.volume is self._choices.volumes.get("PT")

    @property
    def does(self) -> str:
        """What a click does."""
        return self._choices.pet_click if self.on_pet else BORDER

    @property
    def tip(self) -> str:
        """What to do with the button that begins."""
        if self._choices.volumes:
            return _("Then click on lesions in the slice views; Escape ends it.")
        return _("Choose a CT or PET first.")

    def hint(self) -> None:
        """Say what a click does now; nothing while clicks are the person's own."""
        if not self.active:
            self._message.clear()
        elif self.does == FOCUS:
            self._message.plain(_("Click on uptake: the chosen finding moves there. Undo brings it back."))
        elif self.does == NEW_FOCUS:
            self._message.plain(_("Click on uptake: it becomes a new finding."))
        else:
            self._message.plain(
                _(
                    "Click inside a lesion. Click near its outline to move the border there, elsewhere for the next lesion."
                )
            )

    # From the first click to the last

    def begin(self) -> None:
        """Clicks are to be measured from here on."""
        self.active = True
        self.hint()

    def end(self) -> None:
        """Clicks are the person's own again; a measurement that is under way stops."""
        self.active, self._waiting = False, None
        if self._measuring is not None:
            self._session.cancel_click()
        self.hint()

    def forget(self) -> None:
        """The scene is another one."""
        self.place = self._waiting = None

    def clicked(self, point_ras_mm: Point, clicked_in: Any | None = None) -> None:
        """Do what a click at this place means: measure, correct, move, or select. Of several quick clicks the last one waits
        until the first is measured.

        Args:
            clicked_in: slice node of the view, where it is known; see :meth:`.Projections.clicked_through`.

        Raises:
            UsageError: something else is running, or a border is asked for on a projection.
            InputError: the volume cannot be used.
        """
        self._click(point_ras_mm, self.projections.clicked_through(point_ras_mm, clicked_in))

    def _click(self, point_ras_mm: Point, through: str) -> None:
        """
        Args:
            through: the projection that was clicked, as in :class:`.FocusRequest`; empty for none.
        """
        if self._measuring is not None:
            self._waiting = point_ras_mm, through
            return
        focus = self.does != BORDER
        if through and not focus:
            raise UsageError(
                _("A projection has no depth to outline a border in. Let a click take the uptake at the focus.")
            )
        if not through:
            self.place = point_ras_mm
        if not self._may_measure():
            return
        if focus:
            job = self._session.focus(self.volume, point_ras_mm, through, add=self.does == NEW_FOCUS)
            chosen = _("{name} is chosen.")
        else:
            job = self._session.measure(self.volume, point_ras_mm)
            chosen = _("{name} is chosen; click near its outline to correct it.")
        if job is None:
            self._message.note(chosen.format(name=self._session.current))

    @property
    def _measuring(self) -> Job | None:
        """The click that is being measured."""
        return self._session.click if self._session.click_busy else None

    def show_job(self) -> None:
        """Say how far a click's measurement is and how it ended, and go on with the one that waits: whenever the session says
        that the work has gone on."""
        job = self._session.click
        if job is None or job is self._told:
            return
        self._told = job if job.finished else None
        if not job.finished:
            self._message.plain(_("Measuring; Escape stops it."))
        elif job.state == "failed":
            self._message.warn(self._session.message, job.details)
        elif job.state == "done" and self._session.message:
            self._message.note(self._session.message)
        else:
            self.hint()
        if job.state == "done" and isinstance(job.request, FocusRequest) and job.request.through:
            self._go_to_focus()
        if job.finished and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            if job.state == "done":
                self._click_again(*waiting)

    def _click_again(self, point_ras_mm: Point, through: str) -> None:
        try:
            self._click(point_ras_mm, through)
        except LesionDetectionError as error:
            self._message.warn(str(error))

    def _go_to_focus(self) -> None:
        """Let the views show the depth that a click on a projection does not tell."""
        session = self._session
        if session.findings is not None and session.current:
            item = session.findings.get(session.current)
            self.place = item.seed_ras_mm or item.lesion.center_ras_mm
            self.projections.go_to(self.place)

    # Projections of a PET

    def show_projections(self) -> None:
        """Show the PET's projections. A click then takes uptake: a border cannot be outlined where there is no depth.

        Raises:
            UsageError: there is no view for them.
        """
        if not self.projections.show(self.volume):
            raise UsageError(
                _("No coronal or sagittal slice view is there. Choose a layout with one, such as Four-Up.")
            )
        if self.does == BORDER:
            self._choices.pet_click = FOCUS
            self.hint()

    def end_projections(self) -> None:
        """Show slices again; nothing where no projection is shown."""
        if self.projections.shown:
            self.projections.end()
            self._foreground.show_again()

    def refresh(self) -> None:
        """Volumes or views may be others: projections of another volume, or of none, end."""
        if not self.projections.shown:
            return
        if self.on_pet and self.projections.volume is self.volume:
            self.projections.show_again()
        else:
            self.end_projections()


def undo_tip(what: str) -> str:
    """Tool tip of undo; ``what`` as :attr:`.Review.undo_text`."""
    return _("Undo: {what} (Ctrl+Z)").format(what=what) if what else _("Nothing to undo (Ctrl+Z)")


def redo_tip(what: str) -> str:
    """Tool tip of redo; ``what`` as :attr:`.Review.redo_text`."""
    return _("Redo: {what} (Ctrl+Y)").format(what=what) if what else _("Nothing to redo (Ctrl+Y)")
