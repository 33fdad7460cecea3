"""The one contract that every method keeps, and how methods are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Choice:
    """A setting of a method that a user may want to change, as a form or a command line shows it.

    What kind it is follows from the setting's default: yes or no, a number, or a text.

    Attributes:
        name: field of the method's settings.
        title: on screen.
        help: what it does, in a sentence.
        options: of a text: (value, title), all that it can be.
        range: of a number: least and greatest.
        unit, decimals: of a number, on screen.
    """

    name: str
    title: str
    help: str
    options: tuple[tuple[str, str], ...] = ()
    range: tuple[float, float] = (0.0, 1.0)
    unit: str = ""
    decimals: int = 1


@dataclass(frozen=True)
class Score:
    """What the score of a method's lesions is, in lists and texts.

    Attributes:
        title: on screen; short, as it is the heading of a column.
        help: what it means, in words.
        decimals: on screen.
    """

    title: str = "Score"
    help: str = "How sure the method is; no probability of cancer"
    decimals: int = 2


@dataclass(frozen=True)
class MethodInfo:
    """What a user should know of a method before choosing it. Importing this loads no heavy library.

    Attributes:
        id: on the command line, in files.
        title: on screen.
        modalities: the images it works on, by DICOM modality, the main one first, on whose grid lesions' masks lie.
        needs_model: whether it needs a trained bundle.
        finds: what it looks for, in words.
        limits: what it cannot do, in words.
        reference: the paper.
        settings: ``module:name`` of a function of ``Bundle | None`` that gives the method's settings, a frozen dataclass
            that has at least ``operating_point: str`` (a name that the model gives, a least score as text, or empty for
            the model's default).
        factory: ``module:name`` of ``create(bundle: Bundle | None, device: str) -> Detector``.
        demonstration_model: folder name under ``Resources/Models``, or empty.
        optional: those of ``modalities`` that it can do without, at least with some settings.
        choices: the settings that users may want to change.
        review_settings: settings with which it gives all that its controls could ever show, for a review in which they are
            moved; empty for a method without controls.
        score: what its lesions' score is.
        packages: the libraries that it needs beyond what every method of its kind does, by the names of
            :data:`LesionDetectionLib.app.packages.PACKAGES`.
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
    optional: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    # Not in the hash: a dictionary has none, and methods are keys of caches.
    review_settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    score: Score = Score()
    packages: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The modalities that it always needs."""
        return tuple(name for name in self.modalities if name not in self.optional)

    def create(self, bundle: Bundle | None, device: str = "auto") -> Detector:
        """Make the detector on ``device`` (``auto``, ``cpu``, ``cuda``, ``cuda:1``).

        Raises:
            UsageError: the method needs a bundle and none is given.
            BundleError: the bundle is for another method.
            DeviceError: the device is missing.
        """
        if self.needs_model or bundle is not None:
            bundle = self.require_bundle(bundle)
        detector: Detector = load(self.factory)(bundle, device)
        return detector

    def require_bundle(self, bundle: Bundle | None) -> Bundle:
        """The bundle, which there is and which is for this method.

        Raises:
            UsageError: there is none.
            BundleError: it is for another method.
        """
        if bundle is None:
            raise UsageError(f"The method {self.id} needs a model: name a bundle with --model.")
        bundle.require_method(self.id)
        return bundle

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
