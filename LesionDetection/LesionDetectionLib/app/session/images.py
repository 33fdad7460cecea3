"""The images of a scene's volumes: made once a volume and kept until the volume changes."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.io.mrml import image_from_node


class VolumeImages:
    """``of(node)`` gives the same :class:`Image` as long as voxels and place of the volume stay the same, so that a worker
    gets the voxels once."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[Any, ...], Image]] = {}

    def of(self, volume_node: Any, modality: str = "") -> Image:
        """The image of a scalar volume node, taken for ``modality`` where the node does not say what it is.

        Raises:
            InputError, GeometryError: see :func:`~LesionDetectionLib.io.mrml.image_from_node`.
            ModalityError: it is of another modality.
        """
        image = image_from_node(volume_node)
        # Asked for as what it says itself to be, it is the same image as unasked.
        modality = "" if image.modality == modality else modality
        state = (*_state(volume_node), image.ijk_to_ras.tobytes(), image.name, image.modality, image.unit, modality)
        kept = self._kept.get(volume_node.GetID())
        if kept is not None and kept[0] == state:
            return kept[1]
        understood = understood_as(image, modality)
        self._kept[volume_node.GetID()] = (state, understood)
        return understood

    def forget(self) -> None:
        """Let go of all voxels."""
        self._kept.clear()


def _state(volume_node: Any) -> tuple[int, ...]:
    """Changes when Slicer says that voxels changed, or gives the node others."""
    data = volume_node.GetImageData()
    return (data.GetMTime(), data.GetPointData().GetScalars().GetMTime())
