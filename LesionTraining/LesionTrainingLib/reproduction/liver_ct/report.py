"""The page and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...cohorts.case import TEST
from ...evaluation.matching.outcome import MISSED
from ...evaluation.output.page import Section
from ...evaluation.output.plots import Plot
from ...evaluation.output.tables import Cell, Table
from ...learning.liver_ct.largest import PAPER_IOU
from ..contract import Job, Report
from ..key_slices.data import COMPLETE_LIST, data_name
from ..key_slices.measured import Band, finite, really_lesions
from .figures import RegionCurve, froc_figure, losses_figure
from .measured import point_at
from .pictures import region_figure, single_box_figure
from .settings import ReproductionSettings, preset_settings
from .tables import NOT_ALL, Boxes, MissingLabels, faster_rcnn_table, figure_3, froc_table, missing_table, sizes_table
from .telling import Read, lead_of, measured_on, warnings_of

CHOICES = (
    "Scoring: DeepLesion’s rules with another overlap: a box hits a lesion if their IoU is above 0.1 (the paper, section 5.1.2), or above "
    "0.5. A further mark on a lesion that is found counts for nothing; one mark may hit several lesions. The paper does not tell its "
    "rules, nor the overlap that Faster R-CNN was scored with.",
    "The networks with one box learn the largest lesion of an image, and give that box for every image, whether there is a lesion or not. "
    "Their boxes are taken as a user gets them: edges in order, and within the image.",
    "A prediction of Faster R-CNN is a mark above the score in the settings; the paper does not tell one, and 0.8 is that of the test "
    "script of the code that it names. The threshold of the pictures and of the sizes is read from the test images: it is no operating "
    "point for use.",
    "The networks with one box keep their last weights, Faster R-CNN those with the best average precision on the validation images.",
    "The paper’s search for batch size and learning rate (section 5.1.1) is not repeated here: “lesion tune --method liver-ct” does one.",
    "The paper’s split cannot be rebuilt: it tells 1989, 179 and 203 images in one place, and 1660, 329 and 203 in another, and DeepLesion "
    "tells types of lesions for its validation and test images only. Here the parts are those of DeepLesion.",
    "The settings in tables.json have all values.",
)


def report(job: Job, rows: Sequence[Read]) -> Report:
    """Put tables, figures and words together."""
    settings: ReproductionSettings = job.settings
    preset = job.preset if settings == preset_settings(job.preset) else f"{job.preset}, changed"
    page = _Page(job, rows, f"this program ({preset})")
    if 1 in job.tables:
        page.boxes()
        page.regions()
        page.sizes()
        page.pictures()
    if 2 in job.tables:
        page.missing_labels()
    page.training()
    page.sections.append(Section("Rules and choices", CHOICES))
    title = "liver-ct: the paper’s figures"
    return Report(
        title,
        lead_of(job, rows),
        warnings_of(job, rows),
        tuple(page.sections),
        page.tables,
        page.plots,
        page.values,
    )


class _Page:
    """Sections, tables and plots as they come together.

    Args:
        name: of our lines in tables.
    """

    def __init__(self, job: Job, rows: Sequence[Read], name: str) -> None:
        self.sections, self.tables, self.plots = list[Section](), dict[str, Table](), dict[str, Plot]()
        self._job, self._rows, self._name = job, rows, name
        self._settings: ReproductionSettings = job.settings
        self._data = measured_on(job, rows[0].result)
        self._single = [one for one in rows if one.boxes]
        self._region = next((one for one in rows if one.regions), None)
        self.values: dict[str, Any] = {
            "measured_on": self._data,
            "rows": {one.row.name: _row_values(one) for one in rows},
        }

    def boxes(self) -> None:
        """Figure 3."""
        if self._single:
            lines = [
                Boxes(one.row, part, measured_on(self._job, one.result, part), box)
                for one in self._single
                for part, box in one.boxes.items()
            ]
            self.tables["fig3"] = figure_3(lines, self._name)
            self.sections.append(Section("Fig. 3: networks with one box", (self.tables["fig3"],)))

    def regions(self) -> None:
        """Faster R-CNN, the FROC curve, and Figure 6."""
        one, job = self._region, self._job
        curves = []
        if one is not None:
            self.tables["faster_rcnn"] = faster_rcnn_table(one.regions, self._name, self._data)
            self.sections.append(Section("Faster R-CNN", (self.tables["faster_rcnn"],)))
            curves = [RegionCurve(one.result.test.outcomes(part.iou), part) for part in one.regions]
        boxes = [(single.row, single.boxes[TEST]) for single in self._single]
        self.plots["froc"] = froc_figure(curves, boxes, self._data, self._settings.bootstraps, job.seed)
        if one is None:
            self.sections.append(Section("FROC curve", (self.plots["froc"],)))
            return
        self.tables["froc_rates"] = froc_table(one.regions, self._name, self._data)
        self.sections.append(Section("FROC curve", (self.plots["froc"], self.tables["froc_rates"])))
        losses = losses_figure(one.result.history, one.result.record, data_name(job.cohort))
        if losses is not None:
            self.plots["fig6"] = losses
            self.sections.append(Section("Fig. 6: losses of Faster R-CNN", (losses,)))

    def sizes(self) -> None:
        rows: list[tuple[str, Sequence[Band]]] = [
            (f"{one.row.title}, IoU > {PAPER_IOU:g}", one.boxes[TEST].bands) for one in self._single
        ]
        if self._region is not None:
            rows += [(f"{self._region.row.title}, IoU > {part.iou:g}", part.bands) for part in self._region.regions]
        self.tables["sizes"] = sizes_table(rows, self._name, self._data)
        self.sections.append(Section("Sensitivity by size", (self.tables["sizes"],)))

    def pictures(self) -> None:
        """Figures 4 and 7."""
        count = self._settings.examples
        if not count:
            return
        if self._single:
            window = self._settings.baseline.window_hu
            self.plots["fig4"] = single_box_figure([one.result for one in self._single], count, PAPER_IOU, window)
            self.sections.append(Section("Fig. 4: one box an image", (self.plots["fig4"],)))
        if self._region is not None:
            part, window = self._region.regions[0], self._settings.faster_rcnn.window_hu
            name = data_name(self._job.cohort)
            self.plots["fig7"] = region_figure(self._region.result, part.threshold, count, PAPER_IOU, window, name)
            self.sections.append(Section("Fig. 7: marks of Faster R-CNN", (self.plots["fig7"],)))

    def missing_labels(self) -> None:
        job = self._job
        if not self._rows[0].result.test.complete:
            no_list = f"There is no {COMPLETE_LIST} here." if job.cohort.on_phantoms else NOT_ALL
            self.sections.append(Section("Missing labels", (no_list,)))
            return
        found = [_missing(job, one) for one in self._rows]
        self.tables["missing_labels"] = missing_table(found, f"{data_name(job.cohort)}, test split")
        self.values["missing_labels"] = {
            one.row.name: {
                "by_list": _plain(asdict(one.listed)),
                "by_all": _plain(asdict(one.complete)),
                "really": one.really,
            }
            for one in found
        }
        self.sections.append(Section("Missing labels", (self.tables["missing_labels"],)))

    def training(self) -> None:
        self.tables["training"] = _training_table(self._rows)
        self.sections.append(Section("Training", (self.tables["training"],)))


def _missing(job: Job, one: Read) -> MissingLabels:
    """The marks of a row by both lists: the one box, or at the paper's rate of false positives by the list."""
    samples = job.settings.bootstraps
    threshold = one.regions[0].threshold if one.regions else MISSED
    listed, complete = one.result.test.outcomes(PAPER_IOU), one.result.test.by_all(PAPER_IOU)
    really, _ = really_lesions(listed, complete, threshold)
    return MissingLabels(
        one.row,
        point_at(listed, threshold, samples, job.seed),
        point_at(complete, threshold, samples, job.seed),
        really,
    )


