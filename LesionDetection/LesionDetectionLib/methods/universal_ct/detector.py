"""Lesions in a CT of any part of the body: what this method does beside what all detectors of slices do."""

from __future__ import annotations

import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ..device import choose_device
from ..slices.detector import Measure, Search, SliceDetector
from ..slices.lesions import Found, Voxels, lesion_of, lies_in, voxels_of
from ..slices.outlining import clicked
from ..slices.scan import SliceScan
from . import METHOD
from .engine import SliceEngine
from .in_slice import Engine, look_with
from .model import load_network
from .settings import UniversalSettings

CLICKED = "The model outlined nothing here: the outline is that of click to measure at the box's centre."


def create(bundle: Bundle | None, device: str = "auto") -> UniversalDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold the network of this method.
        DeviceError: there is no such device.
    """
    bundle, chosen = METHOD.require_bundle(bundle), choose_device(device)
    network = load_network(bundle)
    return UniversalDetector(bundle, chosen, network.architecture.multiple, SliceEngine(network, chosen))


class UniversalDetector(SliceDetector[UniversalSettings]):
    """Scores are calibrated by the mask, and outlines come out of it."""

    def __init__(self, bundle: Bundle, device: torch.device, multiple: int, engine: Engine) -> None:
        super().__init__(METHOD, bundle, device, multiple)
        self._engine = engine

    def _search(self, scan: SliceScan, settings: UniversalSettings, least_score: float, progress: Progress) -> Search:
        return Search(scan, look_with(self._engine, settings, least_score), _measuring(scan, settings))


def _measuring(scan: SliceScan, settings: UniversalSettings) -> Measure:
    grid, told = scan.axial.geometry, list[Voxels]()
    margin_px = settings.mask_box_margin_px / max(scan.placing(settings).scale_xy)

    def measure(found: Found) -> Lesion | None:
        voxels = voxels_of(found) if found.outlines and settings.measure else None
        if voxels is not None:
            if scan.linked and lies_in(voxels, told, settings.most_shared):
                return None
            told.append(voxels)
        lesion = lesion_of(scan.image, grid, found, voxels, margin_px)
        return (
            clicked(scan.image, grid, found, lesion, margin_px, CLICKED)
            if settings.measure and voxels is None
            else lesion
        )

    return measure
