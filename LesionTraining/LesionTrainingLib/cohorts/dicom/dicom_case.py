"""A case of a DICOM cohort: image series and what labels them, read when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LesionDetectionLib.core.errors import InputError, LesionDetectionError, ModalityError
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ..case import Case, Truth
from .label_rules import LabelRules, Labels
from .records import SEG, short
from .table_labels import Mark

if TYPE_CHECKING:
    from LesionDetectionLib.io.dicom_headers import Skipped
    from LesionDetectionLib.io.dicom_series import Stack


@dataclass(frozen=True)
class ImageSeries:
    """One image series and its files."""

    modality: str
    uid: str
    files: tuple[Path, ...] = field(repr=False)


@dataclass(frozen=True)
class LabelFile:
    """One SEG or RTSTRUCT file."""

    kind: str
    uid: str
    path: Path = field(repr=False)


@dataclass(frozen=True)
class DicomCase(Case):
    """Attributes:
    series: one for each modality, the main one first; its Series Instance UID is the case's id.
    label_files: whose lesions are used, all of them.
    marks: of a table; used beside the label files.
    rules: how the label files are read.
    label: what the whole image shows, by the table; empty where it does not say.
    """

    series: tuple[ImageSeries, ...]
    label_files: tuple[LabelFile, ...] = ()
    marks: tuple[Mark, ...] = ()
    rules: LabelRules = field(default_factory=LabelRules)
    label: str = ""

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        from LesionDetectionLib.io.dicom import read_stack

        progress = progress or Progress()
        images = {}
        for n, series in enumerate(self.series):
            part = progress.part(n / len(self.series), (n + 1) / len(self.series))
            stack, skipped = _stack(series, part.part(0.0, 0.3))
            images[series.modality] = read_stack(stack, skipped, part.part(0.3, 1.0))
        return images

    def truth(self) -> Truth:
        if not self.labelled:
            return Truth()
        from LesionDetectionLib.io.dicom import stack_geometry

        stack, _ = _stack(self.series[0], Progress())
        geometry = stack_geometry(stack)
        lesions: list[Lesion] = []
        notes: list[str] = []
        if len(self.label_files) > 1:
            notes.append(
                f"The lesions of {len(self.label_files)} label files are put together; some may be there twice."
            )
        for file in self.label_files:
            labels = _labels(file, geometry, stack.planes[0].frame_of_reference, self.rules)
            lesions += labels.lesions
            notes += [f"{file.kind} {short(file.uid)}: {note}" for note in labels.notes]
        lesions += [mark.lesion() for mark in self.marks]
        outside = sum(not geometry.contains_ras(mark.center_ras_mm) for mark in self.marks)
        if outside:
            notes.append(f"Marks of the table that lie outside the image: {outside}. Is the frame (LPS, RAS) right?")
        return Truth(tuple(lesions), notes=tuple(notes), label=self.label)

    def sources(self) -> tuple[Path, ...]:
        images = (path for series in self.series for path in series.files)
        return (*images, *(file.path for file in self.label_files))

    def values(self) -> Mapping[str, Any]:
        own = {name: value for name, value in super().values().items() if name not in ("series", "label_files")}
        return {
            **own,
            "series": tuple((series.modality, series.uid) for series in self.series),
            "label_files": tuple((file.kind, file.uid) for file in self.label_files),
        }


def _stack(series: ImageSeries, progress: Progress) -> tuple[Stack, list[Skipped]]:
    """The one stack of a series.

    Raises:
        InputError: files missing, of another series, or of several phases.
        ModalityError: another modality than the list of series says.
    """
    from LesionDetectionLib.io.dicom_series import find_stacks_in

    stacks, skipped = find_stacks_in(series.files, progress)
    own = [stack for stack in stacks if stack.info.uid == series.uid]
    if not own:
        raise InputError(f"The files of the series {short(series.uid)} belong to another series. Were they replaced?")
    if len(own) > 1:
        phases = ", ".join(stack.info.phase for stack in own[:4])
        raise InputError(
            f"The series {short(series.uid)} holds {len(own)} phases ({phases}{', ...' if len(own) > 4 else ''}), and which "
            "one the labels mean is not known. Export the phase that you want as a series of its own."
        )
    if own[0].info.modality != series.modality:
        raise ModalityError(
            f"The series {short(series.uid)} is of modality {own[0].info.modality}, not {series.modality}."
        )
    return own[0], skipped


def _labels(file: LabelFile, geometry: Geometry, frame_of_reference: str, rules: LabelRules) -> Labels:
    from .contour_labels import read_contours
    from .segmentation_labels import read_segmentation

    read = read_segmentation if file.kind == SEG else read_contours
    try:
        return read(file.path, geometry, frame_of_reference, rules)
    except LesionDetectionError as error:
        raise type(error)(f"{file.kind} {short(file.uid)}: {error}") from error
