"""Two results of a scene compared, for every user interface: aligned by the worker, paired, corrected by the person, kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.follow_up_rows import Row
from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.imaging.alignment import Alignment
from LesionDetectionLib.io.mrml import image_from_node
from LesionDetectionLib.io.mrml_follow_up import add_follow_up, show_follow_up

from ..alignment_request import BASELINE, FOLLOW_UP, AlignRequest
from ..follow_up import compare, write_follow_up
from ..translation import tr as _
from ..worker.engine import Engine, Job
from .result_set import ResultSet
from .review import Review


class Comparing:
    """Args:
        session: whose scene the results are in.
        engine: aligns.
        changed: called when the work or the comparison has changed.
        guarded: does what comes of the alignment, and tells the person what goes wrong in it.

    Attributes:
        job: that aligns, or aligned.
        comparison: None before the first.
    """

    def __init__(
        self,
        session: Review,
        engine: Engine,
        changed: Callable[[], None],
        guarded: Callable[[Callable[[], None]], None],
    ) -> None:
        self._session, self._engine, self._changed, self._guarded = session, engine, changed, guarded
        self.job: Job | None = None
        self.comparison: FollowUp | None = None
        self._alignment = Alignment.none()
        self._compared: tuple[ResultSet, ResultSet] | None = None
        self._node: Any = None

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.finished

    def results(self) -> dict[str, ResultSet]:
        """Those of the scene that can be compared, by the id of their node."""
        return {result.nodes.text.GetID(): result for result in self._session.results_in_scene()}

    def compare(self, earlier: ResultSet | None, later: ResultSet | None, alignment: Alignment | None = None) -> None:
        """Compare two results; the worker looks for the alignment of their scans where None is given.

        Raises:
            UsageError: these are no two results.
            InputError: a volume is needed, and is no longer in the scene.
            ModalityError: see :func:`..follow_up.compare`.
        """
        if earlier is None or later is None or earlier.nodes.text is later.nodes.text:
            raise UsageError(_("Choose two results: one of the earlier and one of the later examination."))
        if alignment is not None:
            self._compared_with(earlier, later, alignment)
            return

        def on_change(job: Job) -> None:
            self.job = job
            if job.state == "done" and earlier.in_scene and later.in_scene:
                self._guarded(lambda: self._compared_with(earlier, later, job.result))
            self._changed()

        images = {BASELINE: _image(earlier), FOLLOW_UP: _image(later)}
        self.job = self._engine.submit(AlignRequest(), images, on_change)
        self._changed()

    def cancel(self) -> None:
        """Stop aligning."""
        if self.job is not None:
            self.job.cancel()

    def forget(self) -> None:
        """The scene is another one."""
        self.cancel()
        self.comparison = self._compared = self._node = None

    def follow(self) -> None:
        """Bring the comparison up to date with what the person decided since."""
        if self._compared is None or self.comparison is None:
            return
        if not all(result.in_scene for result in self._compared):
            self.comparison = self._compared = None
            self._changed()
            return
        before, now = (result.findings for result in self._compared)
        if before is not self.comparison.baseline or now is not self.comparison.follow_up:
            self._change(self.comparison.updated(before, now))

    # What the person says of rows

    def link(self, rows: Sequence[Row]) -> None:
        """These two are one lesion; see :func:`may_link`."""
        earlier = next(row.baseline_id for row in rows if row.baseline_id)
        later = next(row.follow_up_id for row in rows if row.follow_up_id)
        self._change(self._required().linking(earlier, later))

    def unlink(self, rows: Sequence[Row]) -> None:
        """The pairs among these are two lesions each."""
        comparison = self._required()
        for row in rows:
            if row.baseline_id and row.follow_up_id:
                comparison = comparison.unlinking(row.baseline_id)
        self._change(comparison)

    def toggle_targets(self, rows: Sequence[Row]) -> None:
        """These are target lesions, or no longer. Raises UsageError where the guideline forbids it."""
        comparison = self._required()
        toggled = {row.baseline_id for row in rows if row.baseline_id}
        self._change(comparison.with_targets(sorted(set(comparison.targets) ^ toggled, key=lambda name: int(name[1:]))))

    def toggle_gone(self, rows: Sequence[Row]) -> None:
        """These have disappeared, or were only not found."""
        comparison = self._required()
        toggled = {row.baseline_id for row in rows if row.baseline_id and not row.follow_up_id}
        self._change(comparison.confirming_gone(comparison.confirmed_gone ^ toggled))

    def place_of(self, row: Row) -> tuple[Point, ResultSet] | None:
        """Where a lesion is (RAS mm) and in which result: the later one where it is there; None for none."""
        if self._compared is None:
            return None
        later = row.follow_up_ras_mm is not None
        place = row.follow_up_ras_mm if later else row.baseline_ras_mm
        return None if place is None else (place, self._compared[later])

    def write(self, folder: Path, overwrite: bool = False) -> dict[str, Path]:
        """See :func:`..follow_up.write_follow_up`. Raises UsageError where nothing was compared."""
        return write_follow_up(folder, self._required(), self._alignment, overwrite)

    def _required(self) -> FollowUp:
        if self.comparison is None:
            raise UsageError(_("There is no comparison yet. Press Compare."))
        return self.comparison

    def _compared_with(self, earlier: ResultSet, later: ResultSet, alignment: Alignment) -> None:
        comparison = compare(earlier.findings, later.findings, alignment)
        self._compared, self._alignment = (earlier, later), alignment
        name = _("Follow-up {title}").format(title=later.title)
        self._node = add_follow_up(earlier.nodes.text.GetScene(), comparison, name, later.volume_node)
        self.comparison = comparison
        self._changed()

    def _change(self, comparison: FollowUp) -> None:
        self.comparison = comparison
        if self._node is not None and self._node.GetScene() is not None:
            show_follow_up(self._node, comparison)
        self._changed()


def may_link(rows: Sequence[Row]) -> bool:
    """Whether these are two that can become a pair."""
    earlier = any(row.baseline_id and not row.follow_up_id for row in rows)
    return len(rows) == 2 and earlier and any(row.follow_up_id and not row.baseline_id for row in rows)


def may_unlink(rows: Sequence[Row]) -> bool:
    """Whether there is a pair among these."""
    return any(row.baseline_id and row.follow_up_id for row in rows)


def may_be_targets(rows: Sequence[Row]) -> bool:
    """Whether one of these was there earlier."""
    return any(row.baseline_id for row in rows)


def may_be_gone(rows: Sequence[Row]) -> bool:
    """Whether one of these was there earlier and has no partner."""
    return any(row.baseline_id and not row.follow_up_id for row in rows)


def _image(result: ResultSet) -> Image:
    if result.volume_node is None:
        raise InputError(
            _("The volume of “{title}” is no longer in the scene. Load it again.").format(title=result.title)
        )
    return understood_as(image_from_node(result.volume_node))
