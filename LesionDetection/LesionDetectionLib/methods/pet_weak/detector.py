"""Tumours in a PET: two projections, a network's maps of them, and the uptake where these point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.pet_lesion import pet_lesion

from ..device import choose_device, describe_device
from ..operating_points import choose_operating_point
from ..run_record import Stopwatch, provenance
from ..usable_pet import require_pet_kind, require_slices, usable_pet
from .about import METHOD
from .back_projection import TITLE, BackProjection, back_project
from .components import Component, find_components
from .looking import Looked, Looker
from .model import load_network
from .projections import BODY_SUV, Projections, network_views, project
from .settings import PetWeakSettings, settings_for
from .told import sentences

_WHAT, _FOR_WHAT = "Tumours", "looking for tumours"
_CUT = "It goes on beyond the reach of the map, where the outline was cut off: check it."


def create(bundle: Bundle | None, device: str = "auto") -> PetWeakDetector:
    """Make the detector.

    Raises:
        UsageError: no bundle.
        BundleError: it does not hold a network of this method, or has no operating points.
        DeviceError: there is no such device.
    """
    bundle, chosen = METHOD.require_bundle(bundle), choose_device(device)
    return PetWeakDetector(bundle, chosen, Looker(load_network(bundle), chosen))


@dataclass(frozen=True, eq=False)
class _Seen:
    """A PET and what became of it so far."""

    pet: Image
    axial: Image
    projections: Projections
    looked: Looked
    back: BackProjection
    warnings: tuple[str, ...]

    def covered(self, share: float) -> float:
        """The share of the body's projection in which the map is at least ``share``, in the view in which that is more."""
        projected = (self.projections.coronal, self.back.coronal), (self.projections.sagittal, self.back.sagittal)
        return max(float((own[body] >= share).mean()) for suv, own in projected if (body := suv >= BODY_SUV).any())


class PetWeakDetector:
    """A network of one bundle on one device, ready for scans."""

    def __init__(self, bundle: Bundle, device: torch.device, looker: Looker) -> None:
        bundle.require_method(METHOD.id)
        self._bundle, self._device, self._looker = bundle, device, looker
        choose_operating_point(bundle, "")

    def detect(
        self, images: Mapping[str, Image], settings: PetWeakSettings | None = None, progress: Progress | None = None
    ) -> Detections:
        """Find the tumours of one PET.

        Args:
            images: ``PT`` in SUV by body weight, in any orientation.
            settings: None for those of the bundle.
            progress: told how far it is; asked for cancellation between stages, parts of the body and lesions.

        Returns:
            Lesions on the PET's own grid. The score is the agreement of the two views (:attr:`.components.Component.agreement`)
            times the probability of a tumour; 0 in a scan that the network takes for one without a tumour. With the map of the most
            probable kind of tumour.

        Raises:
            InputError: no PET, or one that cannot be used; the text says why.
            UsageError: the model has no such operating point.
            DeviceError: the memory is full.
            Cancelled: when the user cancelled.
        """
        settings, progress = settings or settings_for(self._bundle), progress or Progress()
        point = choose_operating_point(self._bundle, settings.operating_point)
        watch = Stopwatch()
        seen = self._look(images, settings, progress.part(0.0, 0.5), watch)
        found = find_components(seen.axial, seen.projections, seen.back, settings, progress.part(0.5, 0.8))
        scored = [(one, _score(one, seen.looked)) for one in found.components]
        chosen = [pair for pair in scored if pair[1] >= point.threshold and _lies_in(pair[0], seen.axial, settings)]
        watch.lap("uptake")
        lesions = self._lesions(seen, chosen[: settings.most_lesions], progress.part(0.8, 1.0))
        watch.lap("measuring")
        covered, left = seen.covered(settings.map_share), len(chosen) - len(lesions)
        told = sentences(seen.pet, seen.looked, found, covered, left, settings)
        picture = seen.back.picture()
        watch.lap("map")
        record = {
            "class_probabilities": _rounded(seen.looked.probabilities),
            "class_probabilities_by_view": {view: _rounded(own) for view, own in seen.looked.of_view.items()},
            "map_of": seen.looked.kind,
            "map_covers": round(covered, 3),
            "places": len(found.components),
            "unexplained": found.unexplained,
        }
        return Detections(
            lesions=lesions,
            geometry=seen.pet.geometry,
            method=METHOD.id,
            image_name=seen.pet.name,
            modality=PET,
            unit=SUV_BW,
            operating_point=point,
            provenance=provenance(self._bundle, settings, describe_device(self._device), watch, **record),
            warnings=(*self._bundle.warnings(), *seen.warnings, *told),
            maps={TITLE: picture},
        )

    def _look(
        self, images: Mapping[str, Image], settings: PetWeakSettings, progress: Progress, watch: Stopwatch
    ) -> _Seen:
        progress(0.0, "Projecting the PET")
        image = require_pet_kind(images, _WHAT, _FOR_WHAT)
        require_slices(image, _FOR_WHAT)
        axial = to_axial(image)
        projections = project(axial, settings.pixel_mm, torch.get_num_threads())
        pet, warnings = usable_pet(images, _WHAT, _FOR_WHAT, (projections.lowest, projections.highest))
        views = network_views(projections, settings)
        watch.lap("projections")
        progress(0.4, "Looking at the projections")
        looked = self._looker.look(views.inputs)
        watch.lap("network")
        back = back_project(looked.maps, views.placing)
        progress(1.0)
        return _Seen(pet, axial, projections, looked, back, warnings)

    def _lesions(
        self, seen: _Seen, chosen: Sequence[tuple[Component, float]], progress: Progress
    ) -> tuple[Lesion, ...]:
        lesions, axial = [], replace(seen.axial, modality=PET, unit=SUV_BW)
        for count, (one, score) in enumerate(chosen):
            progress(count / len(chosen), "Measuring")
            lesion = pet_lesion(
                seen.pet,
                axial,
                (0, 0, 0),
                one.voxels,
                one.start_kji,
                score=score,
                method=METHOD.id,
                notes=(one.in_words, _CUT if one.goes_on else ""),
            )
            lesions.append(replace(lesion, model=self._bundle.manifest.name))
        progress(1.0, "Done")
        return tuple(lesions)


def _score(one: Component, looked: Looked) -> float:
    """See :meth:`PetWeakDetector.detect`."""
    return 0.0 if looked.says_none else one.agreement * looked.tumour


def _lies_in(one: Component, axial: Image, settings: PetWeakSettings) -> bool:
    if settings.region_ras_mm is None:
        return True
    low, high = settings.region_ras_mm
    center = axial.geometry.ras_from_ijk((np.argwhere(one.voxels).mean(axis=0) + one.start_kji)[::-1])
    return bool(np.all((low <= center) & (center <= high)))


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
