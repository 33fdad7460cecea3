"""What a person measures: a click, uptake that was pointed at, two diameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.finding import CLICKED, DRAWN, Finding, Findings
from LesionDetectionLib.core.image import PET, Image
from LesionDetectionLib.core.lesion import Lesion, Point

from ..focus_request import FocusRequest
from ..recist_request import RecistRequest
from ..worker.engine import Job
from ..worker.requests import MeasureRequest
from .clicks import click_on
from .diameters import ends_of, made_of, remember
from .focus import holder_of, hottest_ras_mm, moved_to, several_in_question, to_move
from .result_set import ResultSet
from .review import FINDINGS
from .work import Work


class Measuring(Work):
    """A person's own findings in the results of a scene, or in results of their own."""

    def measure(self, volume_node: Any, point_ras_mm: Point, correct: bool = True) -> Job | None:
        """Measure the lesion at a point, or correct the one that is looked at.

        A click in another finding's outline selects that one; a click near the outline of the current one moves its border
        there (``correct``); any other click measures a new lesion.

        Args:
            point_ras_mm: RAS mm.

        Returns:
            The job; None where the click only selected a finding.

        Raises:
            UsageError: a click is being measured already.
            InputError: the volume cannot be used.
        """
        self._refuse_busy(for_click=True)
        image = self._images.of(volume_node)
        target = self._set_for(volume_node, image)
        findings, current = (target.findings, target.current) if target else (None, "")
        click = click_on(findings, current if correct else "", point_ras_mm)
        if target is not None and click.selected:
            self._choose(target, click.selected)
            return None
        name = image.modality or "image"
        request = MeasureRequest(modality=name, seed_ras_mm=click.seed_ras_mm, border_ras_mm=click.border_ras_mm)

        def done(lesion: Lesion) -> None:
            points = {"seed_ras_mm": click.seed_ras_mm, "border_ras_mm": click.border_ras_mm}
            self._measured(volume_node, image, target, lesion, click.corrects, CLICKED, **points)

        return self._start(request, {name: image}, done)

    def focus(self, volume_node: Any, point_ras_mm: Point, through: str = "", add: bool = False) -> Job | None:
        """Move the result to the uptake at a point: the finding that is looked at jumps there, or where none is, the only one
        in question; its first place comes back with one undo. Nothing is inferred anew.

        A point in another finding's outline, or whose uptake is another finding's, selects that one. Where there is no
        finding to move (none, several, or one that a person decided on), the uptake becomes a new one.

        Args:
            point_ras_mm: RAS mm.
            through: the projection that was clicked, as in :class:`.FocusRequest`; empty for a point in space.
            add: make a new finding in any case.

        Returns:
            The job; None where the click only selected a finding.

        Raises:
            UsageError: a click is being measured already.
            InputError: the volume cannot be used, or is no PET.
        """
        self._refuse_busy(for_click=True)
        image = self._images.of(volume_node, PET)
        target = self._set_for(volume_node, image)
        moves = to_move(target.findings, target.current) if target is not None and not add else ""
        if target is not None and not through:
            there = holder_of(target.findings, point_ras_mm, besides=moves)
            if there:
                self._choose(target, there)
                return None
        unsure = target is not None and not add and several_in_question(target.findings, target.current)

        def done(lesion: Lesion) -> None:
            self._focused(volume_node, image, target, lesion, moves, unsure)

        return self._start(FocusRequest(PET, point_ras_mm, through), {PET: image}, done)

    def outline(self, volume_node: Any, lines: Sequence[Any], way: str = "best", carry: bool = True) -> Job:
        """Outline and measure the lesion whose two diameters these line markups are, in any order.

        The same two lines again, moved meanwhile or not, correct the finding that was made of them.

        Args:
            way: how the mask is made, see :data:`LesionDetectionLib.imaging.recist_mask.WAYS`.
            carry: on to the neighbouring slices.

        Raises:
            UsageError: something is running already, or these are no two whole lines.
            InputError: there is no volume, or it cannot be used.
        """
        self._refuse_busy()
        if volume_node is None:
            raise InputError("No volume is chosen to outline the lesion in. Load or choose a CT or PET.")
        ends = ends_of(lines)
        image = self._images.of(volume_node)
        target = self._set_for(volume_node, image)
        corrects = made_of(lines, target.findings) if target is not None else ""
        name = image.modality or "image"

        def done(lesion: Lesion) -> None:
            points: dict[str, Any] = {"seed_ras_mm": None, "border_ras_mm": ()}
            new = self._measured(volume_node, image, target, lesion, corrects, DRAWN, **points)
            remember(lines, new.tracking_uid)

        return self._start(RecistRequest(name, ends, way, carry), {name: image}, done)

    def _measured(
        self,
        volume_node: Any,
        image: Image,
        target: ResultSet | None,
        lesion: Lesion,
        corrects: str,
        origin: str,
        **facts: Any,
    ) -> Finding:
        """Put what a person measured into the result that it belongs to, or into a new one; the finding.

        Args:
            corrects: id of the finding to replace; empty for a new one.
            facts: further ones of the finding.
        """
        target = self._still(target, volume_node, image)
        if corrects and any(item.id == corrects for item in target.findings.items):
            new = corrects

            def corrected(item: Finding) -> Finding:
                was = item.lesion
                kept = replace(lesion, score=was.score, evidence=was.evidence, meaning=was.meaning, model=was.model)
                kept = kept if item.by_person else replace(kept, method=was.method)
                return replace(item, lesion=kept, corrected=True, **facts)

            target.change(f"correct {new}", target.findings.changing([new], corrected))
        else:
            findings, new = target.findings.adding(lesion, origin=origin, **facts)
            target.change(f"measure {new}", findings)
        self.message = lesion.note
        return self._shown(target, new)

    def _focused(
        self, volume_node: Any, image: Image, target: ResultSet | None, lesion: Lesion, moves: str, unsure: bool
    ) -> None:
        """Move finding ``moves`` to the uptake that was found, or make a new one of it where that is empty or gone.

        Args:
            unsure: whether several findings could have been meant.
        """
        target = self._still(target, volume_node, image)
        point, findings = hottest_ras_mm(image, lesion), target.findings
        moves = moves if any(item.id == moves for item in findings.items) else ""
        there = holder_of(findings, point, besides=moves)
        if there:
            self.message = f"{there} lies there already."
            self._choose(target, there)
            return
        if moves:
            geometry = findings.run.geometry
            after = findings.changing([moves], lambda item: moved_to(item, lesion, point, geometry))
            target.change(f"move {moves}", after)
            said = f"{moves} lies here now; undo brings it back."
        else:
            after, moves = findings.adding(lesion, origin=CLICKED, seed_ras_mm=point)
            target.change(f"measure {moves}", after)
            said = f"{moves} is new."
            if unsure:
                said = f"{moves} is new; to move a finding instead, choose it in the list before you click."
        self.message = f"{said} {lesion.note}".strip()
        self._shown(target, moves)

    def _still(self, target: ResultSet | None, volume_node: Any, image: Image) -> ResultSet:
        """The result that something measured goes to; a new one where there is none, or none any more."""
        if target is not None and target.in_scene:
            return target
        run = Detections((), image.geometry, "click", image.name, image.modality, image.unit, warnings=image.notes)
        # Empty at first, so that the first measurement can be undone like every other.
        return self._add(volume_node, Findings(run), f"{volume_node.GetName()} clicks")

    def _choose(self, target: ResultSet, finding_id: str) -> None:
        self._activate(target)
        self.select(finding_id)

    def _shown(self, target: ResultSet, finding_id: str) -> Finding:
        """Tell of a finding that was made or changed, and look at it."""
        self.activate(target)
        self._tell(FINDINGS)
        self.select(finding_id)
        return target.findings.get(finding_id)
