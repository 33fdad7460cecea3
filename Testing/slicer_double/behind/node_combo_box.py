"""Selectors of MRML nodes, driven by the real scene."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from .members import stored
from .watching import Watch

_ROLE = int(QtCore.Qt.ItemDataRole.UserRole)


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Lists the scene's nodes of its types, in the scene's order.

    Without a scene it is disabled. Where None is not offered, the first node that comes is chosen by itself. While a scene is
    loaded or closed it waits for the end; then it begins anew, and what was chosen no longer is
    (``qMRMLSceneModel::onMRMLSceneImported``, ``onMRMLSceneClosed``). A batch alone does not matter to it.
    """

    currentNodeChanged = QtCore.Signal(object)
    currentNodeIDChanged = QtCore.Signal(str)
    currentNodeRenamed = QtCore.Signal(str)
    nodeAboutToBeEdited = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)
    nodeActivated = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None
        self._watches: list[Watch] = []
        self._attributes: dict[str, dict[str, str | None]] = {}
        self._labels: dict[str, str] = {}
        self._shown_id = ""
        self._box = self._make_box()
        self._box.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._index_changed)
        self._box.activated.connect(lambda _index: self.nodeActivated.emit(self.currentNode()))
        self.setEnabled(False)

    def _make_box(self) -> QtWidgets.QComboBox:
        return QtWidgets.QComboBox(self)

    # --- the scene ---

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        for watch in self._watches:
            watch.end()
        self._watches = []
        self._scene = scene
        if scene is not None:
            kind = slicer.vtkMRMLScene
            self._watches.append(Watch(self, scene, self._scene_changed, kind.NodeAddedEvent, kind.NodeRemovedEvent))
            self._watches.append(Watch(self, scene, self._begin_anew, kind.EndImportEvent, kind.EndCloseEvent))
        self.setEnabled(scene is not None)
        self._refresh()

    def mrmlScene(self) -> Any:
        return self._scene

    def _scene_changed(self, scene: Any) -> None:
        if not scene.IsImporting() and not scene.IsClosing():
            self._refresh()

    def _begin_anew(self, _scene: Any) -> None:
        for row in reversed(range(self._box.count())):
            if self._box.itemData(row, _ROLE):
                self._box.removeItem(row)
        self._refresh()

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        count = self._scene.GetNumberOfNodes()
        return [node for n in range(count) if self._wanted(node := self._scene.GetNthNode(n))]

    def _wanted(self, node: Any) -> bool:
        types = self.property("nodeTypes") or []
        if node.GetHideFromEditors() and not self.property("showHidden"):
            return False
        if any(node.IsA(hidden) for hidden in self.property("hideChildNodeTypes") or []):
            return False
        if self.property("showChildNodeTypes"):
            found = next((kind for kind in types if node.IsA(kind)), None)
        else:
            found = next((kind for kind in types if node.GetClassName() == kind), None)
        if found is None:
            return False
        wanted = self._attributes.get(found, {})
        return all(
            node.GetAttribute(name) is not None and (value is None or node.GetAttribute(name) == value)
            for name, value in wanted.items()
        )

    def _refresh(self) -> None:
        """Bring the rows up to date, one by one, so that the choice moves as Qt moves it."""
        nodes = self._nodes()
        rows = [(node.GetID(), node.GetName() or "") for node in nodes]
        if self.property("noneEnabled"):
            rows.insert(0, ("", str(self.property("noneDisplay"))))
        kept = {identity for identity, _ in rows}
        fresh = []
        for row in reversed(range(self._box.count())):
            if self._box.itemData(row, _ROLE) not in kept:
                self._box.removeItem(row)
        for row, (identity, name) in enumerate(rows):
            if row < self._box.count() and self._box.itemData(row, _ROLE) == identity:
                self._box.setItemText(row, name)
                continue
            self._box.insertItem(row, name, identity)
            self._watch_name(identity)
            fresh.append(identity)
        for identity in fresh:
            if identity:
                self.nodeAdded.emit(self._scene.GetNodeByID(identity))

    def _watch_name(self, identity: str) -> None:
        node = self._scene.GetNodeByID(identity) if identity else None
        if node is not None:
            self._watches.append(Watch(self, node, self._node_modified))

    def _node_modified(self, node: Any) -> None:
        row = self._box.findData(node.GetID(), _ROLE)
        if row >= 0 and not self._wanted(node):
            self._refresh()
        elif row >= 0 and self._box.itemText(row) != node.GetName():
            self._box.setItemText(row, node.GetName() or "")
            if row == self._box.currentIndex():
                self.currentNodeRenamed.emit(node.GetName() or "")

    # --- the choice ---

    def _index_changed(self, row: int) -> None:
        identity = (self._box.itemData(row, _ROLE) if row >= 0 else "") or ""
        if identity == self._shown_id:
            return
        self._shown_id = identity
        self.currentNodeChanged.emit(self.currentNode())
        self.currentNodeIDChanged.emit(identity)

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._shown_id) if self._scene is not None and self._shown_id else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID("" if node is None else node.GetID())

    def setCurrentNodeID(self, identity: str | None) -> None:
        row = self._box.findData(identity or "", _ROLE)
        self._box.setCurrentIndex(row)

    def setCurrentNodeIndex(self, index: int) -> None:
        self._box.setCurrentIndex(index + int(bool(self.property("noneEnabled"))))

    def nodeFromIndex(self, index: int) -> Any:
        identity = self._box.itemData(index + int(bool(self.property("noneEnabled"))), _ROLE)
        return self._scene.GetNodeByID(identity) if identity else None

    def nodeCount(self) -> int:
        return self._box.count() - int(bool(self.property("noneEnabled")))

    # --- changing the scene ---

    def addNode(self, kind: str = "") -> Any:
        kind = kind or (self.property("nodeTypes") or [""])[0]
        name = self._scene.GenerateUniqueName(self.property("baseName") or self._scene.GetTagByClassName(kind) or kind)
        node = self._scene.AddNewNodeByClass(kind, name)
        if self.property("selectNodeUponCreation"):
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        node = self.currentNode()
        if node is not None:
            self.nodeAboutToBeRemoved.emit(node)
            self._scene.RemoveNode(node)

    def editCurrentNode(self) -> None:
        if self.currentNode() is not None:
            self.nodeAboutToBeEdited.emit(self.currentNode())

    def addAttribute(self, kind: str, name: str, value: str | None = None) -> None:
        self._attributes.setdefault(kind, {})[name] = value
        self._refresh()

    def removeAttribute(self, kind: str, name: str) -> None:
        self._attributes.get(kind, {}).pop(name, None)
        self._refresh()

    def nodeTypeLabel(self, kind: str) -> str:
        return self._labels.get(kind, kind.removeprefix("vtkMRML").removesuffix("Node"))

    def setNodeTypeLabel(self, label: str, kind: str) -> None:
        self._labels[kind] = label

    nodeTypes = stored("QStringList", [], "_refresh")
    hideChildNodeTypes = stored("QStringList", [], "_refresh")
    showChildNodeTypes = stored(bool, True, "_refresh")
    showHidden = stored(bool, False, "_refresh")
    noneEnabled = stored(bool, False, "_refresh")
    noneDisplay = stored(str, "None", "_refresh")
    addEnabled = stored(bool, True)
    removeEnabled = stored(bool, True)
    editEnabled = stored(bool, False)
    renameEnabled = stored(bool, False)
    selectNodeUponCreation = stored(bool, True)
    baseName = stored(str, "")
    interactionNodeSingletonTag = stored(str, "Singleton")
    sizeAdjustPolicy = stored(int, 1)
    currentNodeID = QtCore.Property(str, lambda self: self._shown_id, setCurrentNodeID)
    currentNodeId = QtCore.Property(str, lambda self: self._shown_id, setCurrentNodeID)


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """Several nodes can be checked."""

    checkedNodesChanged = QtCore.Signal()

    def _make_box(self) -> QtWidgets.QComboBox:
        from .combo_boxes import ctkCheckableComboBox

        box = ctkCheckableComboBox(self)
        box.checkedIndexesChanged.connect(self.checkedNodesChanged)
        return box

    def _ids(self, wanted: bool) -> list[str]:
        checked = QtCore.Qt.CheckState.Checked
        rows = range(self._box.count())
        return [
            self._box.itemData(row, _ROLE)
            for row in rows
            if (self._box.model().item(row).checkState() == checked) is wanted and self._box.itemData(row, _ROLE)
        ]

    def checkedNodes(self) -> list[Any]:
        return [self._scene.GetNodeByID(identity) for identity in self._ids(True)]

    def uncheckedNodes(self) -> list[Any]:
        return [self._scene.GetNodeByID(identity) for identity in self._ids(False)]

    def setCheckState(self, node: Any, state: int) -> None:
        row = self._box.findData(node.GetID(), _ROLE)
        if row >= 0:
            self._box.model().item(row).setCheckState(QtCore.Qt.CheckState(state))

    def checkState(self, node: Any) -> Any:
        return self._box.model().item(self._box.findData(node.GetID(), _ROLE)).checkState()

    def check(self, node: Any) -> None:
        self.setCheckState(node, 2)

    def uncheck(self, node: Any) -> None:
        self.setCheckState(node, 0)

    def allChecked(self) -> bool:
        return not self._ids(False)

    def noneChecked(self) -> bool:
        return not self._ids(True)
