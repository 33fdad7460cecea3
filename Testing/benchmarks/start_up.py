"""What loading the two modules costs when Slicer starts, and what their panels cost when they are opened.

``python Testing/benchmarks/start_up.py``. Slicer's part is played by the strict double (``Testing/slicer_double``), which has
Qt and MRML loaded beforehand, as Slicer has. Each stage is run in a new process, five times; the median counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTING = Path(__file__).resolve().parent.parent
LISTS = TESTING.parent.parent / "shared" / "slicer-api" / "slicer-5.8.1.json"
HEAVY = ("torch", "scipy", "cv2", "SimpleITK", "skimage", "pydicom", "highdicom", "matplotlib", "PIL", "yaml", "dask")
MODULES = ("LesionDetection", "LesionTraining")
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--lists", type=Path, default=LISTS, help="what Slicer 5.8.1 shows to Python (slicer-5.8.1.json)"
    )
    parser.add_argument("--one", choices=MODULES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one, options.lists)))
        return
    for name in MODULES:
        runs = [_in_new_process(name, options.lists) for _ in range(REPEATS)]
        print(f"{name}:")
        for stage in _TITLES:
            ms = statistics.median(run[stage]["ms"] for run in runs)
            added = runs[0][stage]["modules"]
            heavy = sorted({module.partition(".")[0] for module in added} & set(HEAVY))
            print(
                f"  {_TITLES[stage]}: {ms:.0f} ms, {len(added)} Python modules more; of the heavy ones: {', '.join(heavy) or 'none'}"
            )
            print(f"    {_grouped(added)}")
        there = sorted(set(runs[0]["before"]) & set(HEAVY))
        print(f"  (loaded by the double itself beforehand: {', '.join(there) or 'none of the heavy ones'})")


_TITLES = {
    "file": "loading the module file, at Slicer's start",
    "started": "at the end of Slicer's start",
    "setup": "making its panel, when it is first chosen",
    "enter": "entering it",
}


def measured(name: str, lists: Path) -> dict[str, object]:
    """Milliseconds and new Python modules of each stage, in this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(TESTING))
    import pytest
    from slicer_double import api
    from slicer_double.slicer_app import running

    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        patch = pytest.MonkeyPatch()
        os.environ["LESION_MODELS"] = folder
        with running(api.load(lists), Path(folder), patch) as app:
            _forget_ours()
            found["before"] = sorted({module.partition(".")[0] for module in sys.modules})
            found["file"] = _stage(lambda: app.load_logic(name))
            found["started"] = _stage(app.startup_completed)
            widget = []
            found["setup"] = _stage(lambda: widget.append(app.load_module(name)))
            found["enter"] = _stage(lambda: app.show(widget[0]))
        patch.undo()
    return found


def _forget_ours() -> None:
    """The double may have loaded parts of our libraries, which Slicer would not have."""
    for module in [module for module in sys.modules if module.startswith(("LesionDetectionLib", "LesionTrainingLib"))]:
        del sys.modules[module]


def _stage(action) -> dict[str, object]:
    before, start = set(sys.modules), time.perf_counter()
    action()
    ms = 1000 * (time.perf_counter() - start)
    return {"ms": ms, "modules": sorted(set(sys.modules) - before)}


def _in_new_process(name: str, lists: Path) -> dict:
    command = [sys.executable, __file__, "--one", name, "--lists", str(lists)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _grouped(modules: list[str]) -> str:
    """How many there are of each package."""
    counts: dict[str, int] = {}
    for module in modules:
        root = module.partition(".")[0]
        counts[root] = counts.get(root, 0) + 1
    return ", ".join(f"{root} ({count})" if count > 1 else root for root, count in sorted(counts.items())) or "none"


if __name__ == "__main__":
    main()
