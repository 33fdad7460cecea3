"""The radiomics features of findings, for a table: what the worker is asked, and does by Lesion Training's part for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from LesionDetectionLib.core.errors import DependencyError, InputError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.lesion_table import Column

from .export_requests import IMAGE
from .worker.requests import Request

_RADIOMICS = "LesionTrainingLib.radiomics"
_KINDS = {kind.__name__: kind for kind in (str, float)}


@dataclass(frozen=True)
class FindingFeatures:
    """
    Attributes:
        columns: one row a finding that could be measured: its id, what it is, what a person decided; then the features, None where
            one is not defined; and last the digest of the settings, as ``lesion radiomics`` writes it.
        left_out: why others could not be measured, by id.
    """

    columns: tuple[Column, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class FeaturesRequest(Request):
    """Measure the features of what is reported, with the default settings of ``lesion radiomics``. Images: ``image``. Result:
    :class:`FindingFeatures`.

    Attributes:
        findings: as JSON.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.features_request:measure_features"

    findings: dict[str, Any]

    @staticmethod
    def result_to_json(result: Any) -> Any:
        columns = [[column.name, column.kind.__name__, list(column.values)] for column in result.columns]
        return {"columns": columns, "left_out": result.left_out}

    @staticmethod
    def result_from_json(value: Any) -> FindingFeatures:
        columns = (Column(str(name), _KINDS[kind], tuple(values)) for name, kind, values in value["columns"])
        return FindingFeatures(tuple(columns), dict(value["left_out"]))


def measure_features(
    request: FeaturesRequest, images: Mapping[str, Image], _kept: object, progress: Progress
) -> FindingFeatures:
    """
    Raises:
        InputError: there is no image, or no finding can be measured.
        ModalityError, GeometryError: the image is no PET in SUV or CT in HU, or its axes are sheared.
        DependencyError: Lesion Training, or MIRP, is not installed.
    """
    if IMAGE not in images:
        raise InputError("There is no image to measure in. Load the volume again.")
    try:
        features_of, require_measurable = (
            load(f"{_RADIOMICS}.features:{name}") for name in ("features_of", "require_measurable")
        )
        settings = load(f"{_RADIOMICS}.settings:FeatureSettings")()
        digest = load(f"{_RADIOMICS}.extraction:features_digest")(settings)
    except ModuleNotFoundError as error:
        raise DependencyError("Features are measured by the module Lesion Training, which is not installed.") from error
    image, items = images[IMAGE], Findings.from_json(request.findings).reported
    require_measurable(image)
    measured, left_out = dict[str, dict[str, float]](), dict[str, str]()
    for number, item in enumerate(items):
        progress(number / len(items), f"Measuring {item.id}, {number + 1} of {len(items)}")
        if item.lesion.mask is None:
            left_out[item.id] = "It has no outline."
            continue
        try:
            measured[item.id] = features_of(image, item.lesion.mask.full(image.shape_kji), settings)
        except InputError as error:
            left_out[item.id] = str(error)
    if not measured:
        reason = next((f"{name}: {why}" for name, why in left_out.items()), "There is none.")
        raise InputError(f"No finding can be measured. {reason}")
    rows = [item for item in items if item.id in measured]
    names = dict.fromkeys(name for features in measured.values() for name in features)
    return FindingFeatures(
        (
            Column("finding", str, tuple(item.id for item in rows)),
            Column("meaning", str, tuple(item.lesion.meaning.meaning for item in rows)),
            Column("status", str, tuple(item.status.value for item in rows)),
            *(Column(name, float, tuple(_number(measured[item.id].get(name)) for item in rows)) for name in names),
            Column("settings", str, (digest,) * len(rows)),
        ),
        left_out,
    )


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
