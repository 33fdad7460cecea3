"""The one contract that every method keeps, and how methods are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .bundle import Bundle
from .detections import Detections
from .errors import UsageError
from .image import Image
from .late import declared, load
from .progress import Progress


class Detector(Protocol):
    """Finds lesions. Made once with its model loaded, then used for many scans."""

    def detect(self, images: Mapping[str, Image], settings: Any, progress: Progress) -> Detections:
        """Find the lesions of one patient at one time.

        Args:
            images: by modality (``CT``, ``PT``), as the method's :class:`MethodInfo` names them; never modified.
            settings: an instance of the method's settings class.
            progress: told how far it is; the call ends with ``Cancelled`` soon after ``progress.cancel()``.

        Raises:
            LesionDetectionError: with a sentence for the user.
        """
        ...


@dataclass(frozen=True)
class MethodInfo:
    """What a user should know of a method before choosing it. Importing this loads no heavy library.

    Attributes:
        id: on the command line, in files.
        title: on screen.
        modalities: the images it needs, by DICOM modality.
        needs_model: whether it needs a trained bundle.
        finds: what it looks for, in words.
        limits: what it cannot do, in words.
        reference: the paper.
        settings: ``module:name`` of a function of ``Bundle | None`` that gives the method's settings, a frozen dataclass
            that has at least ``operating_point: str`` (a name that the model gives, a least score as text, or empty for
            the model's default).
        factory: ``module:name`` of ``create(bundle: Bundle | None, device: str) -> Detector``.
        demonstration_model: folder name under ``Resources/Models``, or empty.
    """

    id: str
    title: str
    modalities: tuple[str, ...]
    needs_model: bool
    finds: str
    limits: str
    reference: str
    settings: str
    factory: str
    demonstration_model: str = ""

    def create(self, bundle: Bundle | None, device: str = "auto") -> Detector:
        """Make the detector on ``device`` (``auto``, ``cpu``, ``cuda``, ``cuda:1``).

        Raises:
            UsageError: the method needs a bundle and none is given.
            BundleError: the bundle is for another method.
            DeviceError: the device is missing.
        """
        if self.needs_model and bundle is None:
            raise UsageError(f"The method {self.id} needs a model: name a bundle with --model.")
        if bundle is not None:
            bundle.require_method(self.id)
        detector: Detector = load(self.factory)(bundle, device)
        return detector

    def default_settings(self, bundle: Bundle | None) -> Any:
        """The method's settings as this bundle wants them; the plain defaults without one."""
        return load(self.settings)(bundle)


def methods() -> dict[str, MethodInfo]:
    """All methods by id: each folder in ``methods/`` whose ``__init__`` has a ``METHOD``; the others are shared parts."""
    found: list[MethodInfo] = declared("LesionDetectionLib.methods", "METHOD")
    return {info.id: info for info in sorted(found, key=lambda info: info.id)}


def method(method_id: str) -> MethodInfo:
    """The method of this id.

    Raises:
        UsageError: there is none; the text names those that there are.
    """
    known = methods()
    if method_id not in known:
        raise UsageError(f"There is no method “{method_id}”. Choose one of: {', '.join(known)}.")
    return known[method_id]
