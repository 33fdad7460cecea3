"""The button with which a point is placed (qSlicerMarkupsPlaceWidget), on the real markups logic."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from .members import stored
from .watching import Watch


class qSlicerMarkupsPlaceWidget(QtWidgets.QWidget):
    activeMarkupsPlaceModeChanged = QtCore.Signal(bool)
    activeMarkupsFiducialPlaceModeChanged = QtCore.Signal(bool)
    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None
        self._node: Any = None
        self._watches: list[Watch] = []
        self._signalled = False
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._place = QtWidgets.QToolButton(self)
        self._place.setText("+")
        self._place.setCheckable(True)
        self._place.setToolTip("Place a control point")
        self._delete = QtWidgets.QToolButton(self)
        self._delete.setText("x")
        layout.addWidget(self._place)
        layout.addWidget(self._delete)
        self._place.toggled.connect(self.setPlaceModeEnabled)
        self._delete.clicked.connect(self.deleteLastPoint)
        self._update()

    def setMRMLScene(self, scene: Any) -> None:
        for watch in self._watches:
            watch.end()
        self._watches = []
        self._scene = scene
        if scene is not None:
            for node in (self.interactionNode(), self.selectionNode()):
                self._watches.append(Watch(self, node, self._update))
        self.mrmlSceneChanged.emit(scene)
        self._update()

    def interactionNode(self) -> Any:
        return slicer.app.applicationLogic().GetInteractionNode() if self._scene is not None else None

    def selectionNode(self) -> Any:
        return slicer.app.applicationLogic().GetSelectionNode() if self._scene is not None else None

    def setCurrentNode(self, node: Any) -> None:
        self._node = node if node is not None and node.IsA("vtkMRMLMarkupsNode") else None
        self._update()

    def currentNode(self) -> Any:
        return self._node

    def currentMarkupsNode(self) -> Any:
        return self._node

    def _active(self) -> bool:
        if self._scene is None or self._node is None:
            return False
        return bool(slicer.modules.markups.logic().GetActiveListID() == self._node.GetID())

    def _set_active(self, active: bool) -> None:
        if self._scene is not None and active != self._active():
            slicer.modules.markups.logic().SetActiveListID(self._node if active else None)
            if not active:
                self._leave()

    def _leave(self) -> None:
        interaction = self.interactionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    def _placing(self) -> bool:
        interaction = self.interactionNode()
        return bool(self._active() and interaction.GetCurrentInteractionMode() == interaction.Place)

    def setPlaceModeEnabled(self, enabled: bool) -> None:
        if self._scene is None or self._node is None or enabled == self._placing():
            return
        if enabled:
            self._set_active(True)
            interaction = self.interactionNode()
            single = int(self.property("placeMultipleMarkups")) == 2
            interaction.SetPlaceModePersistence(0 if single else int(bool(self.property("placeModePersistency"))))
            interaction.SetCurrentInteractionMode(interaction.Place)
        else:
            self._leave()

    def _update(self, _node: Any = None) -> None:
        self._place.setEnabled(self._node is not None and self._scene is not None)
        blocked = self._place.blockSignals(True)
        placing = self._placing()
        self._place.setChecked(placing)
        self._place.blockSignals(blocked)
        if placing != self._signalled:
            self._signalled = placing
            self.activeMarkupsPlaceModeChanged.emit(placing)
            self.activeMarkupsFiducialPlaceModeChanged.emit(placing)

    def deleteLastPoint(self) -> None:
        if self._node is not None and self._node.GetNumberOfControlPoints():
            self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    def deleteAllPoints(self) -> None:
        if self._node is not None:
            self._node.RemoveAllControlPoints()

    def placeButton(self) -> Any:
        return self._place

    def deleteButton(self) -> Any:
        return self._delete

    def setButtonsVisible(self, visible: bool) -> None:
        self._place.setVisible(visible)
        self._delete.setVisible(visible)

    def setPlaceMultipleMarkups(self, choice: int) -> None:
        self.setProperty("placeMultipleMarkups", int(choice))

    def setPlaceModePersistency(self, persistent: bool) -> None:
        self.setProperty("placeModePersistency", persistent)

    def setDeleteAllControlPointsOptionVisible(self, visible: bool) -> None:
        self.setProperty("deleteAllControlPointsOptionVisible", visible)

    def setDefaultNodeColor(self, color: QtGui.QColor) -> None:
        self.setProperty("defaultNodeColor", color)

    placeModeEnabled = QtCore.Property(bool, _placing, setPlaceModeEnabled)
    currentNodeActive = QtCore.Property(bool, _active, _set_active)
    placeMultipleMarkups = stored(int, 0)
    placeModePersistency = stored(bool, False)
    deleteAllControlPointsOptionVisible = stored(bool, True)
    deleteAllMarkupsOptionVisible = stored(bool, True)
    defaultNodeColor = stored(QtGui.QColor, None)
    nodeColor = stored(QtGui.QColor, None)
    buttonsVisible = QtCore.Property(bool, lambda self: not self._place.isHidden(), setButtonsVisible)
