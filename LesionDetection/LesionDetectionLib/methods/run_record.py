"""What every run tells of itself: which program, model, settings and device, and how long each stage took."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.core.bundle import Bundle


@dataclass
class Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """What has passed since the last stage ended, added to what the stage has already."""
        now = time.perf_counter()
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + now - self._since, 3)
        self._since = now


def provenance(bundle: Bundle | None, settings: Any, device: str, watch: Stopwatch, **more: Any) -> dict[str, Any]:
    """For :attr:`~LesionDetectionLib.core.detections.Detections.provenance`.

    Args:
        bundle: of the model; None for a method without.
        settings: dataclass of plain values.
        device: in words.
        more: plain values by name.
    """
    model = {}
    if bundle is not None:
        manifest = bundle.manifest
        model = {"model": {"name": manifest.name, "version": manifest.version, "sha256": bundle.digest}}
    return {
        "software": f"SlicerLesionDetection {__version__}",
        **model,
        "settings": asdict(settings),
        "device": device,
        "seconds": watch.seconds,
        **more,
    }
