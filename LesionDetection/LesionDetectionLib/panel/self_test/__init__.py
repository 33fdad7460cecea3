"""What the modules' self-tests share. Slicer's “Reload and Test” calls ``runTest`` of the class in the module file, which calls this.

Tests press the panel's own buttons, with its own worker process, and ask nothing; what a missing library makes impossible is
skipped, and said.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

PATIENCE_S = 300


class SelfTest:
    """All methods whose names begin with ``test_``, in the order in which they are written, each in an empty scene.

    Args:
        module: name of the module that is tested.
        say: shows a text for so many milliseconds (``ScriptedLoadableModuleTest.delayDisplay``).
    """

    def __init__(self, module: str, say: Callable[[str, int], None]) -> None:
        self._name, self._say = module, say

    def run(self) -> None:
        """Raises AssertionError where something is not as it should be."""
        for name in [name for name in vars(type(self)) if name.startswith("test_")]:
            slicer.mrmlScene.Clear()
            self.say(name.replace("_", " "))
            getattr(self, name)()

    def say(self, text: str) -> None:
        self._say(text, 100)

    @property
    def module(self) -> Any:
        """The module file, as it is loaded now."""
        return sys.modules[self._name]

    def panel(self) -> tuple[Any, Any]:
        """The panel and its widgets by name."""
        widget = slicer.util.getModuleWidget(self._name)
        assert widget.panel is not None, "setup() did not come to its end"
        return widget.panel, widget.ui

    def can(self, feature: str) -> bool:
        """Whether the libraries of a feature are there; says what is skipped where they are not: tests install nothing."""
        from LesionDetectionLib.app import packages

        lacking = ", ".join(found.package.name for found in packages.missing(feature))
        if lacking:
            self.say(_("Skipped: {libraries} not installed.").format(libraries=lacking))
        return not lacking

    def wait(self, until: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Let Qt's events pass until something is so."""
        waited = qt.QElapsedTimer()
        waited.start()
        while not until():
            assert waited.elapsed() < 1000 * seconds, "it took too long"
            loop = qt.QEventLoop()
            qt.QTimer.singleShot(20, loop.quit)
            loop.exec_()

    def check_that_nothing_is_left(self) -> Any:
        """A widget that is taken away observes nothing any more; its panel, which should have nothing under way either."""
        parent = slicer.qMRMLWidget()
        parent.setLayout(qt.QVBoxLayout())
        parent.setMRMLScene(slicer.mrmlScene)
        widget = getattr(self.module, f"{self._name}Widget")(parent)
        widget.setup()
        assert widget.panel is not None, "setup() did not come to its end"
        panel = widget.panel
        widget.cleanup()
        assert len(widget.Observations) == 0
        assert widget.panel is None
        slicer.mrmlScene.RemoveNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
        slicer.mrmlScene.Clear()
        parent.deleteLater()
        return panel
