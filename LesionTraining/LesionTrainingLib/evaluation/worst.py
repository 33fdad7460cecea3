"""The worst misses and false marks of an evaluation: chosen, pictured, and why each counts as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from LesionDetectionLib.app.documents.document import Block as PageBlock
from LesionDetectionLib.app.documents.document import Card, Picture, Text

from .at_point import AtPoint, Failure
from .output.tables import Table, number_text, short_name
from .picturing import MARKED, TRUE, Pictures, Wanted
from .request import MOST_PICTURES
from .scoring.scored import Part

_HOW_DRAWN = (
    "An axial slice bare, then the same slice, a coronal and a sagittal one through the middle. Blue: what the truth says. "
    "Orange: what is marked at this operating point. A circle stands for what has no outline, of 10 mm where its size is not "
    "known."
)


@dataclass(frozen=True, eq=False)
class Worst:
    """What is shown of one policy.

    Attributes:
        at: the policy's outcomes at the operating point.
        misses: the largest missed lesions, and the picture of each.
        false_marks: the false marks of the highest score, and the picture of each.
        pictured: whether pictures are wanted; else the worst are listed.
    """

    at: AtPoint
    misses: tuple[tuple[Failure, Wanted], ...]
    false_marks: tuple[tuple[Failure, Wanted], ...]
    pictured: bool

    @classmethod
    def of(cls, at: AtPoint, most: int) -> Worst:
        """At most so many of each kind; without pictures where that is 0."""
        misses, false = at.worst_misses(most or MOST_PICTURES), at.worst_false_marks(most or MOST_PICTURES)
        return cls(
            at,
            tuple((one, _wanted(at, one, f"M{n}")) for n, one in enumerate(misses, 1)),
            tuple((one, _wanted(at, one, f"F{n}")) for n, one in enumerate(false, 1)),
            most > 0,
        )

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """The pictures to be drawn."""
        return tuple(wanted for _, wanted in (*self.misses, *self.false_marks)) if self.pictured else ()

    def first_names(self, shown: Sequence[tuple[Failure, Wanted]]) -> dict[int, str]:
        """Image -> anchor of its first picture among these."""
        return {one.image: wanted.name for one, wanted in reversed(shown)} if self.pictured else {}

    def parts(self, pictures: Pictures) -> tuple[Part, Part]:
        """The two sections."""
        lesion, missed = self.at.scored.policy.lesion_is, self.at.lesions - self.at.lesions_found
        none_missed = (
            f"Every {lesion} is found at this operating point." if self.at.lesions else f"There is no {lesion}."
        )
        blocks = self._blocks(self.misses, missed, "the largest", pictures) if missed else (none_missed,)
        false = self.at.false_marks
        return (
            Part(f"Missed {lesion}s, the largest first", blocks, early=True),
            Part(
                "False marks, the highest score first",
                self._blocks(self.false_marks, false, "those of the highest score", pictures)
                if false
                else ("No mark is false at this operating point.",),
                early=True,
            ),
        )

    def _blocks(
        self, shown: Sequence[tuple[Failure, Wanted]], every: int, which: str, pictures: Pictures
    ) -> tuple[str | Table | PageBlock, ...]:
        told = f"All {every}." if len(shown) == every and every > 1 else f"{len(shown)} of {every}: {which}."
        told = "The only one." if every == 1 else told
        if not self.pictured:
            return told, _listed(self.at, shown)
        explained = f"{told} {_HOW_DRAWN}" if shown is self.misses or not self.misses else told
        return Text(explained, quiet=True), *(_card(self.at, pictures, *one) for one in shown)


def _wanted(at: AtPoint, one: Failure, name: str) -> Wanted:
    image = at.scored.images[one.image]
    what = f"missed {at.scored.policy.lesion_is}" if one.is_lesion else f"false mark   score {one.score:.3g}"
    text = f"{what}   {_size(one)}   {short_name(image.image)}"
    return Wanted(image, one.is_lesion, one.index, name, text, at.shown[one.image])


def _card(at: AtPoint, pictures: Pictures, one: Failure, wanted: Wanted) -> Card:
    image = at.scored.images[one.image]
    drawn, reason = pictures.drawn.get(wanted), pictures.reasons.get(image.image, "")
    what = f"missed {at.scored.policy.lesion_is}" if one.is_lesion else "false mark"
    picture = Picture(drawn, f"{wanted.name}, a {what} in {image.image}, in three planes") if drawn else None
    note = f"{one.why[:1].upper()}{one.why[1:]}."
    if picture is None:
        note = f"No picture: {reason} {note}"
    return Card(
        wanted.name, image.image, wanted.name, TRUE if one.is_lesion else MARKED, picture, _facts(at, one), note
    )


def _facts(at: AtPoint, one: Failure) -> tuple[tuple[str, str], ...]:
    image = at.scored.images[one.image]
    findings = image.truth if one.is_lesion else image.marks
    place = ", ".join(number_text(float(part), 1) for part in findings.centers_ras_mm[one.index])
    number = one.index + 1 if one.is_lesion else int(image.marks.ranks[one.index])
    return (
        *(() if one.is_lesion else (("Score", number_text(one.score, 3)),)),
        ("Diameter", _size(one).removeprefix("⌀ ")),
        *((("Kind", findings.kinds[one.index]),) if findings.kinds else ()),
        ("R, A, S", f"{place} mm"),
        ("Lesion" if one.is_lesion else "Mark", f"{number} of the case"),
    )


def _listed(at: AtPoint, shown: Sequence[tuple[Failure, Wanted]]) -> Table:
    rows = []
    for one, _ in shown:
        image = at.scored.images[one.image]
        number = one.index + 1 if one.is_lesion else int(image.marks.ranks[one.index])
        rows.append((short_name(image.image), number, one.diameter_mm, one.score, one.why))
    if shown[0][0].is_lesion:
        return Table(("case", "lesion", "diameter_mm", "why"), tuple((*row[:3], row[4]) for row in rows), digits=1)
    return Table(("case", "mark", "diameter_mm", "score", "why"), tuple(rows))


def _size(one: Failure) -> str:
    return "size not known" if math.isnan(one.diameter_mm) else f"⌀ {one.diameter_mm:.1f} mm"