def _training_table(rows: Sequence[Read]) -> Table:
    shown: list[tuple[Cell, ...]] = []
    for one in rows:
        record = one.result.record
        rounds = record["steps"] * record["batch"] / record["training_images"]
        shown.append(
            (
                one.row.title,
                record["parameters"],
                record["training_images"],
                record["training_lesions"],
                record["validation_images"],
                record["steps"],
                f"{rounds:.1f}",
                record["weights_of_step"],
                record["seconds"],
                record["device"],
            )
        )
    counts = ("parameters", "training images", "their lesions", "validation images")
    columns = ("network", *counts, "steps", "rounds", "weights of step", "fit, s", "on")
    return Table(columns, tuple(shown), "Rounds: through the training images.")


def _row_values(one: Read) -> dict[str, Any]:
    """Plain values of a row."""
    return {
        "number": one.row.number,
        "architecture": asdict(one.result.architecture),
        "one_box": {part: _plain(asdict(box)) for part, box in one.boxes.items()},
        "regions": [_plain(asdict(part)) for part in one.regions],
        "fit": one.result.record,
        "left_out": [[part, left.case, left.reason] for part, looked in one.result.parts for left in looked.left_out],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """With None for a threshold at which every mark is shown."""
    return {
        name: _plain(value) if isinstance(value, dict) else finite(value) if name == "threshold" else value
        for name, value in values.items()
    }
