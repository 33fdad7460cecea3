"""Lesions in a CT of any part of the body: slices, boxes, lesions, and what is reported of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image, require_usable
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.boxes import require_box_in
from LesionDetectionLib.imaging.geometry import to_axial

from ..device import choose_device, describe_device
from ..operating_points import choose_operating_point
from ..region import region_note
from ..run_record import Stopwatch, provenance
from ..scan_notes import UNLIKE, told_range, unlike, unsaid_kind
from . import METHOD
from .engine import SliceEngine
from .lesions import Found, Voxels, clicked, lesion_of, lies_in, linked, unlinked, voxels_of
from .model import load_network
from .preprocessing import Placing
from .settings import UniversalSettings, settings_for
from .slice_boxes import SliceFindings, find_in_slices, slice_stride, slices_to_look_at

AT_ONCE = 8
"""So many slices at most go to the network together: on a GPU always, on a CPU one a thread."""
SQUARE = 1.05
"""By this factor a pixel may be longer than wide."""


def create(bundle: Bundle | None, device: str = "auto") -> UniversalDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold the network of this method.
        DeviceError: there is no such device.
    """
    return UniversalDetector(METHOD.require_bundle(bundle), choose_device(device))


def at_once(device: torch.device) -> int:
    """So many slices go to the network together; between such batches a run can be stopped."""
    return AT_ONCE if device.type == "cuda" else min(AT_ONCE, torch.get_num_threads())


@dataclass(frozen=True, eq=False)
class _Scan:
    """Attributes:
    given: as it was given.
    image: the same, said to be a CT.
    axial: the same in axial order.
    slices: to look at, of the axial image.
    linked: whether boxes of slices are linked; if not, there is one slice.
    """

    given: Image
    image: Image
    axial: Image
    slices: Sequence[int]
    linked: bool


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
        watch = Stopwatch()

        progress(0.0, "Preparing the scan")
        scan = self._scan(image, settings)
        watch.lap("preparation")
        least = point.threshold * (settings.link_share if scan.linked else 1.0)
        found = self._look_at(scan, settings, least, progress.part(0.02, 0.9))
        watch.lap("network")
        candidates = _candidates(scan, found, settings, point.threshold)
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
            warnings=self._warnings(scan, settings, len(lesions) + left),
        )

    def _scan(self, image: Image, settings: UniversalSettings) -> _Scan:
        if settings.size_px % self._multiple:
            raise UsageError(
                f"The model “{self._bundle.manifest.name}” needs inputs of a multiple of {self._multiple} pixels, not "
                f"{settings.size_px}."
            )
        require_usable(image, modality=CT, unit=HU, for_what="looking for lesions")
        if settings.region_ras_mm is not None:
            require_box_in(image, settings.region_ras_mm)
        # Unknown to NRRD and NIfTI files; it looks like a CT.
        as_ct = replace(image, modality=CT, unit=HU)
        axial = to_axial(as_ct)
        slices = slices_to_look_at(axial.geometry, settings)
        return _Scan(image, as_ct, axial, slices, not settings.looks_at_middle(axial.shape_kji[0]))

    def _look_at(
        self, scan: _Scan, settings: UniversalSettings, least_score: float, progress: Progress
    ) -> list[SliceFindings]:
        least_score, count = max(0.0, least_score), at_once(self._device)
        return list(find_in_slices(scan.axial, scan.slices, self._engine, settings, least_score, count, progress))

    def _lesions(
        self, scan: _Scan, candidates: Sequence[Found], settings: UniversalSettings, progress: Progress
    ) -> tuple[tuple[Lesion, ...], int]:
        """The lesions that are reported, and how many more there are."""
        lesions, told = list[Lesion](), list[Voxels]()
        margin_px = settings.mask_box_margin_px / max(_placing(scan.axial, settings).scale_xy)
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

    def _warnings(self, scan: _Scan, settings: UniversalSettings, found: int) -> tuple[str, ...]:
        name = scan.given.name
        warnings = [*self._bundle.warnings(), *scan.given.notes, *_grid_warnings(scan, settings)]
        warnings += unsaid_kind(scan.given, CT, HU)
        if not scan.linked and scan.axial.shape_kji[0] > 1:
            warnings.append(f"Only the middle one of the {scan.axial.shape_kji[0]} slices of “{name}” was looked at.")
        if settings.region_ras_mm is not None:
            warnings.append(region_note(settings.region_ras_mm, "Lesions"))
        if found > settings.most_lesions:
            warnings.append(f"Only the {settings.most_lesions} highest scores of {found} findings are shown.")
        return tuple(warnings)


def _grid_warnings(scan: _Scan, settings: UniversalSettings) -> list[str]:
    """What is unlike the images that the model learned from."""
    name, warnings = scan.given.name, []
    x, y, slices = scan.axial.spacing_mm
    if settings.slices_mm[1] > 0 and slices > settings.slices_mm[1] * UNLIKE:
        warnings.append(
            f"The slices of “{name}” are {slices:.1f} mm apart; the model learned from {told_range(settings.slices_mm)} mm. "
            "It may miss or mark anything, and sizes are rough."
        )
    if max(x, y) > SQUARE * min(x, y):
        warnings.append(
            f"The pixels of “{name}” are {x:.2f} mm wide and {y:.2f} mm high; the model learned from square ones. "
            "It may miss or mark anything."
        )
    pixels = max(x, y) / max(_placing(scan.axial, settings).scale_xy)
    if unlike(pixels, settings.pixels_mm):
        warnings.append(
            f"As the model sees them, pixels of “{name}” are {pixels:.2f} mm wide; it learned from "
            f"{told_range(settings.pixels_mm)} mm. It may miss or mark anything."
        )
    return warnings


def _placing(axial: Image, settings: UniversalSettings) -> Placing:
    _, height, width = axial.shape_kji
    return Placing.of((height, width), settings.size_px)


def _candidates(
    scan: _Scan, found: Sequence[SliceFindings], settings: UniversalSettings, threshold: float
) -> list[Found]:
    """All that pass, the best first; in the region where there is one."""
    if scan.linked:
        stride = slice_stride(scan.axial.geometry, settings)
        every = linked(found, settings, stride, scan.axial.shape_kji[0] - 1)
    else:
        every = [one for findings in found for one in unlinked(findings)]
    passed = [one for one in every if one.score >= threshold]
    if settings.region_ras_mm is None:
        return passed
    low, high = settings.region_ras_mm
    grid = scan.axial.geometry
    return [one for one in passed if np.all((low <= (at := grid.ras_from_ijk(one.center_ijk()))) & (at <= high))]
