"""What one run of a method found in one scan, and its JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import gt
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import atomic_file
from .errors import InputError
from .image import Geometry, Image
from .lesion import Lesion

SCHEMA_VERSION = 1
SCHEMA_PATH = Path(__file__).with_name("detections.schema.json")
"""The published JSON Schema (draft 2020-12) of the file."""


@dataclass(frozen=True)
class OperatingPoint:
    """Which scores are shown: its name and the least score that passes."""

    name: str
    threshold: float


@dataclass(frozen=True)
class Control:
    """A threshold that can be moved after the run: it shows and hides lesions, and needs no new inference.

    Attributes:
        name: in files (``least_response``).
        title: on screen.
        value: a lesion is shown while one row of its evidence lies above (not at) the values of all controls.
        lowest, highest: ends of what makes sense; ``lowest`` hides nothing.
        unit: on screen; may be empty.
        decimals: on screen.
    """

    name: str
    title: str
    value: float
    lowest: float
    highest: float
    unit: str = ""
    decimals: int = 2

    @property
    def text(self) -> str:
        """``Least area 12 px``: title, value and unit."""
        return f"{self.title} {self.value:.{self.decimals}f} {self.unit}".strip()


@dataclass(frozen=True, eq=False)
class Detections:
    """Lesions of one scan in falling score, with all that is needed to understand and repeat the run.

    Attributes:
        lesions: in falling score (sorted here; ties keep their order).
        geometry: the grid of the image that the lesions' masks lie on.
        method: id of the method.
        image_name, modality, unit: of the main image.
        operating_point: which scores were kept.
        provenance: software version, model name and hash, settings, device, seconds, and whatever else repeats the run.
        warnings: sentences that must be shown with the result ("This model was trained on phantoms ...").
        controls: thresholds that can be moved afterwards; each lesion's ``evidence`` has a value for each. Empty where the
            score alone decides.
        maps: by title what the method made of the image's places ("Lesion similarity"), to look at; on a grid of their own.
            Not in the JSON file: they are written as images beside it.
    """

    lesions: tuple[Lesion, ...]
    geometry: Geometry
    method: str
    image_name: str = "image"
    modality: str = ""
    unit: str = ""
    operating_point: OperatingPoint = OperatingPoint("all", 0.0)
    provenance: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    maps: Mapping[str, Image] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lesions", tuple(sorted(self.lesions, key=lambda lesion: -lesion.score)))

    def with_control_values(self, values: Sequence[float]) -> Detections:
        """The same with other values of the controls; no lesion is added or removed. Raises ValueError for another number."""
        pairs = zip(self.controls, values, strict=True)
        return replace(self, controls=tuple(replace(control, value=float(value)) for control, value in pairs))

    def passing(self, lesion: Lesion) -> bool:
        """Whether the controls' values let the lesion pass; one without evidence passes."""
        if not self.controls or not lesion.evidence:
            return True
        least = [control.value for control in self.controls]
        return any(all(map(gt, row, least)) for row in lesion.evidence)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": "lesion-detections",
            "schema_version": SCHEMA_VERSION,
            "method": self.method,
            "image": {
                "name": self.image_name,
                "modality": self.modality,
                "unit": self.unit,
                "size_ijk": list(self.geometry.shape_kji[::-1]),
                "ijk_to_ras": self.geometry.ijk_to_ras.tolist(),
            },
            "operating_point": {"name": self.operating_point.name, "threshold": self.operating_point.threshold},
            "warnings": list(self.warnings),
            "provenance": self.provenance,
            **({"controls": [vars(control) for control in self.controls]} if self.controls else {}),
            "lesions": [{"rank": rank, **lesion.to_json()} for rank, lesion in enumerate(self.lesions, 1)],
        }

    @classmethod
    def from_json(cls, value: Any) -> Detections:
        """Raises InputError where the value is not such a file or of a newer version."""
        if not isinstance(value, dict) or value.get("schema") != "lesion-detections":
            raise InputError("This JSON file does not hold lesion detections.")
        if value.get("schema_version") != SCHEMA_VERSION:
            raise InputError(
                f"This file has version {value.get('schema_version')} of the detections format; this program reads "
                f"version {SCHEMA_VERSION}. Update the program."
            )
        try:
            image, point = value["image"], value["operating_point"]
            i, j, k = image["size_ijk"]
            controls = tuple(Control(**control) for control in value.get("controls", ()))
            lesions = tuple(Lesion.from_json(lesion) for lesion in value["lesions"])
            require_evidence_for(controls, lesions)
            return cls(
                lesions=lesions,
                geometry=Geometry((k, j, i), np.array(image["ijk_to_ras"], dtype=np.float64)),
                method=str(value["method"]),
                image_name=str(image["name"]),
                modality=str(image["modality"]),
                unit=str(image["unit"]),
                operating_point=OperatingPoint(str(point["name"]), float(point["threshold"])),
                provenance=dict(value.get("provenance", {})),
                warnings=tuple(map(str, value.get("warnings", ()))),
                controls=controls,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"This detections file is not as its schema says ({error!r}).") from error

    def save(self, path: Path) -> None:
        """Write the JSON file, whole or not at all. Raises OutputError."""
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Detections:
        """Read the JSON file. Raises InputError."""
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} cannot be read as lesion detections: {error}.") from error


def require_evidence_for(controls: Sequence[Control], lesions: Iterable[Lesion]) -> None:
    """Raises ValueError where a lesion's evidence has another number of values than there are controls."""
    if any(len(row) != len(controls) for lesion in lesions for row in lesion.evidence):
        raise ValueError(f"evidence that is not of {len(controls)} values")
