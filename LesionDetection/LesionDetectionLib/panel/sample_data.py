"""Entries of ours in Slicer's module Sample Data: phantoms, made on this computer when asked for. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress

from . import dependencies, views

CATEGORY = "Lesion Detection"
_PHANTOMS = "LesionTrainingLib.cohorts.phantoms"


@dataclass(frozen=True)
class Sample:
    """A phantom that can be asked for.

    Attributes:
        name: under which it is listed.
        node_name: of its volume.
        anatomy, protocol, seed: what is made (``LesionTrainingLib.cohorts.phantoms``).
        sha256: of its voxels (little-endian int16, ``[k, j, i]``), with the libraries of ``requirements.lock``.
        truth: add the true lesions as well, as a result of their own.
        thumbnail: file in the folder of icons.
    """

    name: str
    node_name: str
    anatomy: str
    protocol: str
    seed: int
    sha256: str
    truth: bool
    thumbnail: str


_CHEST_SHA256 = "1cbd8bbc62ce225d0d505de2c66f639d5a3765ad993c007b537028a6582f364f"
_CHEST_SEED = 424242
"""No model of ours learned from it, nor was one measured on it. It has eleven nodules of 6 to 13 mm, of all kinds."""
_CHEST_PICTURE = "LesionDetectionChestPhantom.png"

SAMPLES = (
    Sample(
        "Chest phantom", "Chest phantom", "chest", "fast", _CHEST_SEED, _CHEST_SHA256, False, _CHEST_PICTURE
    ),
    Sample(
        "Chest phantom, nodules marked", "Chest phantom", "chest", "fast", _CHEST_SEED, _CHEST_SHA256, True, _CHEST_PICTURE
    ),
)  # fmt: skip


def register(icons_folder: Path) -> None:
    """List the phantoms in the module Sample Data. Cheap: nothing is made, and no library is loaded.

    Call it when Slicer has started (``startupCompleted()``): Sample Data may be loaded after this module.
    """
    try:
        from SampleData import SampleDataLogic
    except ImportError:  # a Slicer without that module
        return
    for sample in SAMPLES:
        if not _can_be_made(sample):
            continue
        SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=sample.name,
            # Sample Data wants one of each, though nothing is downloaded.
            uris="",
            fileNames="",
            nodeNames=sample.node_name,
            thumbnailFileName=str(Path(icons_folder) / sample.thumbnail),
            customDownloader=partial(_on_asked, sample),
        )


def make(sample: Sample, scene: Any, progress: Progress | None = None) -> tuple[Any, Any]:
    """Make a phantom and add it to a scene; its volume node and, where it has one, the result with its true lesions.

    Takes about 5 s on one core. The same sample gives the same voxels each time.

    Raises:
        Cancelled: through ``progress``; nothing was added.
    """
    from LesionDetectionLib.io.mrml import add_detections, volume_node

    maker, _default = load(f"{_PHANTOMS}.phantom:maker")(sample.anatomy)
    settings = load(f"{_PHANTOMS}.{sample.anatomy}:PRESETS")[sample.protocol]
    case = maker(sample.seed, settings, progress or Progress())
    node = volume_node(scene, case.image)
    node.SetName(scene.GenerateUniqueName(sample.node_name))
    if not sample.truth:
        return node, None
    image = case.image
    truth = Detections(case.lesions, image.geometry, "truth", node.GetName(), image.modality, image.unit)
    return node, add_detections(scene, node, truth, name=_("True nodules"))


def _can_be_made(sample: Sample) -> bool:
    """Whether the training library is there, with this anatomy."""
    try:
        return importlib.util.find_spec(f"{_PHANTOMS}.{sample.anatomy}") is not None
    except ModuleNotFoundError:
        return False


def _on_asked(sample: Sample, _source: Any = None) -> list[Any]:
    """Sample Data asks for it: the nodes that were added."""
    from .context import told  # brings the session, which start-up can do without

    added: list[Any] = []
    with told():
        if dependencies.ensure("phantom"):
            with suppress(Cancelled), _progress_dialog() as progress:
                added.append(make(sample, slicer.mrmlScene, progress)[0])
        if added:
            views.show(added[0])
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
