"""Small scenes, ours and hostile ones."""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path

from LesionDetectionLib.core.finding import Findings

from ...panel.conftest import chest_image, found_in

MRML = '<?xml version="1.0" encoding="UTF-8"?>\n<MRML version="Slicer 5.8">{}</MRML>\n'
STORAGE = '<VolumeArchetypeStorage id="vtkMRMLVolumeArchetypeStorageNode1" {}></VolumeArchetypeStorage>'
VOLUME = (
    '<Volume id="vtkMRMLScalarVolumeNode1" name="passwords" storageNodeRef="vtkMRMLVolumeArchetypeStorageNode1" '
    'ijkToRASDirections="-1 0 0 0 -1 0 0 0 1" spacing="1 1 1" origin="0 0 0"></Volume>'
)


def naming(attribute, value):
    """A scene whose one volume is read from what ``value`` names."""
    return MRML.format(STORAGE.format(f'{attribute}="{value}"') + VOLUME)


def bundle(path: Path, entries) -> Path:
    """A zip of ``{name or ZipInfo: content}``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return path


@functools.cache
def _chest_scene() -> bytes:
    import tempfile

    from LesionDetectionLib.io import mrml, mrml_scene
    from LesionDetectionLib.io.mrml_findings import FindingNodes

    image = chest_image()
    with mrml_scene.temporary_scene() as scene, tempfile.TemporaryDirectory() as folder:
        volume = mrml.volume_node(scene, image)
        FindingNodes.create(scene, volume, Findings.of(found_in(image)), "chest nodule-ct")
        mrml_scene.show_in_slices(scene, volume, None)
        path = Path(folder) / "chest.mrb"
        mrml_scene.write_scene(scene, path)
        return path.read_bytes()


def write_chest_scene(path: Path) -> Path:
    """A bundle with the chest of the panel's tests and what was found in it."""
    path.write_bytes(_chest_scene())
    return path
