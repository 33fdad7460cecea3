"""How PET/CT phantoms are scanned."""

from __future__ import annotations

from .petct_settings import PRESETS, PetCtSettings

PROTOCOL_NAMES = tuple(PRESETS)


def protocol(name: str, seed: int) -> PetCtSettings:
    """The settings of a phantom under a protocol of :data:`PROTOCOL_NAMES`; the same for each seed."""
    return PRESETS[name]
