"""How PET phantoms are scanned."""

from __future__ import annotations

from .pet_settings import PRESETS, PetPhantomSettings

PROTOCOL_NAMES = tuple(PRESETS)


def protocol(name: str, seed: int) -> PetPhantomSettings:
    """The settings of a phantom under a protocol of :data:`PROTOCOL_NAMES`; the same for each seed."""
    return PRESETS[name]
