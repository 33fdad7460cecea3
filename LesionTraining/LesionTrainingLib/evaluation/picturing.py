"""Pictures of the worst of a cohort, its images read one case at a time, so that memory stays that of one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from ..cohorts.cohort import work_on
from .matching.findings import BoolArray, ImageFindings

TRUE, MARKED = (0.35, 0.72, 1.0), (1.0, 0.5, 0.1)
"""Of outlines: sky blue and orange are told apart with every common form of colour blindness, and from grey."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """A picture to be drawn.

    Attributes:
        findings: of the image that it is of.
        is_lesion: whether it shows a true lesion, else a mark.
        index: among the lesions or the marks.
        name, text: above it.
        marks: [M] which marks are drawn beside it: those that the operating point shows.
    """

    findings: ImageFindings
    is_lesion: bool
    index: int
    name: str
    text: str
    marks: BoolArray


@dataclass(frozen=True, eq=False)
class Pictures:
    """What could be drawn, and why the rest could not.

    Attributes:
        drawn: JPEG by what was wanted.
        reasons: why there is none, by the image's name.
    """

    drawn: Mapping[Wanted, bytes] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def draw(wanted: Sequence[Wanted], cases: Mapping[str, Case], progress: Progress) -> Pictures:
    """Read each case that has something to show, and draw that. A case that cannot be read is told, and the rest goes on.

    Args:
        cases: by the name that the images have.

    Raises:
        Cancelled: through ``progress``.
    """
    by_case: dict[str, list[Wanted]] = {}
    for one in wanted:
        by_case.setdefault(one.findings.image, []).append(one)
    drawn: dict[Wanted, bytes] = {}

    def draw_case(case: Case) -> None:
        from .output.finding_pictures import finding_picture  # OpenCV, only where there is something to draw

        images = case.images()
        for one in by_case[case.id]:
            drawn[one] = finding_picture(images, one)

    known = [cases[name] for name in by_case if name in cases]
    _, failed = work_on(known, draw_case, progress)
    unknown = {name: "No image of it is known here." for name in by_case if name not in cases}
    return Pictures(drawn, {**unknown, **{left.case: left.reason for left in failed}})
