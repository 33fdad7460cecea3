"""What is done for each request, in whichever process. Heavy libraries are loaded when first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ..given_settings import with_given
from .kept import Kept, Loaded
from .requests import DetectRequest, DevicesRequest, MeasureRequest, WarmRequest

Images = Mapping[str, Image]


def detect(request: DetectRequest, images: Images, kept: Kept, progress: Progress) -> Detections:
    """Find lesions.

    Raises:
        LesionDetectionError: see :meth:`.Kept.detector` and the method.
    """
    progress(0.0, "Loading the model")
    loaded = kept.detector(request.method, request.model, request.device)
    settings = _settings(loaded, request)
    return loaded.detector.detect(images, settings, progress.part(0.02, 1.0))


def _settings(loaded: Loaded, request: DetectRequest) -> Any:
    """The method's settings as the model wants them, with what the request says.

    Raises:
        UsageError: a setting that the method does not have, or a value that it cannot be.
    """
    settings = with_given(loaded.info, loaded.info.default_settings(loaded.bundle), request.settings)
    settings = replace(settings, operating_point=request.operating_point)
    if request.region_ras_mm is None:
        return settings
    if not hasattr(settings, "region_ras_mm"):
        raise UsageError(
            f"The method “{loaded.info.title}” cannot be kept to a part of the scan. Detect in the whole scan."
        )
    return replace(settings, region_ras_mm=request.region_ras_mm)


def measure(request: MeasureRequest, images: Images, kept: Kept, progress: Progress) -> Lesion:
    """Outline and measure the lesion at a point.

    Raises:
        InputError: there is no such image, or nothing stands out at the point.
        UsageError, ModalityError: see :func:`~LesionDetectionLib.imaging.click.measure_at`.
    """
    from LesionDetectionLib.imaging.click import ClickSettings, measure_at

    if request.modality not in images:
        raise InputError("There is no image to measure in. Choose a volume.")
    settings = ClickSettings()
    if request.largest_diameter_mm is not None:
        settings = replace(settings, largest_diameter_mm=request.largest_diameter_mm)
    through: dict[str, Any] = {"border_ras_mm": request.border_ras_mm} if request.border_ras_mm else {}
    return measure_at(images[request.modality], request.seed_ras_mm, settings, progress, **through)


def devices(request: DevicesRequest, images: Images, kept: Kept, progress: Progress) -> list[dict[str, str]]:
    """What ``device`` can be, with a title for each; the first is the usual choice."""
    import torch

    threads = torch.get_num_threads()
    cpu = f"CPU, {threads} thread" + ("s" if threads > 1 else "")
    gpus = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        gpus.append({"id": f"cuda:{index}", "title": f"{facts.name} ({facts.total_memory / 2**30:.0f} GiB)"})
    usual = gpus[0]["title"] if gpus else cpu
    return [{"id": "auto", "title": f"Automatic ({usual})"}, {"id": "cpu", "title": cpu}, *gpus]


def warm(request: WarmRequest, images: Images, kept: Kept, progress: Progress) -> None:
    """Load what measuring, and the method, need."""
    from LesionDetectionLib.imaging import click

    assert click
    if request.method:
        progress(0.3, "Loading the model")
        kept.detector(request.method, request.model, request.device)
    progress(1.0)
