"""Runs the self-test of the module inside Slicer."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

import LesionDetection


class test_LesionDetectionModule(ScriptedLoadableModuleTest):
    def runTest(self):
        slicer.util.selectModule("LesionDetection") if slicer.util.mainWindow() else None
        LesionDetection.LesionDetectionTest().runTest()
