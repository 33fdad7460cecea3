"""Active lung lesions in a CT: the similarity map, its blobs, and what is reported of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Control, Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.blobs import slice_blobs
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.mask_grids import mask_from_grid
from LesionDetectionLib.imaging.measurements import extent_note, measure_mask

from ..device import choose_device, describe_device
from ..operating_points import choose_operating_point
from ..region import region_note
from ..run_record import Stopwatch, provenance
from ..scan_notes import told_range, unlike, unsaid_kind
from . import METHOD
from .dense import DenseSimilarity
from .lesions import BoolArray, Candidate, Candidates
from .model import load_network
from .preprocessing import PreparedSlices, prepare
from .settings import HighUptakeSettings, settings_for, thresholds_for
from .similarity_map import TITLE, SimilarityMap, similarity_map

NO_UPTAKE = "What is marked looks in the CT as lesions with high uptake do; only a PET shows uptake."
LARGEST_LEAST_AREA_PX = 2000.0
"""As far as T_S can be moved: the area of a lesion of 35 mm at 0.7 mm a pixel."""


def create(bundle: Bundle | None, device: str = "auto") -> HighUptakeDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold the network of this method.
        DeviceError: there is no such device.
    """
    return HighUptakeDetector(METHOD.require_bundle(bundle), choose_device(device))


class HighUptakeDetector:
    """The network of one bundle on one device, ready for scans."""

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        bundle.require_method(METHOD.id)
        self._bundle = bundle
        self._device = device
        self._dense = DenseSimilarity(load_network(bundle), device)
        choose_operating_point(bundle, "")

    def detect(
        self, images: Mapping[str, Image], settings: HighUptakeSettings | None = None, progress: Progress | None = None
    ) -> Detections:
        """Find what looks like an active lesion in one chest CT.

        Args:
            images: the scan as ``CT``, in Hounsfield units; any orientation.
            settings: None for those of the bundle.
            progress: told how far it is; asked for cancellation between slices and lesions.

        Raises:
            InputError: no CT, or one that cannot be used; the text says why.
            UsageError: the model has no such operating point.
            DeviceError: the memory is full.
            Cancelled: when the user cancelled.
        """
        if CT not in images:
            raise InputError("Active lung lesions are looked for in a CT. Choose a CT volume.")
        image, progress = images[CT], progress or Progress()
        point, settings = thresholds_for(self._bundle, settings or settings_for(self._bundle))
        watch = Stopwatch()

        progress(0.0, "Finding the lungs" if settings.lungs_only else "Preparing the scan")
        prepared = prepare(image, settings)
        watch.lap("preparation")
        found = similarity_map(prepared, self._dense, self._device, progress.part(0.05, 0.9))
        watch.lap("network")
        candidates = Candidates([slice_blobs(plane) for plane in found.values], settings.least_shared)
        watch.lap("blobs")
        # Unknown to NRRD and NIfTI files; prepare() has made sure that it looks like a CT.
        as_ct = replace(image, modality=CT, unit=HU)
        chosen = chosen_candidates(candidates.items, settings)
        most = settings.most_candidates if settings.all_candidates else settings.most_lesions
        lesions = self._lesions(as_ct, prepared, found, candidates, chosen[:most], progress.part(0.9, 1.0))
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
                candidates=len(candidates),
                slices=len(prepared.slices),
                working_spacing_mm=list(prepared.geometry.spacing_mm),
            ),
            warnings=self._warnings(image, prepared, len(chosen)),
            controls=controls(settings),
            maps={TITLE: found.image()},
        )

    def _lesions(
        self,
        image: Image,
        prepared: PreparedSlices,
        found: SimilarityMap,
        candidates: Candidates,
        chosen: Sequence[Candidate],
        progress: Progress,
    ) -> tuple[Lesion, ...]:
        lesions = []
        for count, candidate in enumerate(chosen):
            progress(count / len(chosen), "Measuring")
            mask, (i, j, k) = candidates.mask(candidate)
            start = (i + found.start_ijk[0], j + found.start_ijk[1], k + found.start_ijk[2])
            lesion = _lesion(image, prepared, mask, start, candidate)
            lesions.append(replace(lesion, method=METHOD.id, model=self._bundle.manifest.name))
        progress(1.0, "Done")
        return tuple(lesions)

    def _warnings(self, image: Image, prepared: PreparedSlices, found: int) -> tuple[str, ...]:
        settings = prepared.settings
        warnings = [*self._bundle.warnings(), NO_UPTAKE, *image.notes]
        # Where the working grid is coarser than the scan, as coarse as that is what the network sees.
        own, seen = to_axial(image).spacing_mm, prepared.geometry.spacing_mm
        slices, pixels = max(own[2], seen[2]), max(*own[:2], *seen[:2])
        if unlike(slices, settings.slices_mm):
            warnings.append(
                f"The slices of “{image.name}” are {slices:.1f} mm apart; the model learned from {told_range(settings.slices_mm)} mm. "
                "It may miss or mark anything."
            )
        if unlike(pixels, settings.pixels_mm):
            warnings.append(
                f"The pixels of “{image.name}” are {pixels:.2f} mm wide; the model learned from {told_range(settings.pixels_mm)} mm. "
                "It may miss or mark anything."
            )
        warnings += unsaid_kind(image, CT, HU)
        if settings.region_ras_mm is not None:
            warnings.append(region_note(settings.region_ras_mm, "Active lesions"))
        if settings.all_candidates and found > settings.most_candidates:
            warnings.append(
                f"Only the {settings.most_candidates} highest responses of {found} candidates are kept: no threshold shows "
                "the others."
            )
        elif not settings.all_candidates and found > settings.most_lesions:
            warnings.append(f"Only the {settings.most_lesions} highest responses of {found} findings are shown.")
        return tuple(warnings)


