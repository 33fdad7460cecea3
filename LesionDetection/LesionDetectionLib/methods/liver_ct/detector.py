"""Lesions of the liver in a CT: the liver, its slices, boxes in it, and lesions of these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.liver import Liver, search_liver

from ..device import choose_device
from ..slices.detector import Measure, Search, SliceDetector
from ..slices.lesions import Found, Voxels, lesion_of, lies_in
from ..slices.outlining import clicked
from ..slices.scan import SliceScan
from . import METHOD
from .architecture import LiverArchitecture
from .engine import SliceEngine
from .in_slice import Engine, look_with
from .model import load_network
from .settings import LIVER, LiverSettings

CLICKED = "Outlined by click to measure from the middle of the box."
ONE_BOX = "This model gives one box for a slice, whether the slice shows a lesion or not, and no score: that of 1 says nothing."
LARGEST_SECTION = "The slice was chosen for having the largest section of the liver."


def create(bundle: Bundle | None, device: str = "auto") -> LiverDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold a network of this method.
        DeviceError: there is no such device.
    """
    bundle, chosen = METHOD.require_bundle(bundle), choose_device(device)
    network = load_network(bundle)
    return LiverDetector(bundle, chosen, network.architecture, SliceEngine(network, chosen))


class LiverDetector(SliceDetector[LiverSettings]):
    """Any of the paper's detectors. Those that give one box for every slice look at one slice only."""

    def __init__(self, bundle: Bundle, device: torch.device, architecture: LiverArchitecture, engine: Engine) -> None:
        super().__init__(METHOD, bundle, device, architecture.multiple)
        self._architecture, self._engine = architecture, engine

    def _require_size(self, settings: LiverSettings) -> None:
        if self._architecture.single_box and settings.size_px != self._architecture.input_px:
            raise UsageError(
                f"The model “{self._bundle.manifest.name}” sees slices of {self._architecture.input_px} pixels as a whole, and "
                f"cannot take inputs of {settings.size_px}."
            )
        super()._require_size(settings)

    def _search(self, scan: SliceScan, settings: LiverSettings, least_score: float, progress: Progress) -> Search:
        liver = None
        if scan.linked and settings.where == LIVER:
            liver = _liver_of(scan, progress)
        if self._architecture.single_box:
            return self._one_slice(scan, settings, least_score, liver)
        record, warnings = dict[str, float](), tuple[str, ...]()
        if liver is not None:
            scan = replace(scan, slices=_slices_of(scan, liver, settings))
            record, warnings = {"liver_ml": round(liver.volume_ml)}, _cut_off(scan, liver)
        look = look_with(self._engine, settings, least_score, liver)
        return Search(scan, look, _measuring(scan, settings), warnings, record)

    def _one_slice(self, scan: SliceScan, settings: LiverSettings, least_score: float, liver: Liver | None) -> Search:
        """One box over each slice of a scan, linked, would look like a lesion that many slices agree on."""
        warnings = (ONE_BOX,)
        if scan.linked:
            slices = scan.within(settings) or scan.slices
            if liver is None:
                k = slices[len(slices) // 2]
            else:
                k = max(slices, key=lambda k: (liver.areas_mm2[k], -abs(k - liver.largest_slice)))
                warnings = (f"{ONE_BOX} {LARGEST_SECTION}",)
            scan = scan.only(k)
        look = look_with(self._engine, settings, least_score)
        return Search(scan, look, _measuring(scan, settings), warnings)


def _liver_of(scan: SliceScan, progress: Progress) -> Liver:
    """Raises InputError where there is none: to mark nothing would look like a liver without lesions."""
    found = search_liver(scan.image, progress)
    if found.liver is None:
        raise InputError(
            f"{found.words} Choose a scan that shows the liver; or, to look in all slices of “{scan.given.name}”, “Everywhere” "
            "(where=everywhere): then other organs are marked, too."
        )
    return found.liver


def _slices_of(scan: SliceScan, liver: Liver, settings: LiverSettings) -> list[int]:
    """Those of the scan's slices that show the liver, or its margin."""
    slices = [k for k in scan.slices if liver.section(k, settings.liver_margin_mm).any()]
    if not slices:
        raise InputError(
            f"The region to look in does not reach the liver of “{scan.given.name}”. Choose another region, or look everywhere "
            "(where=everywhere)."
        )
    return slices


def _cut_off(scan: SliceScan, liver: Liver) -> tuple[str, ...]:
    ends = liver.cut_ends
    if not ends:
        return ()
    return (f"“{scan.given.name}” does not show the whole liver: that reaches its {' and its '.join(ends)} end.",)


def _measuring(scan: SliceScan, settings: LiverSettings) -> Measure:
    grid, told = scan.axial.geometry, list[Voxels]()
    margin_px = settings.box_margin_px / max(scan.placing(settings).scale_xy)

    def measure(found: Found) -> Lesion | None:
        lesion = lesion_of(scan.image, grid, found, None, margin_px)
        if not settings.measure:
            return lesion
        lesion = clicked(scan.image, grid, found, lesion, margin_px, CLICKED)
        if lesion.mask is not None:
            voxels = np.asarray(lesion.mask.voxels), lesion.mask.start_ijk
            if scan.linked and lies_in(voxels, told, settings.most_shared):
                return None
            told.append(voxels)
        return lesion

    return measure
