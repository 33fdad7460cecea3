"""A result as one segmentation file, made by the worker: on the image's whole grid it takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

from .export_requests import IMAGE
from .worker.requests import Request


@dataclass(frozen=True)
class SegmentationRequest(Request):
    """Write the outlines of what is reported as Slicer's ``.seg.nrrd``, each segment under the finding's own id. Images:
    ``image``. Result: the path.

    Attributes:
        path: of the file.
        findings: as JSON.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.segmentation_request:write_segmentation"

    path: str
    findings: dict[str, Any]


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
    from LesionDetectionLib.io.mrml_findings import FindingNodes

    if IMAGE not in images:
        raise InputError("There is no image to write. Load the volume again.")
    image, findings = images[IMAGE], Findings.from_json(request.findings)
    reported = replace(findings, items=findings.reported)
    if all(item.lesion.mask is None for item in reported.items):
        raise UsageError("No finding that is exported has an outline, so there is no segmentation to write.")
    progress(0.0, "Making the segmentation")
    with mrml_scene.temporary_scene() as scene:
        nodes = FindingNodes.create(scene, mrml.volume_node(scene, image), reported, image.name)
        progress(0.3, "Writing the segmentation")
        mrml_scene.write_node(nodes.segmentation, "vtkMRMLSegmentationStorageNode", Path(request.path))
    progress(1.0)
    return request.path
