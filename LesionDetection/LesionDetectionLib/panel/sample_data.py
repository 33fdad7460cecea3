"""Entries of ours in Slicer's module Sample Data: phantoms, made on this computer when asked for. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LesionDetectionLib.app.scene_views.slice_views import show
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.image import CT, PET
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress

from . import dependencies
from .slicer_views import SlicerViews

CATEGORY = "Lesion Detection"
_PHANTOMS = "LesionTrainingLib.cohorts.phantoms"


@dataclass(frozen=True)
class Sample:
    """A phantom that can be asked for.

    Attributes:
        name: under which it is listed.
        anatomy, protocol, seed: what is made (``LesionTrainingLib.cohorts.phantoms``).
        nodes: names of its volumes by modality; the first is shown.
        sha256: of the CT's voxels (little-endian int16, ``[k, j, i]``), with the libraries of ``requirements.lock``. Empty
            where there is none: a PET has real numbers, whose last digits differ from processor to processor.
        thumbnail: file in the folder of icons.
        truth: name of a result with the true lesions, added as well; none where empty.
        changes: of the protocol's settings.
    """

    name: str
    anatomy: str
    protocol: str
    seed: int
    nodes: Mapping[str, str]
    sha256: str
    thumbnail: str
    truth: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


_CHEST = Sample(
    name="Chest phantom",
    anatomy="chest",
    protocol="fast",
    seed=424242,
    nodes={CT: "Chest phantom"},
    sha256="1cbd8bbc62ce225d0d505de2c66f639d5a3765ad993c007b537028a6582f364f",
    thumbnail="LesionDetectionChestPhantom.png",
)
"""No model of ours learned from it, nor was one measured on it. It has eleven nodules of 6 to 13 mm, of all kinds."""
_PET_CT = Sample(
    name="PET/CT phantom",
    anatomy="pet-ct",
    protocol="fast",
    seed=424255,
    nodes={CT: "PET/CT phantom CT", PET: "PET/CT phantom PET"},
    sha256="8b7f4429e9ac8c6a250693cc999b72dfc0dd302a9fccfd803cb2c85baf3f49a3",
    thumbnail="LesionDetectionPetCtPhantom.png",
)
"""No model of ours learned from it, nor was one measured on it. Of its four lesions in the lungs three are
active, of 13 to 25 mm."""
_BODY = Sample(
    name="Body CT phantom",
    anatomy="body",
    protocol="default",
    seed=424265,
    nodes={CT: "Body CT phantom"},
    sha256="d79cc7c74304482dfee3a0f338db86f4f9457d00db76ce9c2f47a6c654309b32",
    thumbnail="LesionDetectionBodyPhantom.png",
    changes={"slices": 32, "spacing_mm": 5.0, "slice_thickness_mm": 5.0},
)
"""No model of ours learned from it, nor was one measured on it. A part of 16 cm of a body, made in seconds as a whole one is
not, in slices as most of DeepLesion's are."""
_PET = Sample(
    name="Whole-body PET phantom",
    anatomy="pet",
    protocol="default",
    seed=424278,
    nodes={PET: "Whole-body PET phantom"},
    sha256="",
    thumbnail="LesionDetectionPetPhantom.png",
)
"""No model of ours learned from it, nor was one measured on it. It has one tumour."""

SAMPLES = (
    _CHEST,
    replace(_CHEST, name="Chest phantom, nodules marked", truth="True nodules"),
    _PET_CT,
    _BODY,
    _PET,
)


def register(icons_folder: Path) -> None:
    """List the phantoms in the module Sample Data. Cheap: nothing is made, and no library is loaded.

    Call it when Slicer has started (``startupCompleted()``): Sample Data may be loaded after this module.
    """
    try:
        from SampleData import SampleDataLogic
    except ImportError:  # a Slicer without that module
        return
    for sample in SAMPLES if _can_be_made() else ():
        SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=sample.name,
            # Sample Data wants one of each, though nothing is downloaded.
            uris="",
            fileNames="",
            nodeNames=next(iter(sample.nodes.values())),
            thumbnailFileName=str(Path(icons_folder) / sample.thumbnail),
            customDownloader=partial(_on_asked, sample),
        )


def make(sample: Sample, scene: Any, progress: Progress | None = None) -> tuple[dict[str, Any], Any]:
    """Make a phantom and add it to a scene; its volume nodes by modality and, where it has one, the result with its true lesions.

    Takes about 5 s on one core. The same sample gives the same voxels each time.

    Raises:
        Cancelled: through ``progress``; nothing was added.
    """
    from LesionDetectionLib.io.mrml import add_detections, volume_node

    make_case, _default = load(f"{_PHANTOMS}.phantom:maker")(sample.anatomy)
    settings = load(f"{_PHANTOMS}.phantom:protocol_of")(sample.anatomy, sample.protocol, sample.seed)
    settings = replace(settings, **sample.changes)
    case = make_case(sample.seed, settings, progress or Progress())
    # Made in one go, so that their places are those of one patient.
    frame = (
        f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{_PHANTOMS} {sample.anatomy} {sample.protocol} {sample.seed}').int}"
    )
    images = {modality: case.images[modality] for modality in sample.nodes}
    nodes = {
        modality: volume_node(scene, replace(image, identifiers={**image.identifiers, "FrameOfReferenceUID": frame}))
        for modality, image in images.items()
    }
    for modality, node in nodes.items():
        node.SetName(scene.GenerateUniqueName(sample.nodes[modality]))
    if not sample.truth:
        return nodes, None
    image, node = case.image, nodes[case.image.modality]
    truth = Detections(case.lesions, image.geometry, "truth", node.GetName(), image.modality, image.unit)
    return nodes, add_detections(scene, node, truth, name=_(sample.truth))


def _can_be_made() -> bool:
    """Whether the training library is there."""
    try:
        return importlib.util.find_spec(_PHANTOMS) is not None
    except ModuleNotFoundError:
        return False


def _on_asked(sample: Sample, _source: Any = None) -> list[Any]:
    """Sample Data asks for it: the nodes that were added."""
    from .context import told  # brings the session, which start-up can do without

    added: list[Any] = []
    with told():
        if dependencies.ensure("phantom"):
            with suppress(Cancelled), _progress_dialog() as progress:
                added = list(make(sample, slicer.mrmlScene, progress)[0].values())
        if added:
            show(SlicerViews(), added[0])
    return added


@contextmanager
def _progress_dialog() -> Iterator[Progress]:
    """A progress with a dialog that can be cancelled."""
    dialog = slicer.util.createProgressDialog(
        value=0, maximum=100, labelText=_("Making the phantom"), windowTitle=_("Sample data")
    )
    dialog.setWindowModality(qt.Qt.ApplicationModal)
    progress: Progress

    def report(fraction: float, text: str) -> None:
        dialog.setValue(round(100 * fraction))
        if text:
            dialog.setLabelText(text)
        slicer.app.processEvents()
        if dialog.wasCanceled:
            progress.cancel()

    progress = Progress(report)
    try:
        yield progress
    finally:
        dialog.close()
