"""Lesions in a CT of any part of the body: slices, boxes, lesions, and what is reported of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ..device import choose_device, describe_device, slices_at_once
from ..operating_points import choose_operating_point
from ..run_record import Stopwatch, provenance
from ..slices.findings import SliceFindings, find_in_slices
from ..slices.lesions import Found, Voxels, clicked, lesion_of, lies_in, voxels_of
from ..slices.scan import SliceScan
from . import METHOD
from .engine import SliceEngine
from .in_slice import look_with
from .model import load_network
from .settings import UniversalSettings, settings_for


def create(bundle: Bundle | None, device: str = "auto") -> UniversalDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold the network of this method.
        DeviceError: there is no such device.
    """
    return UniversalDetector(METHOD.require_bundle(bundle), choose_device(device))


class UniversalDetector:
    """The network of one bundle on one device, ready for scans."""

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        bundle.require_method(METHOD.id)
        self._bundle = bundle
        self._device = device
        network = load_network(bundle)
        self._multiple = network.architecture.multiple
        self._engine = SliceEngine(network, device)
        choose_operating_point(bundle, "")

    def detect(
        self, images: Mapping[str, Image], settings: UniversalSettings | None = None, progress: Progress | None = None
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
        settings = settings or settings_for(self._bundle)
        point = choose_operating_point(self._bundle, settings.operating_point)
        self._require_size(settings)
        watch = Stopwatch()

        progress(0.0, "Preparing the scan")
        scan = SliceScan.of(image, settings)
        watch.lap("preparation")
        least = point.threshold * (settings.link_share if scan.linked else 1.0)
        found = self._look_at(scan, settings, least, progress.part(0.02, 0.9))
        watch.lap("network")
        candidates = scan.candidates(found, settings, point.threshold)
        watch.lap("linking")
        lesions, left = self._lesions(scan, candidates, settings, progress.part(0.9, 1.0))
        watch.lap("measuring")
        return Detections(
            lesions=lesions,
            geometry=image.geometry,
            method=METHOD.id,
            image_name=image.name,
            modality=CT,
            unit=HU,
            operating_point=point,
            provenance=provenance(
                self._bundle,
                settings,
                describe_device(self._device),
                watch,
                slices=len(scan.slices),
                boxes=sum(len(one.scores) for one in found),
            ),
            warnings=tuple(scan.warnings(self._bundle, settings, len(lesions) + left)),
        )

    def _require_size(self, settings: UniversalSettings) -> None:
        if settings.size_px % self._multiple:
            raise UsageError(
                f"The model “{self._bundle.manifest.name}” needs inputs of a multiple of {self._multiple} pixels, not "
                f"{settings.size_px}."
            )

    def _look_at(
        self, scan: SliceScan, settings: UniversalSettings, least_score: float, progress: Progress
    ) -> list[SliceFindings]:
        look, count = look_with(self._engine, settings, max(0.0, least_score)), slices_at_once(self._device)
        return list(find_in_slices(scan.axial, scan.slices, look, settings, count, progress))

    def _lesions(
        self, scan: SliceScan, candidates: Sequence[Found], settings: UniversalSettings, progress: Progress
    ) -> tuple[tuple[Lesion, ...], int]:
        """The lesions that are reported, and how many more there are."""
        lesions, told = list[Lesion](), list[Voxels]()
        margin_px = settings.mask_box_margin_px / max(scan.placing(settings).scale_xy)
        for count, found in enumerate(candidates):
            if len(lesions) == settings.most_lesions:
                progress(1.0, "Done")
                return tuple(lesions), len(candidates) - count
            progress(count / len(candidates), "Measuring")
            voxels = voxels_of(found) if found.outlines and settings.measure else None
            if voxels is not None:
                if scan.linked and lies_in(voxels, told, settings.most_shared):
                    continue
                told.append(voxels)
            lesion = lesion_of(scan.image, scan.axial.geometry, found, voxels, margin_px)
            if settings.measure and voxels is None:
                lesion = clicked(scan.image, lesion)
            lesions.append(replace(lesion, method=METHOD.id, model=self._bundle.manifest.name))
        progress(1.0, "Done")
        return tuple(lesions), 0
