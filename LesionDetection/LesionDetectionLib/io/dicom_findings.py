"""What DICOM objects say of findings: which are exported, in what words and codes, and where their voxels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.finding import CLICKED, DETECTED, DRAWN, MERGED, Finding, Findings, Status
from LesionDetectionLib.core.image import CT, Geometry
from LesionDetectionLib.core.lesion import NODULE, Code

from .dicom_placing import Indices, grid_map

LUNG = Code("39607008", "SCT", "Lung")

AUTOMATIC, SEMIAUTOMATIC, MANUAL = "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"
"""Segment Algorithm Type (0062,0008)."""

_AI, _EDGES, _MANUAL = (
    Code("123110", "DCM", "Artificial Intelligence"),
    Code("123103", "DCM", "Edge Detection"),
    Code("123109", "DCM", "Manual Processing"),
)
"""Algorithm families (CID 7162)."""
_ON_PHANTOMS = "trained on computer-made phantoms"
"""Words of the warning that every result of such a model carries (``Bundle.warnings``)."""


@dataclass(frozen=True, eq=False)
class Exported:
    """One finding as it is written.

    Attributes:
        finding: it.
        rank: by score among all that are listed, from 1.
        segment: number of its segment; 0 where it has no outline.
        ijk: [n, 3] its voxels (i, j, k) on the source image; none without an outline.
    """

    finding: Finding
    rank: int
    segment: int
    ijk: Indices


@dataclass(frozen=True)
class Algorithm:
    """Which algorithm made a finding, in the words of an Algorithm Identification.

    Attributes:
        name: id of the method.
        version: software and version.
        parameters: model with version and SHA-256, operating point, and whether the model was trained on phantoms.
        family: in a code.
    """

    name: str
    version: str
    parameters: tuple[str, ...]
    family: Code


def exported(findings: Findings, source: Geometry) -> tuple[Exported, ...]:
    """The reported findings (:attr:`Findings.reported`) with their voxels on the grid of the source; those with an outline
    first, numbered from 1, each group in falling score.

    Raises:
        GeometryError: the findings are not of this grid, or an outline reaches beyond it.
    """
    placing = grid_map(findings.run.geometry, source)
    rank = {item.id: n for n, item in enumerate(findings.listed, 1)}
    result = list[Exported]()
    for item in sorted(findings.reported, key=lambda one: one.lesion.mask is None):
        ijk: npt.NDArray[Any] = np.zeros((0, 3), dtype=int)
        if item.lesion.mask is not None:
            ijk = placing.ijk(item.lesion.mask)
            if (ijk < 0).any() or (ijk >= source.shape_kji[::-1]).any():
                raise GeometryError(f"The outline of {item.id} reaches beyond the image. Was it made on another image?")
        result.append(Exported(item, rank[item.id], len(result) + 1 if len(ijk) else 0, ijk))
    return tuple(result)


def are_reviewed(findings: Findings) -> bool:
    """Whether a person accepted what is exported."""
    return bool(findings.reported) and all(item.status is Status.ACCEPTED for item in findings.reported)


def algorithm_type(finding: Finding) -> str:
    """Who outlined it: a method alone, a person with one, or a person alone."""
    if finding.origin == DRAWN:
        return MANUAL
    return SEMIAUTOMATIC if finding.corrected or finding.origin in (CLICKED, MERGED) else AUTOMATIC


def algorithm_of(finding: Finding, run: Detections) -> Algorithm:
    """What is known of the method and model of a finding."""
    lesion = finding.lesion
    name = lesion.method or run.method or "unknown"
    version = str(run.provenance.get("software") or "unknown")
    parameters = []
    model = run.provenance.get("model")
    model = model if isinstance(model, dict) and model.get("name") == lesion.model else {}
    if lesion.model:
        parameters.append(f"model: {lesion.model}")
        parameters += [f"model {what}: {model[what]}" for what in ("version", "sha256") if model.get(what)]
        if on_phantoms(run):
            parameters.append(f"{_ON_PHANTOMS} only")
    if finding.origin == DETECTED:
        thresholds = ", ".join(control.text for control in run.controls)
        least = f"above {thresholds}" if thresholds else f"score from {run.operating_point.threshold:g}"
        parameters.append(f"operating point: {run.operating_point.name}, {least}")
    family = _MANUAL if finding.origin == DRAWN else _AI if lesion.model else _EDGES
    return Algorithm(name[:64], version[:64], tuple(parameters), family)


def on_phantoms(run: Detections) -> bool:
    """Whether the run's model was trained on phantoms."""
    return any(_ON_PHANTOMS in sentence for sentence in run.warnings)


def site_of(finding: Finding, run: Detections) -> Code | None:
    """The organ, where it is known: the lung for nodules that a method found there.

    What a person relabelled as a nodule may be one of the thyroid.
    """
    known = finding.lesion.meaning == NODULE and run.modality in (CT, "")
    return LUNG if known and (finding.origin == DETECTED or not finding.corrected) else None


def series_description(what: str, run: Detections) -> str:
    """``Lesions (research use; model trained on phantoms)``; at most 64 characters, as DICOM wants."""
    use = "research use; model trained on phantoms" if on_phantoms(run) else "research use"
    return f"{what} ({use})"


def overlapping(items: Sequence[Exported], source: Geometry) -> bool:
    """Whether any two findings share a voxel of the grid ``source``."""
    ijk = np.concatenate([item.ijk for item in items])
    numbers = np.ravel_multi_index(tuple(ijk.T[::-1]), source.shape_kji)
    return len(np.unique(numbers)) < len(numbers)
