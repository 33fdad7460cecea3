"""The settings of a method that a bundle stores, as they belong to its weights."""

from __future__ import annotations

from typing import TypeVar

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import BundleError, UsageError

from .plain_values import from_json

Settings = TypeVar("Settings")


def stored_settings(kind: type[Settings], bundle: Bundle | None, name: str) -> Settings:
    """The settings that belong to the bundle's weights; the plain defaults without one.

    Args:
        kind: a dataclass of plain values that all have defaults.
        name: of the entry of the manifest's settings that holds them.

    Raises:
        BundleError: the bundle names a setting that this program does not know, or a value of another kind.
    """
    if bundle is None:
        return kind()
    try:
        return from_json(kind, bundle.manifest.settings.get(name, {}))
    except (ValueError, UsageError) as error:
        raise BundleError(f"The settings in {bundle.source} do not fit this program: {error}.") from error
