"""What a person chooses before Detect, in words, and what becomes of it: for every user interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import LesionDetectionError, UsageError
from LesionDetectionLib.io.display import modality_name
from LesionDetectionLib.io.mrml import image_from_node

from .message_place import MessagePlace
from .method_settings import Value, changed_values, first_values
from .models import ModelEntry
from .region import SearchRegion
from .session.session import DetectChoice
from .session.work import Work
from .translation import tr as _
from .worker.engine import Job
from .worker.requests import DetectRequest

# Method, model, device


def chosen_method(there: Mapping[str, MethodInfo], method_id: str) -> MethodInfo:
    """One of the methods that there are; the first where the choice is not known, as in a scene of another version."""
    return there.get(method_id, next(iter(there.values())))


def needs(info: MethodInfo) -> str:
    """What a person must have for a method, in a sentence."""
    needed, more = (list(map(modality_name, names)) for names in (info.required, info.optional))
    what = _(" and ").join([*needed, *([_("a trained model")] if info.needs_model else [])])
    if not more:
        return _("Needs {what}.").format(what=what)
    return _("Needs {what}, and {more} depending on its settings.").format(what=what, more=_(" and ").join(more))


def title_of(entry: ModelEntry) -> str:
    """A model in a list."""
    name = f"{entry.name} {entry.version}".strip()
    return _("{name} (cannot be used)").format(name=name) if entry.problem else name


def about_model(info: MethodInfo, entry: ModelEntry | None, where_from: str) -> str:
    """What to know of the chosen model, or that there is none; empty for a method without models.

    Args:
        where_from: a sentence that says how to get a model.
    """
    if entry is not None:
        return entry.problem or entry.line
    return f"{_no_model()} {where_from}".strip() if info.needs_model else ""


def _no_model() -> str:
    return _("There is no model for this method.")


def phantom_warning(entry: ModelEntry | None) -> tuple[str, str]:
    """What a model learned from, and what that means; empty texts where it did not learn from phantoms only."""
    if entry is None or not entry.on_phantoms or entry.problem:
        return "", ""
    return (
        _("Trained on computer-made phantoms only."),
        _("On patients it shows how the program works, not what is there."),
    )


def device_choices(known: Sequence[Mapping[str, str]] = ()) -> list[tuple[str, str]]:
    """What there is to compute on, each with its title: as the worker says (result of ``DevicesRequest``), or what there is
    everywhere."""
    return [(one["id"], one["title"]) for one in known] or [("auto", _("Automatic")), ("cpu", _("CPU"))]


def settings_of(
    info: MethodInfo, entry: ModelEntry | None, wanted: Mapping[str, Any]
) -> tuple[dict[str, Value], dict[str, Value]]:
    """A method's settings by name: what they are while nobody changes them, and those of ``wanted`` that differ from that.

    Raises:
        BundleError: the model cannot be read.
    """
    first = first_values(info, Path(entry.path) if entry is not None else None)
    return first, changed_values(info.choices, first, wanted)


# What can be detected, and what is


def why_not(info: MethodInfo, volumes: Mapping[str, Any], entry: ModelEntry | None, busy: bool = False) -> str:
    """Why nothing can be detected now, in a sentence; empty where it can.

    Args:
        volumes: the chosen volume nodes by modality.
        entry: the chosen model.
        busy: whether a measurement is running.
    """
    if busy:
        return _("A measurement is running.")
    for modality in info.required:
        if volumes.get(modality) is None:
            return _("Choose a {modality} first.").format(modality=modality_name(modality))
    for node in _used(info, volumes).values():
        try:
            image_from_node(node)
        except LesionDetectionError as error:
            return str(error)
    if not info.needs_model:
        return ""
    return entry.problem if entry is not None else _no_model()


def detect_choice(
    info: MethodInfo,
    volumes: Mapping[str, Any],
    entry: ModelEntry | None,
    device: str = "auto",
    settings: Mapping[str, Value] | None = None,
    region: SearchRegion | None = None,
) -> DetectChoice:
    """What would be detected now.

    Args:
        settings: those that were changed.
        region: to search; the whole scan where None.

    Raises:
        UsageError: something is missing.
    """
    if why := why_not(info, volumes, entry):
        raise UsageError(why)
    return DetectChoice(
        volumes=_used(info, volumes),
        method=info.id,
        model=Path(entry.path) if entry else None,
        device=device or "auto",
        region_ras_mm=region.box if region is not None else None,
        settings=dict(settings or {}),
    )


def _used(info: MethodInfo, volumes: Mapping[str, Any]) -> dict[str, Any]:
    """The volumes that the method works on."""
    return {modality: volumes[modality] for modality in info.modalities if volumes.get(modality) is not None}


# How the work goes on


@dataclass(frozen=True)
class DetectButton:
    """What the button that starts and cancels shows.

    Attributes:
        text, tip: of the button.
        enabled: whether it can be pressed.
        hint: beside it, why it cannot; often empty.
        running: whether it is being detected, so that progress is shown.
        fraction, progress: how far that is, 0 to 1, and in words.
    """

    text: str
    tip: str
    enabled: bool = True
    hint: str = ""
    running: bool = False
    fraction: float = 0.0
    progress: str = ""


def detect_button(session: Work, why_not: Callable[[], str]) -> DetectButton:
    """The button as it is now; ``why_not`` says why nothing can be detected, and is asked only where that matters."""
    job = detecting(session)
    if job is not None:
        stopping = job.state == "cancelling"
        return DetectButton(
            text=_("Cancelling") if stopping else _("Cancel"),
            tip=_("Stop; nothing is kept of what was found so far."),
            enabled=not stopping,
            running=True,
            fraction=job.fraction,
            progress=_("Waiting for the worker") if job.state == "waiting" else job.text,
        )
    why = why_not()
    return DetectButton(
        text=_("Detect"),
        tip=why or _("Find the lesions; each run makes a new result and changes none."),
        enabled=not why,
        hint="" if session.busy else why,  # a measurement is over before it is read
    )


def detecting(session: Work) -> Job | None:
    """The detection under way; None for none."""
    job = session.job
    return job if job is not None and not job.finished and isinstance(job.request, DetectRequest) else None


def say_end(session: Work, message: MessagePlace) -> None:
    """Say how a detection ended, whenever the session says that the work has gone on; nothing while it goes on."""
    job = session.job
    if job is None or not isinstance(job.request, DetectRequest):
        return
    if job.state == "failed":
        message.warn(session.message, job.details)
    elif job.state == "cancelled":
        message.note(_("Cancelled. Nothing was added to the scene."))
    elif job.state == "done":
        message.note(session.message)
