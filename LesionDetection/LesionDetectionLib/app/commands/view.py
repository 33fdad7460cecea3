"""``lesion view``: look at scans in a browser, find lesions in them, and train, without Slicer."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.options import add_command
from LesionDetectionLib.core.errors import DependencyError, InputError, UsageError
from LesionDetectionLib.core.late import load

_NEEDED = ("trame", "trame_slicer", "slicer", "aiohttp")
_HIGHEST_PORT = 65535
_MOST_GB = 100_000


_EXAMPLES = """examples:
  a scan                 lesion view chest.nrrd
  a phantom, to try it   lesion view --phantom
  on another computer    lesion view --port 8123 --no-browser scans     # and here: ssh -L 8123:127.0.0.1:8123 that-computer
"""


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "view",
        "look at scans in a browser: detect, measure, review, train",
        "[SCAN|SCENE|FOLDER ...]",
        examples=_EXAMPLES,
        description="Serves a page to one browser on this machine, and prints its link. Ctrl-C ends it.",
    )
    parser.add_argument(
        "scan",
        nargs="*",
        type=Path,
        metavar="SCAN|SCENE|FOLDER",
        help="image files, a DICOM folder, a scene of Slicer (.mrb); or one folder with several scans, to choose from in the page",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="on this machine (default: a free one)")
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the link; the usual browser opens it else"
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of your models (default: the usual one)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument(
        "--series",
        default="",
        metavar="S",
        help="which DICOM series, where a folder holds several: number, UID or description",
    )
    parser.add_argument("--phantom", action="store_true", help="make a computer-made chest, and open it")
    parser.add_argument(
        "--upload-limit",
        type=float,
        default=4.0,
        metavar="GB",
        help="the most that the page takes at once (default: 4)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    _require_libraries()
    if not 0 <= options.port <= _HIGHEST_PORT:
        raise UsageError(f"--port must be a number from 0 to {_HIGHEST_PORT}, not {options.port}.")
    if not 0 < options.upload_limit < _MOST_GB:
        raise UsageError(f"--upload-limit must be a number of gigabytes above 0 and below {_MOST_GB}.")
    for path in options.scan:
        if not path.exists():
            raise InputError(f"There is no file or folder {path}. Check the path.")
    if options.models is not None and not options.models.is_dir():
        raise InputError(f"There is no folder {options.models}, which --models names. Check the path.")
    viewer_options = load("LesionDetectionLib.viewer.options:ViewerOptions")
    load("LesionDetectionLib.viewer.server:serve")(
        viewer_options(
            scans=tuple(options.scan),
            series=options.series,
            port=options.port,
            browser=not options.no_browser,
            models=options.models,
            device=options.device,
            phantom=options.phantom,
            upload_limit_gb=options.upload_limit,
        )
    )


def _require_libraries() -> None:
    """
    Raises:
        DependencyError: the viewer's own libraries are not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"The viewer needs libraries that are not installed ({', '.join(missing)}): "
            "pip install 'slicer-lesion-detection[viewer]'"
        )
