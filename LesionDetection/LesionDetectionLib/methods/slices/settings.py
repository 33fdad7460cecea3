"""What can be set for any method that looks at a scan slice by slice."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from ..region import check_region

AUTO, ALL, MIDDLE = SLICES = ("auto", "all", "middle")
KEY_SLICE_COUNTS = (1, 3)
"""An image of so many slices is one slice to look at, with its neighbours or without, as the cases of DeepLesion are."""
LARGEST_INPUT_PX = 4096
_SHARES = ("least_score", "nms_iou", "link_share", "box_share", "most_shared")


@dataclass(frozen=True)
class Seen:
    """What a network sees of a scan.

    Attributes:
        size_px: slices are resized to so many pixels a side; what is not square is filled up with the window's lowest value.
        slice_distance_mm: from the slice that is looked at to the two that are shown with it.
        window_hu: Hounsfield units that become -1 and 1; values beyond are clipped.
    """

    size_px: int = 512
    slice_distance_mm: float = 2.0
    window_hu: tuple[float, float] = (-1024.0, 1050.0)

    def seen(self) -> Seen:
        """This alone, without what else a method's settings hold: prepared slices depend on nothing else."""
        return Seen(self.size_px, self.slice_distance_mm, self.window_hu)


@dataclass(frozen=True)
class SliceSettings(Seen):
    """What the network sees, and how its boxes become lesions. Defaults are those of images as DeepLesion's [choice].

    Attributes:
        slices: which are looked at: ``all``, boxes of neighbouring ones being linked to lesions; ``middle``, only the middle
            one, each box of which is a lesion, as in DeepLesion; ``auto``, the middle one of an image of one or three slices,
            else all. In scans with slices nearer than ``slice_distance_mm`` one about every so many mm is looked at.
        least_score: least probability of a box; so low that 16 false marks an image are reached in an evaluation.
        nms_iou: of boxes in a slice that overlap by more, the most probable stays.
        most_boxes: at most so many a slice, the most probable.
        link_iou: boxes of neighbouring slices that overlap by this are of one lesion. On 28 body phantoms with 57 lesions and an
            oracle that misses a tenth of all sections (Testing/benchmarks/box_linking.py) 7 lesions fell apart at .5, 2 at .3,
            none at .2, and none were joined; in patients lesions lie closer than in phantoms.
        link_gap: so many slices without a box may lie between two of one lesion. In the same run, at .3, 18 fell apart with 0.
        link_share: at its ends a lesion loses the boxes whose score is below this share of its best one's. In the same run
            outlines had a mean Dice coefficient of .953 at .25, and of .935 at .5.
        box_share: the box of a lesion is the largest of those whose score is at least this share of its best one's.
        most_shared: a lesion of linked boxes more of whose mask lies in that of a better one is that lesion once more, and is left
            out.
        most_lesions: at most so many, the highest scores, are reported.
        region_ras_mm: report only lesions whose centre lies in this box, axis-aligned in RAS mm (lowest and highest corner);
            None for everywhere.
        measure: outline and measure each lesion that is reported.
        slices_mm, pixels_mm: distances between slices, and sizes of pixels of the input, (lowest, highest), that the model
            learned from; a scan beyond them by a tenth gets a warning. (0, 0): not known.
        operating_point: which lesions are reported: a name that the model gives, a least score as text, or empty for the
            model's default.
    """

    slices: str = AUTO
    least_score: float = 0.001
    nms_iou: float = 0.5
    most_boxes: int = 100
    link_iou: float = 0.2
    link_gap: int = 1
    link_share: float = 0.25
    box_share: float = 0.8
    most_shared: float = 0.5
    most_lesions: int = 100
    region_ras_mm: tuple[Point, Point] | None = None
    measure: bool = True
    slices_mm: tuple[float, float] = (0.0, 0.0)
    pixels_mm: tuple[float, float] = (0.0, 0.0)
    operating_point: str = ""

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if not 1 <= self.size_px <= LARGEST_INPUT_PX:
            raise UsageError(f"The size of the input is up to {LARGEST_INPUT_PX} pixels, not {self.size_px}.")
        if not 0 < self.slice_distance_mm <= 100:
            raise UsageError(f"The distance between slices lies above 0 mm, not at {self.slice_distance_mm:g}.")
        if not -math.inf < self.window_hu[0] < self.window_hu[1] < math.inf:
            raise UsageError(f"The window {self.window_hu} HU does not rise.")
        if self.slices not in SLICES:
            raise UsageError(f"Which slices are looked at is {', '.join(f'“{one}”' for one in SLICES)}.")
        require_shares(self, _SHARES)
        if not 0 < self.link_iou <= 1:
            raise UsageError(f"“link_iou” lies above 0, up to 1, not at {self.link_iou:g}.")
        if not 0 <= self.link_gap <= 100:
            raise UsageError("The gap between slices cannot be negative, or without end.")
        if min(self.most_boxes, self.most_lesions) < 1:
            raise UsageError("At least one box and one lesion must be allowed.")
        for name, (low, high) in (("slices_mm", self.slices_mm), ("pixels_mm", self.pixels_mm)):
            if not 0 <= low <= high < math.inf:
                raise UsageError(f"“{name}” is the lowest and the highest distance in mm, not {(low, high)}.")
        check_region(self.region_ras_mm)

    def looks_at_middle(self, slices: int) -> bool:
        """Whether only the middle one of so many slices is looked at."""
        return self.slices == MIDDLE or (self.slices == AUTO and slices in KEY_SLICE_COUNTS)


def require_shares(settings: object, names: tuple[str, ...]) -> None:
    """Raises UsageError where one of the values does not lie from 0 to 1."""
    for name in names:
        value = getattr(settings, name)
        if not 0 <= value <= 1:
            raise UsageError(f"“{name}” lies from 0 to 1, not at {value:g}.")
