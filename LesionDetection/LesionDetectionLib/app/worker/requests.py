"""What can be asked of the worker, as plain values that go over a line of JSON, and what comes back.

A kind of request is a subclass of :class:`Request` that names the function which does it. That is found by name in the
process that does the work, so that another library of ours adds kinds of its own without being known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.lesion import Lesion, Point

_OURS = re.compile(r"Lesion[A-Za-z]*Lib(\.\w+)+:\w+")
"""Places (``module:name``) in libraries of this project: nothing else is loaded by name."""


class Request:
    """Something to do. Subclasses are frozen dataclasses of plain values.

    Attributes:
        TASK: ``module:name`` of ``task(request, images, kept, progress) -> result``, where ``images`` are by modality (or
            whatever name the kind of request gives them), ``kept`` is a :class:`~.kept.Kept` and ``progress`` a
            :class:`~LesionDetectionLib.core.progress.Progress` that the task calls often: that is how it is cancelled.
        BESIDE: whether a person waits for it: it is short, and done beside what takes long, not after it.
    """

    TASK: ClassVar[str]
    BESIDE: ClassVar[bool] = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Any:
        """Raises ValueError, TypeError or KeyError where the value is none of :meth:`to_json`."""
        return cls(**value)

    @staticmethod
    def result_to_json(result: Any) -> Any:
        return result

    @staticmethod
    def result_from_json(value: Any) -> Any:
        """Raises InputError, ValueError, TypeError or KeyError where the value is none of :meth:`result_to_json`."""
        return value

    @staticmethod
    def images_of(result: Any) -> Mapping[str, Image]:
        """Images in the result that :meth:`result_to_json` leaves out, by any name: they come through files."""
        return {}

    @staticmethod
    def with_images(result: Any, images: Mapping[str, Image]) -> Any:
        """The result of :meth:`result_from_json` with the images of :meth:`images_of`, where it had any."""
        return result

    @classmethod
    def place(cls) -> str:
        """``module:name`` of this kind of request."""
        return f"{cls.__module__}:{cls.__qualname__}"


def request_at(place: str, values: Mapping[str, Any]) -> Request:
    """The request of the kind that ``place`` names.

    Raises:
        UsageError: there is no such kind, or the values are not of it.
    """
    if not _OURS.fullmatch(place):
        raise UsageError(f"“{place}” is no kind of request.")
    try:
        kind = load(place)
        request = kind.from_json(values)
    except (ImportError, AttributeError, TypeError, ValueError, KeyError) as error:
        raise UsageError(f"The request {place} cannot be read ({error!r}).") from error
    if not isinstance(request, Request):
        raise UsageError(f"“{place}” is no kind of request.")
    return request


@dataclass(frozen=True)
class DetectRequest(Request):
    """Find the lesions of one patient at one time. Images: by modality, as the method needs them. Result: Detections.

    Attributes:
        method: id.
        model: path of a bundle; empty for the method's demonstration model.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        operating_point: a name that the model gives, a least score as text, or empty for the model's default.
        region_ras_mm: lowest and highest corner of the box in which lesions' centres are looked for; None for everywhere.
        settings: of the method, in place of the model's: names and plain values.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.worker.tasks:detect"

    method: str
    model: str = ""
    device: str = "auto"
    operating_point: str = ""
    region_ras_mm: tuple[Point, Point] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DetectRequest:
        region = value["region_ras_mm"]
        box = None if region is None else (_point(region[0]), _point(region[1]))
        return cls(**{**value, "region_ras_mm": box, "settings": dict(value["settings"])})

    @staticmethod
    def result_to_json(result: Detections) -> Any:
        return result.to_json()

    @staticmethod
    def result_from_json(value: Any) -> Detections:
        return Detections.from_json(value)

    @staticmethod
    def images_of(result: Detections) -> Mapping[str, Image]:
        return result.maps

    @staticmethod
    def with_images(result: Detections, images: Mapping[str, Image]) -> Detections:
        return replace(result, maps=dict(images))


@dataclass(frozen=True)
class MeasureRequest(Request):
    """Outline and measure the lesion at a point. Images: one, by ``modality``. Result: Lesion.

    Attributes:
        modality: under which name the image is given.
        seed_ras_mm: a point in the lesion.
        border_ras_mm: points that the outline goes through.
        largest_diameter_mm: the search ends at half of this from the centre; None for the usual.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.worker.tasks:measure"
    BESIDE: ClassVar[bool] = True

    modality: str
    seed_ras_mm: Point
    border_ras_mm: tuple[Point, ...] = ()
    largest_diameter_mm: float | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MeasureRequest:
        points = tuple(_point(point) for point in value["border_ras_mm"])
        return cls(**{**value, "seed_ras_mm": _point(value["seed_ras_mm"]), "border_ras_mm": points})

    @staticmethod
    def result_to_json(result: Lesion) -> Any:
        return result.to_json()

    @staticmethod
    def result_from_json(value: Any) -> Lesion:
        return Lesion.from_json(value)


@dataclass(frozen=True)
class DevicesRequest(Request):
    """Where networks can run. Images: none. Result: a list of ``{"id": "cuda:0", "title": "NVIDIA ... (78 GiB)"}``."""

    TASK: ClassVar[str] = "LesionDetectionLib.app.worker.tasks:devices"


@dataclass(frozen=True)
class WarmRequest(Request):
    """Load what later requests need, so that the first of them is as fast as the second. Images: none. Result: None.

    Attributes:
        method, model, device: as in :class:`DetectRequest`; without a method only what click to measure needs is loaded.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.worker.tasks:warm"

    method: str = ""
    model: str = ""
    device: str = "auto"


def _point(value: Any) -> Point:
    a, b, c = (float(n) for n in value)
    return a, b, c
