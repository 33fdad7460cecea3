"""A result as one segmentation file, made by the worker: on the image's whole grid it takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

from .export_requests import IMAGE
from .worker.requests import Request


@dataclass(frozen=True)
class SegmentationRequest(Request):
    """Write the outlines of a result as Slicer's ``.seg.nrrd``. Images: ``image``. Result: the path.

    Attributes:
        path: of the file.
        detections: what is written, as JSON.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.segmentation_request:write_segmentation"

    path: str
    detections: dict[str, Any]


def write_segmentation(
    request: SegmentationRequest, images: Mapping[str, Image], _kept: object, progress: Progress
) -> str:
    """
    Raises:
        InputError: there is no image.
        UsageError: no lesion has an outline.
        OutputError: no permission, or disk full.
        Cancelled: through ``progress``.
    """
    from LesionDetectionLib.io import mrml, mrml_scene
    from LesionDetectionLib.io.mrml_segments import segmentation_node

    if IMAGE not in images:
        raise InputError("There is no image to write. Load the volume again.")
    image, detections = images[IMAGE], Detections.from_json(request.detections)
    if all(lesion.mask is None for lesion in detections.lesions):
        raise UsageError("No finding that is exported has an outline, so there is no segmentation to write.")
    progress(0.0, "Making the segmentation")
    with mrml_scene.temporary_scene() as scene:
        volume = mrml.volume_node(scene, image)
        node = segmentation_node(scene, volume, detections, f"{image.name} lesions")
        progress(0.3, "Writing the segmentation")
        mrml_scene.write_node(node, "vtkMRMLSegmentationStorageNode", Path(request.path))
    progress(1.0)
    return request.path
