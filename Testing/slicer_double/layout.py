"""The layout manager and its views: real MRML nodes and logics, no pixels."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .behind.plot_view import qMRMLPlotView

SLICES = (("Red", "Axial", "R"), ("Yellow", "Sagittal", "Y"), ("Green", "Coronal", "G"))


class qMRMLSliceView(QtWidgets.QWidget):
    def __init__(self, node: Any) -> None:
        super().__init__()
        self._node = node

    def mrmlSliceNode(self) -> Any:
        return self._node

    def scheduleRender(self) -> None:
        """Nothing is drawn."""

    def forceRender(self) -> None:
        """Nothing is drawn."""


class qMRMLSliceWidget(QtWidgets.QWidget):
    """One slice view: its slice node, composite node and logic are real."""

    def __init__(self, scene: Any, logic: Any, name: str, orientation: str, label: str) -> None:
        super().__init__()
        self._node = _view_node(scene, "vtkMRMLSliceNode", name)
        self._node.SetLayoutLabel(label)
        self._node.SetOrientation(orientation)
        self._node.SetDimensions(400, 400, 1)
        self._node.SetFieldOfView(400.0, 400.0, 1.0)
        self._composite = _view_node(scene, "vtkMRMLSliceCompositeNode", name)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(logic)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSliceNode(self._node)
        self._logic.SetSliceCompositeNode(self._composite)
        self._view = qMRMLSliceView(self._node)

    def mrmlSliceNode(self) -> Any:
        return self._node

    def mrmlSliceCompositeNode(self) -> Any:
        return self._composite

    def sliceLogic(self) -> Any:
        return self._logic

    def sliceView(self) -> Any:
        return self._view

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToAll()


class qMRMLPlotWidget(QtWidgets.QWidget):
    def __init__(self, node: Any) -> None:
        super().__init__()
        self._node = node
        self._view = qMRMLPlotView(self)
        self._view.setMRMLPlotViewNode(node)

    def mrmlPlotViewNode(self) -> Any:
        return self._node

    def plotView(self) -> Any:
        return self._view


class qSlicerLayoutManager(QtCore.QObject):
    layoutChanged = QtCore.Signal(int)

    def __init__(self, scene: Any, logic: Any) -> None:
        super().__init__()
        self._scene = scene
        self._slices = {name: qMRMLSliceWidget(scene, logic, name, axis, label) for name, axis, label in SLICES}
        self._plots: list[Any] = []
        self._node = scene.AddNode(slicer.vtkMRMLLayoutNode())
        # Not of this object: an observer that held it would keep scene and manager alive for each other.
        self._node.AddObserver("ModifiedEvent", _make_plot_view)

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> Any:
        return self._slices.get(name)

    def mrmlScene(self) -> Any:
        return self._scene

    def mrmlSliceLogics(self) -> Any:
        logics = vtk.vtkCollection()
        for widget in self._slices.values():
            logics.AddItem(widget.sliceLogic())
        return logics

    def plotWidget(self, index: int) -> Any:
        nodes = self._scene.GetNodesByClass("vtkMRMLPlotViewNode")
        nodes.UnRegister(None)
        node = nodes.GetItemAsObject(index)
        if node is None:
            return None
        known = next((widget for widget in self._plots if widget.mrmlPlotViewNode() is node), None)
        if known is None:
            known = qMRMLPlotWidget(node)
            self._plots.append(known)
        return known

    def threeDWidget(self, index: int) -> Any:
        raise NotImplementedError("The double has no 3D views")

    def setLayout(self, number: int) -> None:
        if number != self._node.GetViewArrangement():
            self._node.SetViewArrangement(number)
            self.layoutChanged.emit(number)

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """There is no 3D view."""

    layout = QtCore.Property(int, lambda self: self._node.GetViewArrangement(), setLayout)
    plotViewCount = QtCore.Property(int, lambda self: self._scene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode"))
    threeDViewCount = QtCore.Property(int, lambda self: 0)
    tableViewCount = QtCore.Property(int, lambda self: 0)


def _view_node(scene: Any, class_name: str, name: str) -> Any:
    node = scene.CreateNodeByClass(class_name)  # with the scene's defaults: orientation presets
    node.UnRegister(None)
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    node.SetName(name)
    return scene.AddNode(node)


def _plot_layouts() -> set[int]:
    """Numbers of the layouts that have a plot view."""
    kind = slicer.vtkMRMLLayoutNode
    return {getattr(kind, name) for name in dir(kind) if name.startswith("SlicerLayout") and "Plot" in name}


def _make_plot_view(node: Any, _event: str) -> None:
    """Slicer's layout makes the nodes of its views when it is chosen; the plots' logic then shows charts in them."""
    scene = node.GetScene()
    if node.GetViewArrangement() not in _plot_layouts() or scene is None:
        return
    if scene.GetFirstNodeByClass("vtkMRMLPlotViewNode") is None:
        view = slicer.vtkMRMLPlotViewNode()
        view.SetSingletonTag("PlotView1")
        view.SetLayoutName("PlotView1")
        view.SetName("PlotView1")
        scene.AddNode(view)
