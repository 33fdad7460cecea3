"""Which of a case's images a method works on."""

from __future__ import annotations

from collections.abc import Mapping

from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import ModalityError
from LesionDetectionLib.core.image import Image


def images_for(info: MethodInfo, images: Mapping[str, Image]) -> dict[str, Image]:
    """Those of the method's modalities, its main one first; one that it can do without may be missing.

    Raises:
        ModalityError: one that it needs is missing.
    """
    missing = [modality for modality in info.required if modality not in images]
    if missing:
        raise ModalityError(
            f"The method {info.id} needs {' and '.join(info.required)}, and this case has "
            f"{' and '.join(name or 'an image of unknown modality' for name in images) or 'no image'}."
        )
    return {modality: images[modality] for modality in info.modalities if modality in images}
