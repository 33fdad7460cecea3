"""The worker's program: ``python -u child.py --folder FOLDER [--path FOLDER ...]``. Requests come and answers go as lines of
JSON (:mod:`.serving`).

It finds its library by where it lies itself, so that it works where both libraries lie in one folder, as in Slicer, and in
the source tree, where ``--path`` names the other's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds the images, and takes results that are long")
    parser.add_argument("--path", action="append", default=[], help="where to find libraries, too")
    options = parser.parse_args()
    own = Path(__file__).absolute()
    # Python puts the folder of a program on its path: there our ``requests`` would hide the well-known one.
    sys.path[:] = [entry for entry in sys.path if Path(entry).absolute() != own.parent]
    # The parent's own library, not another version that may be installed as well.
    sys.path[:0] = [str(own.parents[3]), *options.path]
    from LesionDetectionLib.app.worker.serving import serve

    serve(options.folder)


if __name__ == "__main__":
    main()
