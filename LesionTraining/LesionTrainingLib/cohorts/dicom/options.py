"""The options of both kinds of DICOM cohort."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.core.errors import UsageError

from .label_rules import USUAL, LabelRules
from .patterns import parts_of

AUTO, NONE, TABLE = "auto", "none", "table:"
ALL, LATEST = "all", "latest"
LPS, RAS = "LPS", "RAS"


@dataclass(frozen=True)
class DicomOptions:
    """Lists are written with commas. Patterns: with ``*`` or ``?`` they fit the whole text, else a part of it; case does
    not matter.

    Attributes:
        modality: of the images; ``CT,PT`` gives cases with both, of one study and one frame of reference, CT the main one.
        description: patterns of series descriptions; ``PT:AC`` holds for the series of this modality only.
        patient: keys of patients as listed, or Patient IDs (a key keeps them out of the specification).
        study: Study Instance UIDs, or patterns of study descriptions.
        series: Series Instance UIDs of the main images.
        labels: ``auto`` (SEG, and RTSTRUCT where there is none), ``seg``, ``rtstruct``, ``none``, or ``table:FILE.csv``, in
            the DICOM folder or by its whole path, with the columns seriesuid and x, y, z, diameter_mm or x_min ... z_max.
        several: files of labels for one series: use ``all``, or the ``latest``.
        segments: patterns of SEG segments (label, description, coded type or category); empty: all are lesions.
        structures: patterns of RTSTRUCT structures; empty: all that are not said to be something else.
        one_lesion: ``part`` (each connected part of a label), ``whole`` (each label) or ``usual`` (parts of segments, whole
            structures).
        frame: of the table's coordinates, ``LPS`` or ``RAS``.
    """

    modality: str = "CT"
    description: str = ""
    patient: str = ""
    study: str = ""
    series: str = ""
    labels: str = AUTO
    several: str = ALL
    segments: str = ""
    structures: str = ""
    one_lesion: str = USUAL
    frame: str = LPS

    def __post_init__(self) -> None:
        if not self.modalities or len(set(self.modalities)) < len(self.modalities):
            raise UsageError(f"“{self.modality}” names no modalities. Write CT, PT, or CT,PT for cases with both.")
        named = self.labels.startswith(TABLE) and len(self.labels) > len(TABLE)
        if self.labels not in (AUTO, "seg", "rtstruct", NONE) and not named:
            raise UsageError(
                f"Labels cannot be “{self.labels}”. Choose auto, seg, rtstruct, none or table:FILE.csv, such as "
                "table:nodules.csv."
            )
        if self.several not in (ALL, LATEST):
            raise UsageError(f"The option several is {ALL} or {LATEST}, not “{self.several}”.")
        if self.frame not in (LPS, RAS):
            raise UsageError(f"The option frame is {LPS} or {RAS}, not “{self.frame}”.")
        self.rules  # noqa: B018  (refuses what it does not know)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(part.upper() for part in parts_of(self.modality))

    @property
    def rules(self) -> LabelRules:
        return LabelRules(parts_of(self.segments), parts_of(self.structures), self.one_lesion)

    def descriptions(self, modality: str) -> tuple[str, ...]:
        """The patterns that hold for series of this modality."""
        found = []
        for part in parts_of(self.description):
            before, colon, rest = part.partition(":")
            if not (colon and before.upper() in self.modalities):
                found.append(part)
            elif before.upper() == modality:
                found.append(rest)
        return tuple(found)
