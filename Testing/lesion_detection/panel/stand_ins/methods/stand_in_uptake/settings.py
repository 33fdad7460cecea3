"""What can be set."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UptakeSettings:
    """All kinds of values."""

    lungs_only: bool = True
    least_suv: float = 2.5
    least_voxels: int = 4
    rule: str = "share"
    everything: bool = False
    operating_point: str = ""


def settings_for(_bundle):
    return UptakeSettings()
