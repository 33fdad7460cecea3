"""What can be set."""

from dataclasses import dataclass

from LesionDetectionLib.core.errors import BundleError


@dataclass(frozen=True)
class LearnedSettings:
    least: float = 0.5
    operating_point: str = ""


def settings_for(bundle):
    if bundle is None:
        return LearnedSettings()
    try:
        return LearnedSettings(least=float(bundle.manifest.settings["least"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"The settings in {bundle.source} do not fit this program.") from error
