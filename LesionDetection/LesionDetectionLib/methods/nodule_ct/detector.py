"""Lung nodules in a CT: candidates, their verification, and what is reported of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import NODULE, Lesion, Point
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.click import measure_candidate
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.suppression import suppress_near

from ..device import choose_device, describe_device
from ..operating_points import choose_operating_point
from ..region import region_note
from ..run_record import Stopwatch, provenance
from ..scan_notes import unsaid_kind
from . import METHOD
from .model import load_networks
from .preprocessing import PreparedScan, prepare
from .reduction import Classified, classify
from .screening import screen
from .settings import NoduleSettings, settings_for

UNKNOWN_DIAMETER_MM = 10.0
"""Said of a nodule that was neither regressed nor measured, as LUNA16 does."""
SMALL_SHARE = 2 / 3
"""An outline whose ball has less of the model's diameter than this, and so less than a third of the volume, is told."""


def create(bundle: Bundle | None, device: str = "auto") -> NoduleDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold the networks of this method.
        DeviceError: there is no such device.
    """
    return NoduleDetector(METHOD.require_bundle(bundle), choose_device(device))


class NoduleDetector:
    """Both networks of one bundle on one device, ready for scans."""

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        bundle.require_method(METHOD.id)
        self._bundle = bundle
        self._device = device
        self._screening, self._reduction = load_networks(bundle)
        choose_operating_point(bundle, "")

    def detect(
        self, images: Mapping[str, Image], settings: NoduleSettings | None = None, progress: Progress | None = None
    ) -> Detections:
        """Find the nodules of one chest CT.

        Args:
            images: the scan as ``CT``, in Hounsfield units; any orientation.
            settings: None for those of the bundle.
            progress: told how far it is; asked for cancellation between tiles, batches and lesions.

        Raises:
            InputError: no CT, or one that cannot be used; the text says why.
            UsageError: the model has no such operating point.
            DeviceError: the memory is full.
            Cancelled: when the user cancelled.
        """
        if CT not in images:
            raise InputError("Lung nodules are looked for in a CT. Choose a CT volume.")
        image, progress = images[CT], progress or Progress()
        settings = settings or settings_for(self._bundle)
        point = choose_operating_point(self._bundle, settings.operating_point)
        watch = Stopwatch()

        progress(0.0, "Finding the lungs")
        prepared = prepare(image, settings)
        watch.lap("preparation")
        classified = self._look_at(prepared, settings, progress.part(0.1, 0.9), watch)
        # Unknown to NRRD and NIfTI files; prepare() has made sure that it looks like a CT.
        as_ct = replace(image, modality=CT, unit=HU)
        chosen = chosen_places(classified, point, settings)
        lesions = self._lesions(as_ct, classified, chosen[: settings.most_lesions], settings, progress.part(0.9, 1.0))
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
                candidates=len(classified.probability),
            ),
            warnings=self._warnings(image, settings, len(chosen)),
        )

    def look_at(self, prepared: PreparedScan, settings: NoduleSettings, progress: Progress | None = None) -> Classified:
        """What both networks say of a prepared scan: every candidate, whatever its score.

        Raises:
            DeviceError, Cancelled: see :meth:`detect`.
        """
        return self._look_at(prepared, settings, progress or Progress(), Stopwatch())

    def _look_at(
        self, prepared: PreparedScan, settings: NoduleSettings, progress: Progress, watch: Stopwatch
    ) -> Classified:
        candidates = screen(prepared, self._screening, settings, self._device, progress.part(0, 0.6))
        watch.lap("screening")
        classified = classify(prepared, self._reduction, candidates, self._device, progress.part(0.6, 1))
        watch.lap("reduction")
        return classified

    def _lesions(
        self, image: Image, classified: Classified, chosen: list[int], settings: NoduleSettings, progress: Progress
    ) -> tuple[Lesion, ...]:
        lesions = []
        for count, index in enumerate(chosen):
            progress(count / len(chosen), "Measuring")
            center = classified.center_ras_mm[index]
            diameter = float(classified.diameter_mm[index])
            place = (float(center[0]), float(center[1]), float(center[2]))
            lesion = _lesion(image, place, diameter, float(classified.probability[index]), settings.measure)
            lesions.append(replace(lesion, method=METHOD.id, model=self._bundle.manifest.name))
        progress(1.0, "Done")
        return tuple(lesions)

    def _warnings(self, image: Image, settings: NoduleSettings, found: int) -> tuple[str, ...]:
        warnings = [*self._bundle.warnings(), *image.notes]
        thickness = to_axial(image).spacing_mm[2]
        if thickness > settings.thick_slices_mm:
            warnings.append(
                f"The slices of “{image.name}” are {thickness:.1f} mm apart: nodules smaller than that may be missed, and "
                "sizes are rough."
            )
        warnings += unsaid_kind(image, CT, HU)
        if settings.region_ras_mm is not None:
            warnings.append(region_note(settings.region_ras_mm, "Nodules"))
        if found > settings.most_lesions:
            warnings.append(f"Only the {settings.most_lesions} highest scores of {found} findings are shown.")
        return tuple(warnings)


def chosen_places(classified: Classified, point: OperatingPoint, settings: NoduleSettings) -> list[int]:
    """Which candidates are reported, in falling score: those that pass, one a nodule."""
    passed = np.flatnonzero(classified.probability >= point.threshold)
    radius = np.nan_to_num(classified.diameter_mm[passed], nan=UNKNOWN_DIAMETER_MM) / 2
    kept = suppress_near(
        classified.center_ras_mm[passed],
        classified.probability[passed],
        np.maximum(radius, settings.lesion_distance_mm),
    )
    return [int(index) for index in passed[kept]]


def _lesion(image: Image, center: Point, diameter_mm: float, score: float, measure: bool) -> Lesion:
    """One finding; with its outline where that is wanted and possible. The model's place and size stay; what is measured
    on the outline is in ``measurements``."""
    known = diameter_mm if np.isfinite(diameter_mm) else UNKNOWN_DIAMETER_MM
    half = known / 2
    low, high = tuple(n - half for n in center), tuple(n + half for n in center)
    plain = Lesion(center, known, score, ((low[0], low[1], low[2]), (high[0], high[1], high[2])), meaning=NODULE)
    if not measure:
        return plain
    outlined = measure_candidate(image, center, known) if image.geometry.contains_ras(center) else None
    if outlined is None:
        return replace(plain, note="It could not be outlined.")
    note = outlined.note
    if not np.isfinite(diameter_mm):
        known = outlined.diameter_mm
    elif outlined.measurements["equivalent_diameter_mm"] < SMALL_SHARE * known:
        note = f"{note} {_much_smaller(outlined, known)}".strip()
    return replace(outlined, center_ras_mm=center, diameter_mm=known, score=score, meaning=NODULE, note=note)


def _much_smaller(outlined: Lesion, diameter_mm: float) -> str:
    ball = outlined.measurements["equivalent_diameter_mm"]
    return (
        f"The outline is much smaller (a ball of {ball:.1f} mm) than the model takes the nodule to be ({diameter_mm:.1f} mm): "
        "check it. Of a part-solid nodule it may hold the solid part alone."
    )
