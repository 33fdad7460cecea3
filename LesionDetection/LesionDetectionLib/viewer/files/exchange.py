"""What comes in and goes out of one viewer, in one private folder that does not outlive it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.worker.private_folder import PrivateFolder

from ..options import ViewerOptions
from .downloads import Downloads
from .served import ServedFolder
from .uploads import Uploads

_GB = 10**9


class Exchange:
    """Attributes:
    uploads, downloads: answer their own addresses.
    served: the folder that is shown for choosing; None for none.
    """

    def __init__(self, options: ViewerOptions) -> None:
        self._folder = PrivateFolder()
        self.uploads = Uploads(self._folder.path, int(options.upload_limit_gb * _GB))
        self.downloads = Downloads(self._folder.path)
        self.served: ServedFolder | None = None

    @property
    def folder(self) -> Path:
        return self._folder.path

    def new_place(self, what: str) -> Path:
        """Where a folder may be made, in the private one."""
        return self._folder.path / f"{what}-{secrets.token_hex(8)}"

    def place(self, app: Any) -> None:
        """Answer in a web application that is not yet started."""
        self.uploads.place(app)
        self.downloads.place(app)

    def close(self) -> None:
        """Remove everything."""
        self.downloads.forget()
        self._folder.close()
