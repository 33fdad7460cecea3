"""Install what the modules need into a Slicer, as the panel does it, but without asking: for automatic tests.

``Slicer/bin/PythonSlicer Testing/set_up_slicer.py [PIP OPTION ...]``. Slicer's own libraries keep their versions; what must
not meet them goes into a folder of our own. PyTorch is left to whoever calls this: which build is wanted, only they know.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "LesionDetection"))

from LesionDetectionLib.app import installing, packages


def pip(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", *sys.argv[1:], *arguments], check=True)


def main() -> None:
    lacking = [one for one in packages.state() if not (one.good or one.package.rare or one.package.name == "torch")]
    installing.refuse_to_replace(lacking)
    usual = [one for one in lacking if not one.package.apart]
    apart = [one for one in lacking if one.package.apart]
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "constraints.txt"
        if usual:
            held.write_text(installing.constraints(usual), encoding="utf-8")
            pip(["--constraint", str(held), *(one.package.requirement for one in usual)])
        if apart:
            held.write_text(installing.constraints(apart, apart=True), encoding="utf-8")
            installing.install_apart(pip, ["--constraint", str(held)], apart, packages.libraries_folder())
    wrong = [one.problem for one in packages.state() if not (one.good or one.package.rare)]
    for one in packages.state():
        print(f"{one.package.name:25} {one.version or 'missing':15} {'apart' if one.apart else ''}")
    sys.exit("; ".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
