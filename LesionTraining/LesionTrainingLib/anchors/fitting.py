"""``lesion anchors``: read boxes, search, compare, draw, write."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.anchor_file import write_anchors

from .boxes import Boxes, Reading, read_boxes
from .comparison import REACHED, Fit, compare, contenders
from .overlap import fold
from .search import Found, SearchSettings, find_anchors

_FEW = 100
_ON_PHANTOMS = "Measured on computer-made lesions: they say nothing about patients' lesions."


@dataclass(frozen=True)
class AnchorRequest:
    """Attributes:
    source: a table (CSV) or a cohort.
    reading: how boxes are read.
    search: how anchors are searched for.
    output: ``anchors.json`` to write.
    picture: a PNG to write, or None.
    """

    source: str
    reading: Reading = field(default_factory=Reading)
    search: SearchSettings = field(default_factory=SearchSettings)
    output: Path = Path("anchors.json")
    picture: Path | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """Attributes:
    boxes: that were fitted to.
    found: what the search gave.
    fits: of the found anchors, the first, and of those to compare with.
    notes: sentences on boxes and search.
    """

    boxes: Boxes
    found: Found
    fits: tuple[Fit, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """What was measured, in plain values."""
        return {
            "boxes": len(self.boxes.sides),
            "of": self.boxes.title,
            "on_phantoms": self.boxes.on_phantoms,
            "unreached_below_iou": REACHED,
            "fits": [fit.to_json() for fit in self.fits],
            "search": {
                "runs_mean_iou": list(self.found.runs),
                "candidates": self.found.evaluations,
                "shapes": self.found.shapes,
            },
            "notes": list(self.notes),
        }


def fit_anchors(request: AnchorRequest, progress: Progress | None = None) -> Fitted:
    """Find the anchors of a source of boxes, and write them and a picture.

    Raises:
        UsageError: settings that make no sense.
        InputError: boxes that cannot be read, or none.
        OutputError: the files cannot be written.
        Cancelled: through ``progress``; nothing was written.
    """
    progress = progress or Progress()
    settings = request.search.checked()
    boxes = read_boxes(request.source, request.reading, progress.part(0.0, 0.4))
    found = find_anchors(fold(boxes.sides), settings, progress.part(0.4, 0.9))
    progress(0.9, "Comparing")
    fits = compare(boxes.sides, boxes.size_mm, contenders(found.anchors))
    fitted = Fitted(boxes, found, fits, _notes(boxes, found))
    picture = None
    if request.picture is not None:
        from .picture import anchor_plot

        progress(0.95, "Drawing")
        picture = anchor_plot(boxes, fits)
    told = {"settings": asdict(settings), "reading": asdict(request.reading)}
    write_anchors(request.output, found.anchors, {"measured": {**fitted.to_json(), **told}})
    if request.picture is not None and picture is not None:
        from ..evaluation.output.figures import write_plot

        write_plot(request.picture.with_suffix(""), picture)
    progress(1.0, "Done")
    return fitted


def _notes(boxes: Boxes, found: Found) -> tuple[str, ...]:
    notes = list(boxes.notes)
    if boxes.on_phantoms:
        notes.append(_ON_PHANTOMS)
    if len(boxes.sides) < _FEW:
        notes.append(f"{len(boxes.sides)} boxes are few: anchors of others may fit new lesions better.")
    if found.at_bounds:
        notes.append(f"At the bound of its range: {', '.join(found.at_bounds)}. A wider range may fit better.")
    cut = int((boxes.sides.min(axis=1) < 1).sum())
    if cut:
        notes.append(f"{cut} boxes are less than a pixel wide or high.")
    if np.ptp(found.runs) > 0.0005:
        notes.append(
            f"Runs of the search ended between {min(found.runs):.4f} and {max(found.runs):.4f}; the best was taken."
        )
    return tuple(notes)
