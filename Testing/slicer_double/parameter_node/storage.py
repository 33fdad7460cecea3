"""Values of typed fields in a real vtkMRMLScriptedModuleNode, so that they are saved with the scene."""

from __future__ import annotations

import ast
import enum
import types
import typing
from pathlib import Path, PurePath
from typing import Any

import slicer

from .annotations import FloatRange

_PLAIN = (int, float, str, bool)


class Codec:
    """How a field of one type is stored. ``check`` raises what the real wrapper raises for a wrong value."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def default(self) -> Any:
        return self.kind()

    def check(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")
        allowed = (int, float) if self.kind is float else self.kind
        if not isinstance(value, allowed):
            raise TypeError(f"Value must be of type {self.kind}, is {type(value)}")

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, str(value))

    def read(self, node: Any, name: str) -> Any:
        return self.kind(node.GetParameter(name))

    def is_in(self, node: Any, name: str) -> bool:
        return bool(node.GetParameter(name)) or name in node.GetParameterNames()


class BoolCodec(Codec):
    def read(self, node: Any, name: str) -> bool:
        return bool(node.GetParameter(name) == "True")


class EnumCodec(Codec):
    """Stored by name."""

    def default(self) -> Any:
        return next(iter(self.kind))

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, value.name)

    def read(self, node: Any, name: str) -> Any:
        return self.kind[node.GetParameter(name)]


class NodeCodec(Codec):
    """A reference to a node; None once it is removed."""

    def default(self) -> None:
        return None

    def check(self, value: Any) -> None:
        if value is not None and not isinstance(value, self.kind):
            raise TypeError(f"Value must be of type {self.kind}, is {type(value)}")

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)


class LiteralCodec(Codec):
    """Lists, tuples, dicts and unions of plain values."""

    def __init__(self, kind: Any, origin: Any) -> None:
        super().__init__(kind)
        self._origin = origin

    def default(self) -> Any:
        return self._origin()

    def check(self, value: Any) -> None:
        if not isinstance(value, self._origin):
            raise TypeError(f"Value must be of type {self._origin}, is {type(value)}")
        arguments = typing.get_args(self.kind)
        inner = [*value, *value.values()] if isinstance(value, dict) else list(value)
        for item in inner:
            if not any(_fits(item, argument) for argument in arguments if argument is not Ellipsis):
                raise TypeError(f"{item!r} is not of the type in {self.kind}")

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, repr(_encoded(value)))

    def read(self, node: Any, name: str) -> Any:
        return _decoded(ast.literal_eval(node.GetParameter(name)), self.kind)


class OptionalCodec(Codec):
    """``Optional[...]`` and unions of plain types."""

    def __init__(self, kind: Any, parts: list[Codec | None]) -> None:
        super().__init__(kind)
        self._parts = parts

    def default(self) -> Any:
        return None if None in self._parts else self._parts[0].default()  # type: ignore[union-attr]

    def _part(self, value: Any) -> int:
        for n, part in enumerate(self._parts):
            if part is None:
                if value is None:
                    return n
                continue
            try:
                part.check(value)
            except (TypeError, ValueError):
                continue
            if part.kind is not float or isinstance(value, float) or len(self._parts) == 2:
                return n
        raise TypeError(f"{value!r} is none of {self.kind}")

    def check(self, value: Any) -> None:
        self._part(value)

    def write(self, node: Any, name: str, value: Any) -> None:
        n = self._part(value)
        node.SetParameter(name, str(n))
        part = self._parts[n]
        if part is not None:
            part.write(node, f"{name}_value", value)

    def read(self, node: Any, name: str) -> Any:
        part = self._parts[int(node.GetParameter(name))]
        return None if part is None else part.read(node, f"{name}_value")


class FloatRangeCodec(Codec):
    def default(self) -> Any:
        return FloatRange(0.0, 0.0)

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, repr((value.minimum, value.maximum)))

    def read(self, node: Any, name: str) -> Any:
        return FloatRange(*ast.literal_eval(node.GetParameter(name)))


def codec_of(kind: Any) -> Codec:
    """The codec of a type.

    Raises:
        Exception: the real wrapper cannot store it either (bytes, ndarray, dataclass, a union of node classes).
    """
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        parts = [None if part is type(None) else codec_of(part) for part in typing.get_args(kind)]
        if sum(isinstance(part, NodeCodec) for part in parts) > 1:
            raise Exception(f"A union of node classes does not work in Slicer 5.8.1: {kind}")
        return OptionalCodec(kind, parts)
    if origin in (list, tuple, dict):
        return LiteralCodec(kind, origin)
    if kind is bool:
        return BoolCodec(kind)
    if kind in _PLAIN:
        return Codec(kind)
    if kind is FloatRange:
        return FloatRangeCodec(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return EnumCodec(kind)
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return Codec(Path if kind is Path else kind)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return NodeCodec(kind)
    raise Exception(f"Unable to create serializer for type: {kind}")


def _fits(value: Any, kind: Any) -> bool:
    origin = typing.get_origin(kind)
    if origin is not None:
        return isinstance(value, origin if origin is not typing.Union else typing.get_args(kind))
    return isinstance(value, (int, float) if kind is float else kind)


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_encoded(item) for item in value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, slicer.vtkMRMLNode):
        return value.GetID()
    return str(value) if isinstance(value, PurePath) else value


def _decoded(value: Any, kind: Any) -> Any:
    arguments = typing.get_args(kind)
    if isinstance(value, dict):
        return {key: _decoded(item, arguments[1]) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item, arguments[0]) for item in value]
    if isinstance(value, tuple):
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_decoded(item, one) for item, one in zip(value, kinds, strict=True))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind[value]
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return kind(value)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return slicer.mrmlScene.GetNodeByID(value)
    return value
