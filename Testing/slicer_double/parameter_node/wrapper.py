"""The class decorator: each annotated name becomes a property that is stored in the node."""

from __future__ import annotations

import typing
import weakref
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from ..problems import PROBLEMS
from .annotations import Default, Validator
from .containers import observed
from .storage import Codec, codec_of
from .widgets import connector

SlicerParameterNamePropertyName = "SlicerParameterName"


@dataclass
class Field:
    name: str
    kind: Any
    codec: Codec
    annotations: list[Any]
    default: Default

    def check(self, value: Any) -> None:
        self.codec.check(value)
        for annotation in self.annotations:
            if isinstance(annotation, Validator):
                annotation.validate(value)

    def write(self, node: Any, value: Any) -> None:
        self.check(value)
        self.codec.write(node, self.name, value)

    def read(self, node: Any) -> Any:
        if not self.codec.is_in(node, self.name):
            self.write(node, self.default.value)
        return self.codec.read(node, self.name)


class _Cached:
    """A field's value, read anew when the node was modified from outside."""

    def __init__(self, field: Field, node: Any) -> None:
        self.field, self.node = field, node
        self._writing = False
        self._tag: int | None = None
        if not field.codec.is_in(node, field.name):
            field.write(node, field.default.value)
        self._value = self._observed(field.read(node))
        weak = weakref.ref(self)
        self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: (s := weak()) and s._modified())

    def __del__(self) -> None:
        if self._tag is not None:
            self.node.RemoveObserver(self._tag)

    def _observed(self, value: Any) -> Any:
        return observed(value, self.write)

    def _modified(self) -> None:
        with PROBLEMS.caught(f"parameter {self.field.name}"):
            if not self._writing:
                self._value = self._observed(self.field.read(self.node))

    def read(self) -> Any:
        # A removed node reads as None.
        return self.field.read(self.node) if isinstance(self._value, slicer.vtkMRMLNode) else self._value

    def write(self, value: Any) -> None:
        self._writing = True
        try:
            with slicer.util.NodeModify(self.node):
                self.field.write(self.node, value)
                self._value = self._observed(self.field.read(self.node))
        finally:
            self._writing = False


def parameterNodeWrapper(classtype: Any = None) -> Any:
    """Class decorator, with and without parentheses."""
    return _wrapped if classtype is None else _wrapped(classtype)


def isParameterNodeWrapper(classOrObj: Any) -> bool:
    return bool(getattr(classOrObj, "_is_parameter_node_wrapper", False))


def _wrapped(cls: Any) -> Any:
    fields = {}
    for name, annotated in typing.get_type_hints(cls, include_extras=True).items():
        kind, *extra = typing.get_args(annotated) if typing.get_origin(annotated) is typing.Annotated else (annotated,)
        if hasattr(Wrapper, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        try:
            codec = codec_of(kind)
        except Exception as error:
            raise Exception(f"Unable to create serializer for {cls} member {name}") from error
        inside = next((item for item in extra if isinstance(item, Default)), None)
        default = Default(cls.__dict__[name]) if name in cls.__dict__ else inside or Default(codec.default())
        fields[name] = Field(name, kind, codec, extra, default)
    own = {name: value for name, value in cls.__dict__.items() if name not in (*fields, "__dict__", "__weakref__")}
    properties = {name: _property(name) for name in fields}
    return type(
        cls.__name__,
        (Wrapper, *[b for b in cls.__bases__ if b is not object]),
        {**own, **properties, "_fields": fields},
    )


def _property(name: str) -> property:
    return property(lambda self: self._values[name].read(), lambda self, value: self._values[name].write(value))


class Wrapper:
    """What the decorated class gets."""

    _is_parameter_node_wrapper = True
    _fields: dict[str, Field]

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        if prefix:
            raise NotImplementedError("The double does not imitate prefixes of parameter nodes")
        self.parameterNode = parameterNode
        self._guis: dict[int, dict[str, Any]] = {}
        self._next_tag = 0
        self._updating = False
        self._values = {name: _Cached(field, parameterNode) for name, field in self._fields.items()}

    def __setattr__(self, name: str, value: Any) -> None:
        """Real Slicer accepts an unknown name silently, and the value is lost: a test fails of it."""
        known = name in self._fields or name.startswith("_") or name == "parameterNode"
        if not known:
            PROBLEMS.add(f"{type(self).__name__} has no parameter {name}; Slicer would not say so")
        object.__setattr__(self, name, value)

    @property
    def allParameters(self) -> dict[str, Field]:
        return self._fields

    def default(self, name: str) -> Default:
        return self._field(name).default

    def dataType(self, name: str) -> Any:
        return self._field(name).kind

    def getValue(self, name: str) -> Any:
        self._field(name)
        return getattr(self, name)

    def setValue(self, name: str, value: Any) -> None:
        self._field(name)
        setattr(self, name, value)

    def _field(self, name: str) -> Field:
        if name not in self._fields:
            raise ValueError(f"Cannot find a param with the given name: {name}")
        return self._fields[name]

    def connectGui(self, gui: Any) -> None:
        """As in 5.8.1: returns None, so that what it connects can never be disconnected (recipes, section 2)."""
        if hasattr(gui, "isWidgetType"):
            widgets = [w for w in slicer.util.findChildren(gui) if w.isWidgetType()]
        else:
            widgets = list(vars(gui).values())
        named = {w.property(SlicerParameterNamePropertyName): w for w in widgets}
        self.connectParametersToGui({name: w for name, w in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Connect fields with widgets by name; one bad pair connects nothing. The first tag is 0."""
        connectors = {}
        for name, widget in mapping.items():
            field = self._field(name)
            connectors[name] = connector(widget, field.kind, field.annotations)
        tag = self._next_tag
        self._next_tag += 1
        self._guis[tag] = connectors
        for name, one in connectors.items():
            one.write(self.getValue(name))
            one.connect(self._from_widget(name, one))
        # The real one never takes this observer back either.
        self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._to_widgets())
        return tag

    def disconnectGui(self, guiTag: int) -> None:
        for one in self._guis.pop(guiTag, {}).values():
            one.disconnect()

    def _from_widget(self, name: str, one: Any) -> Any:
        def changed() -> None:
            if not self._updating:
                self.setValue(name, one.read())

        return changed

    def _to_widgets(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with PROBLEMS.caught("widgets of a parameter node"):
                for gui in list(self._guis.values()):
                    for name, one in gui.items():
                        one.write(self.getValue(name))
        finally:
            self._updating = False

    def StartModify(self) -> Any:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: Any) -> Any:
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> Any:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: Any) -> Any:
        return self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()
