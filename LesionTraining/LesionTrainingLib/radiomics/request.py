"""What a radiomics study is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.errors import InputError, UsageError

from .settings import RadiomicsSettings

LABELS = "labels"
"""In place of a folder: the cohort's own labels."""
PAGE, VALUES, FEATURES, PREDICTIONS = "index.html", "radiomics.json", "features.csv", "predictions.csv"
SCORES, CHOSEN, LEFT_OUT = "scores.csv", "chosen.csv", "left_out.csv"


@dataclass(frozen=True)
class RadiomicsRequest:
    """Attributes:
    cohort: specification.
    masks: ``labels``, or a folder of detections or label maps by case.
    outcome: ``TABLE`` or ``TABLE:COLUMN``.
    output: folder for the results.
    settings: of features and study.
    modality: of the image that is measured; empty for the main one.
    positive: the value of the outcome that is positive; empty where it goes without saying.
    cache: folder of what was measured already; None for one in ``output``.
    workers: processes.
    overwrite: replace results.
    """

    cohort: str
    masks: str
    outcome: str
    output: Path
    settings: RadiomicsSettings = field(default_factory=RadiomicsSettings)
    modality: str = ""
    positive: str = ""
    cache: Path | None = None
    workers: int = 1
    overwrite: bool = False

    @property
    def mask_folder(self) -> Path | None:
        return None if self.masks == LABELS else Path(self.masks)

    def check(self) -> None:
        """Raises UsageError, or OutputError for a folder that holds results, before anything is done."""
        if self.workers < 1:
            raise UsageError("--workers must be 1 or more.")
        check_output_folder(self.output, (PAGE, VALUES, FEATURES, PREDICTIONS), self.overwrite)


def table_and_column(outcome: str) -> tuple[Path, str]:
    """``table.csv:response`` -> (table.csv, response); a colon that is part of the path stays there.

    Raises:
        InputError: there is no such table.
    """
    if Path(outcome).is_file():
        return Path(outcome), ""
    path, colon, column = outcome.rpartition(":")
    if colon and Path(path).is_file():
        return Path(path), column
    raise InputError(f"There is no table {outcome}. Write TABLE, or TABLE:COLUMN.")
