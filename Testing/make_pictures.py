"""The pictures of the documentation: both panels, at work, on the strict double of Slicer; the viewer and reports in a browser.

``python Testing/make_pictures.py [--output FOLDER] [--only NAME ...]``. Everything in them is done by the program itself, by its
own worker process: the sample phantom is searched, phantoms are imported as DICOM and a small model is trained. Takes minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pictures_in_browser
import pictures_of_detection
import pictures_of_training
import pictures_of_uptake
from pictures_in_slicer import a_slicer

REPOSITORY = Path(__file__).resolve().parent.parent
LISTS = REPOSITORY.parent / "shared" / "slicer-api" / "slicer-5.8.1.json"
IN_SLICER: dict[str, Callable[[Any, Path], None]] = {
    **pictures_of_detection.SUBJECTS,
    **pictures_of_uptake.SUBJECTS,
    **pictures_of_training.SUBJECTS,
}
IN_BROWSER = pictures_in_browser.SUBJECTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "Resources" / "Screenshots")
    names = [*IN_SLICER, *IN_BROWSER]
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    parser.add_argument(
        "--lists", type=Path, default=LISTS, help="what Slicer 5.8.1 shows to Python (slicer-5.8.1.json)"
    )
    options = parser.parse_args()
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        if name in IN_BROWSER:
            IN_BROWSER[name](output)
            continue
        with a_slicer(options.lists.resolve()) as app:
            IN_SLICER[name](app, output)


if __name__ == "__main__":
    main()
