"""Runs the self-test of the module inside Slicer."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

import LesionTraining


class test_LesionTrainingModule(ScriptedLoadableModuleTest):
    def runTest(self):
        slicer.util.selectModule("LesionTraining") if slicer.util.mainWindow() else None
        LesionTraining.LesionTrainingTest().runTest()
