"""What detectors of slices have in common: slices, boxes, lesions, and what is reported of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ..device import describe_device, slices_at_once
from ..operating_points import choose_operating_point
from ..run_record import Stopwatch, provenance
from .findings import Look, SliceFindings, find_in_slices
from .lesions import Found
from .scan import SliceScan
from .settings import SliceSettings

Settings = TypeVar("Settings", bound=SliceSettings)

Measure = Callable[[Found], Lesion | None]
"""A lesion as it is reported, without saying which method found it; None for one that is a better lesion once more.

It is asked for one lesion after the other, the best first."""


@dataclass(frozen=True, eq=False)
class Search:
    """How one scan is searched.

    Attributes:
        scan: with the slices that are looked at.
        look: says what is in them.
        measure: makes lesions of it.
        warnings: beside those that every scan may get.
        record: numbers for the result's provenance.
    """

    scan: SliceScan
    look: Look
    measure: Measure
    warnings: tuple[str, ...] = ()
    record: Mapping[str, float] = field(default_factory=dict)


class SliceDetector(ABC, Generic[Settings]):
    """A network of slices of one bundle on one device, ready for scans. A method says how it searches a scan."""

    def __init__(self, info: MethodInfo, bundle: Bundle, device: torch.device, multiple: int) -> None:
        """The input of the network is of a multiple of so many pixels.

        Raises:
            BundleError: the bundle is of another method, or has no operating points.
        """
        bundle.require_method(info.id)
        self._info, self._bundle, self._device, self._multiple = info, bundle, device, multiple
        choose_operating_point(bundle, "")

    @abstractmethod
    def _search(self, scan: SliceScan, settings: Settings, least_score: float, progress: Progress) -> Search:
        """How the scan is searched; boxes below ``least_score`` are not wanted."""

    def detect(
        self, images: Mapping[str, Image], settings: Settings | None = None, progress: Progress | None = None
    ) -> Detections:
        """Find the lesions of one CT.

        Args:
            images: the scan as ``CT``, in Hounsfield units; any orientation, any part of the body, a single slice too.
            settings: None for those of the bundle.
            progress: told how far it is; asked for cancellation between slices and lesions.

        Raises:
            InputError: no CT, or one that cannot be used; the text says why.
            UsageError: the model has no such operating point, or cannot take inputs of this size.
            DeviceError: the memory is full.
            Cancelled: when the user cancelled.
        """
        if CT not in images:
            raise InputError("Lesions are looked for in a CT. Choose a CT volume.")
        image, progress = images[CT], progress or Progress()
        settings = settings or self._info.default_settings(self._bundle)
        point = choose_operating_point(self._bundle, settings.operating_point)
        self._require_size(settings)
        watch = Stopwatch()

        progress(0.0, "Preparing the scan")
        scan = SliceScan.of(image, settings)
        least = point.threshold * (settings.link_share if scan.linked else 1.0)
        search = self._search(scan, settings, max(0.0, least), progress.part(0.0, 0.02))
        watch.lap("preparation")
        found = self._look_at(search, settings, progress.part(0.02, 0.9))
        watch.lap("network")
        candidates = search.scan.candidates(found, settings, point.threshold)
        watch.lap("linking")
        lesions, left = self._lesions(search.measure, candidates, settings.most_lesions, progress.part(0.9, 1.0))
        watch.lap("measuring")
        told = (*search.scan.warnings(self._bundle, settings, len(lesions) + left), *search.warnings)
        record = {"slices": len(found), "boxes": sum(len(one.scores) for one in found), **search.record}
        return self._detections(image, lesions, point, settings, told, watch, record)

    def _require_size(self, settings: Settings) -> None:
        if settings.size_px % self._multiple:
            raise UsageError(
                f"The model “{self._bundle.manifest.name}” needs inputs of a multiple of {self._multiple} pixels, not "
                f"{settings.size_px}."
            )

    def _look_at(self, search: Search, settings: Settings, progress: Progress) -> list[SliceFindings]:
        at_once = slices_at_once(self._device)
        return list(find_in_slices(search.scan.axial, search.scan.slices, search.look, settings, at_once, progress))

    def _lesions(
        self, measure: Measure, candidates: Sequence[Found], most: int, progress: Progress
    ) -> tuple[tuple[Lesion, ...], int]:
        """The lesions that are reported, and how many more there are."""
        lesions = list[Lesion]()
        for count, found in enumerate(candidates):
            if len(lesions) == most:
                progress(1.0, "Done")
                return tuple(lesions), len(candidates) - count
            progress(count / len(candidates), "Measuring")
            lesion = measure(found)
            if lesion is not None:
                lesions.append(replace(lesion, method=self._info.id, model=self._bundle.manifest.name))
        progress(1.0, "Done")
        return tuple(lesions), 0

    def _detections(
        self,
        image: Image,
        lesions: tuple[Lesion, ...],
        point: OperatingPoint,
        settings: Settings,
        warnings: Sequence[str],
        watch: Stopwatch,
        record: Mapping[str, float],
    ) -> Detections:
        return Detections(
            lesions=lesions,
            geometry=image.geometry,
            method=self._info.id,
            image_name=image.name,
            modality=CT,
            unit=HU,
            operating_point=point,
            provenance=provenance(self._bundle, settings, describe_device(self._device), watch, **record),
            warnings=tuple(warnings),
        )
