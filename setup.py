"""The part of the build that pyproject.toml cannot say: a wheel carries the module's resources inside the library.

In the source tree and in Slicer they lie beside it (``LesionDetectionLib.core.resources`` looks in both places).
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithResources(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "LesionDetectionLib" / "Resources"
            shutil.copytree(Path("LesionDetection") / "Resources", target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithResources})
