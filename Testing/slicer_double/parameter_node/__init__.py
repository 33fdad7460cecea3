"""``slicer.parameterNodeWrapper``: typed fields on a real vtkMRMLScriptedModuleNode (recipes, section 2)."""

from __future__ import annotations

import types

from . import annotations
from .wrapper import SlicerParameterNamePropertyName, isParameterNodeWrapper, parameterNodeWrapper

_ANNOTATIONS = (
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "FloatRange",
    "IsInstance",
    "Label",
    "Maximum",
    "Minimum",
    "NotNone",
    "RangeBounds",
    "SingleStep",
    "Validator",
    "WithinRange",
)


def python_module(listed: set[str]) -> types.ModuleType:
    """The module as code imports from it; what Slicer has and the double lacks raises NotImplementedError."""
    module = types.ModuleType("slicer.parameterNodeWrapper")
    names = {name: getattr(annotations, name) for name in _ANNOTATIONS}
    names["parameterNodeWrapper"] = parameterNodeWrapper
    names["isParameterNodeWrapper"] = isParameterNodeWrapper
    names["SlicerParameterNamePropertyName"] = SlicerParameterNamePropertyName
    vars(module).update(names)
    vars(module)["__all__"] = sorted(names)

    def find(name: str) -> object:
        if name in listed:
            raise NotImplementedError(f"Slicer 5.8.1 has slicer.parameterNodeWrapper.{name}; the double does not")
        raise AttributeError(f"slicer.parameterNodeWrapper has no {name} in Slicer 5.8.1")

    vars(module)["__getattr__"] = find
    return module