def chosen_candidates(candidates: Sequence[Candidate], settings: HighUptakeSettings) -> list[Candidate]:
    """Which are reported: those that the thresholds let pass, or all."""
    least_response, least_area = settings.least_response, settings.least_area_px
    return [one for one in candidates if settings.all_candidates or one.passes(least_response, least_area)]


def controls(settings: HighUptakeSettings) -> tuple[Control, ...]:
    """T_R and T_S, to be moved after the run; in the order of the candidates' evidence."""
    area = float(settings.least_area_px)
    return (
        Control("least_response", "Least response", settings.least_response, 0.0, 1.0),
        Control("least_area_px", "Least area", area, 0.0, max(LARGEST_LEAST_AREA_PX, area), "px", 0),
    )


def _lesion(
    image: Image, prepared: PreparedSlices, voxels: BoolArray, start_ijk: tuple[int, int, int], candidate: Candidate
) -> Lesion:
    """The candidate with its mask on the image's own grid, measured there."""
    mask = mask_from_grid(image, prepared.geometry, voxels, start_ijk)
    measured = measure_mask(image, mask)
    notes = [extent_note(image, measured.touches_border)]
    if _leaves_search(prepared.search, voxels, start_ijk):
        notes.append("It reaches the border of what was searched: it may be larger.")
    return Lesion(
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=measured.recist.long_mm,
        score=candidate.response,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=measured.recist,
        measurements={**measured.values, "largest_area_px": candidate.largest_area_px},
        note=" ".join(note for note in notes if note),
        evidence=candidate.evidence,
    )


def _leaves_search(search: BoolArray, voxels: BoolArray, start_ijk: tuple[int, int, int]) -> bool:
    """Whether a voxel next to the mask, along an axis, lies in the scan and was not searched."""
    grown = ndimage.binary_dilation(np.pad(voxels, 1))
    low = np.array(start_ijk[::-1]) - 1
    inside = tuple(
        slice(max(0, -a), n - max(0, a + n - length))
        for a, n, length in zip(low, grown.shape, search.shape, strict=True)
    )
    there = tuple(slice(a + part.start, a + part.stop) for a, part in zip(low, inside, strict=True))
    return bool((grown[inside] & ~search[there]).any())
