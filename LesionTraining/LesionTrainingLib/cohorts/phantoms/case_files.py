"""What the writers of phantoms share: truth and labels of a case, and tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PHANTOM, Image

from .dicom_writing import MADE
from .phantom import PhantomCase


def truth_of(case: PhantomCase) -> Detections:
    """The truth of a case in the form of detections with score 1."""
    return Detections(
        lesions=case.lesions,
        geometry=case.image.geometry,
        method="phantom",
        image_name=case.image.name,
        modality=case.image.modality,
        unit=case.image.unit,
        provenance={
            "phantom": case.image.identifiers.get(PHANTOM, ""),
            "seed": case.seed,
            "settings": repr(case.settings),
            **({"label": case.label} if case.label else {}),
            "kinds": list(case.kinds),
            "mimics": [
                {"kind": m.kind, "center_ras_mm": list(m.center_ras_mm), "diameter_mm": m.diameter_mm}
                for m in case.mimics
            ],
        },
        warnings=(MADE,),
    )


def labels_of(case: PhantomCase) -> Image:
    """The label map of a case: its lesions numbered from 1, on the grid of its main image."""
    labels = np.zeros(case.image.shape_kji, dtype=np.uint8)
    for n, lesion in enumerate(case.lesions, 1):
        if lesion.mask is not None:
            labels[lesion.mask.slices_kji][lesion.mask.voxels] = n
    return Image(labels, case.image.ijk_to_ras, name=f"{case.image.name}.truth")


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """A CSV file; without a first line where ``header`` is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header] if header else [])
        writer.writerows(rows)
    return path
