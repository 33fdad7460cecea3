"""What a viewer is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

UPLOAD_LIMIT_GB = 4.0


@dataclass(frozen=True)
class ViewerOptions:
    """Attributes:
    scans: what is opened first: image files, folders of DICOM, a Slicer scene.
    folder: whose scans a person can choose from in the page; None for none. Nothing outside of it is ever read for a browser.
    series: which DICOM series, where a folder holds several: number, UID or description; empty for none.
    port: on the loopback interface; 0 for a free one.
    browser: open the link in the user's usual browser.
    models: folder of the user's models; the usual one where None.
    device: that is chosen at first.
    phantom: make and open a phantom.
    upload_limit_gb: of all files that a browser sends, together.
    training: whether the page for training is there.
    """

    scans: tuple[Path, ...] = ()
    folder: Path | None = None
    series: str = ""
    port: int = 0
    browser: bool = False
    models: Path | None = None
    device: str = "auto"
    phantom: bool = False
    upload_limit_gb: float = UPLOAD_LIMIT_GB
    training: bool = True
