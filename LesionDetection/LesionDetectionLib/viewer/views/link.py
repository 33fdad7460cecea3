"""What goes between the views here and their elements in the page: pictures there, the person's hand back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wslink import register
from wslink.websocket import LinkProtocol

EVENTS, PICTURES = "lesion.view.events", "lesion.view.pictures"
"""The call by which the page tells what was done in a view, and the topic under which it gets pictures."""

Event = Mapping[str, Any]
"""``type`` and what belongs to it; places are pixels of the page from the upper left corner of the view."""

_NEEDED: Mapping[str, Sequence[str]] = {
    "size": ("w", "h"),
    "shown": (),
    "hover": ("x", "y"),
    "click": ("x", "y"),
    "scroll": ("steps",),
    "slice": ("value",),
    "zoom": ("by", "x", "y"),
    "box": ("x", "y"),
    "line": ("x", "y", "x2", "y2"),
    "drag": ("dx", "dy", "x", "y"),
}
"""Numbers that belong to each type of event."""


class Area(Protocol):
    """What stands behind an element of the page."""

    name: str

    def on_event(self, event: Event) -> Any:
        """Something was done there; what is returned goes back to the page."""
        ...


def is_sound(event: Any) -> bool:
    """Whether it is what the page sends: a type, and numbers that are some. Anything else is passed over."""
    if not isinstance(event, Mapping):
        return False
    needed = _NEEDED.get(str(event.get("type")))
    return needed is not None and all(
        isinstance(event.get(name), (int, float)) and math.isfinite(event[name]) for name in needed
    )


class ViewLink(LinkProtocol):  # type: ignore[misc]
    """Of one server.

    Args:
        server: of trame, not yet started.
    """

    def __init__(self, server: Any) -> None:
        super().__init__()
        self._areas: dict[str, Area] = {}
        self._state = server.state
        server.add_protocol_to_configure(lambda protocol: protocol.registerLinkProtocol(self))

    def add(self, area: Area) -> None:
        self._areas[area.name] = area

    def _on_events(self, name: str, events: Sequence[Event]) -> Any:
        """What was done in a view since the last call, in order; the answer to the last that has one."""
        area = self._areas.get(name)
        answer = None
        if area is not None:
            with self._state:
                for event in events:
                    said = area.on_event(event) if is_sound(event) else None
                    answer = answer if said is None else said
        return answer

    on_events = register(EVENTS)(_on_events)

    def send(self, name: str, notes: Mapping[str, Any], picture: bytes | None = None) -> None:
        """Let a view show a picture (JPEG) with what is written over it, or, without one, only other notes."""
        message = {"view": name, "notes": dict(notes)}
        if picture is not None:
            message["picture"] = self.addAttachment(picture)
        self.publish(PICTURES, message)
