"""Windows that a person can choose from, by what an image is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from LesionDetectionLib.io.display import LUNG, SOFT_TISSUE, SUV, Window

AS_LOADED = "as loaded"
_INVERTED = "vtkMRMLColorTableNodeInvertedGrey"
_GREY = "vtkMRMLColorTableNodeGrey"

_CT = {
    "lung": ("Lung", LUNG),
    "soft": ("Soft tissue, abdomen", SOFT_TISSUE),
    "liver": ("Liver", Window(160, 80)),
    "bone": ("Bone", Window(1800, 400)),
    "brain": ("Brain", Window(80, 40)),
}
_PET = {
    "suv6": ("SUV 0 to 6", SUV),
    "suv10": ("SUV 0 to 10", Window(10, 5, inverted=True)),
    "suv3": ("SUV 0 to 3", Window(3, 1.5, inverted=True)),
}
_OF: Mapping[str, Mapping[str, tuple[str, Window]]] = {"CT": _CT, "PT": _PET}
_SAME = 0.01
"""Share of a window's width in which two are the same."""


class Look(NamedTuple):
    """How a volume is shown: window and colours."""

    width: float
    level: float
    color: str

    @classmethod
    def of(cls, volume_node: Any) -> Look | None:
        """None where the volume has no display node."""
        display = volume_node.GetScalarVolumeDisplayNode()
        if display is None:
            return None
        return cls(display.GetWindow(), display.GetLevel(), display.GetColorNodeID() or "")

    def put_on(self, volume_node: Any) -> None:
        display = volume_node.GetScalarVolumeDisplayNode()
        if display is None:
            return
        modifying = display.StartModify()
        display.AutoWindowLevelOff()
        display.SetWindowLevel(self.width, self.level)
        if self.color and display.GetColorNodeID() != self.color:
            display.SetAndObserveColorNodeID(self.color)
        display.EndModify(modifying)

    def same_window(self, other: Look) -> bool:
        near = _SAME * max(self.width, 1e-9)
        return abs(self.width - other.width) <= near and abs(self.level - other.level) <= near


def presets(modality: str) -> dict[str, str]:
    """Titles by name; those of an image of unknown kind are only how it was loaded."""
    return {name: title for name, (title, _window) in _OF.get(modality, {}).items()}


def look(modality: str, name: str) -> Look:
    """How a volume of this modality is shown with this preset. Raises KeyError where there is no such."""
    _title, window = _OF[modality][name]
    return Look(window.width, window.level, _INVERTED if window.inverted else _GREY)


def preset_of(modality: str, now: Look | None) -> str:
    """Name of the preset that a volume is shown with; empty for none of them."""
    for name in _OF.get(modality, {}) if now is not None else ():
        if look(modality, name).same_window(now):  # type: ignore[arg-type]
            return name
    return ""
