"""Write the lists of shipped files in both modules' CMakeLists.txt anew: ``make lists``, after adding or removing a file."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def write_lists(module: Path) -> None:
    """Replace what stands between ``set(MODULE_PYTHON_SCRIPTS`` and the macro by what lies in the tree."""
    library = [
        p for p in sorted((module / f"{module.name}Lib").rglob("*")) if p.is_file() and p.parent.name != "__pycache__"
    ]
    resources = [p for p in sorted((module / "Resources").rglob("*")) if p.is_file()]
    scripts = [p for p in library if p.suffix == ".py"]
    others = [p for p in library if p.suffix != ".py"] + resources
    blocks = {"MODULE_PYTHON_SCRIPTS": ["${MODULE_NAME}.py", *scripts], "MODULE_PYTHON_RESOURCES": others}
    lists = "".join(
        f"set({name}\n" + "".join(f"  {p.relative_to(module) if isinstance(p, Path) else p}\n" for p in files) + ")\n\n"
        for name, files in blocks.items()
    )
    path = module / "CMakeLists.txt"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"set\(MODULE_PYTHON_SCRIPTS.*?(?=slicerMacroBuild)", lambda _: lists, text, flags=re.DOTALL),
        encoding="utf-8",
    )


if __name__ == "__main__":
    for name in ("LesionDetection", "LesionTraining"):
        write_lists(REPOSITORY / name)
