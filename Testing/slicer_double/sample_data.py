"""``SampleData``: what a module registers is recorded; nothing is loaded from the network."""

from __future__ import annotations

import types
from typing import Any


def python_module(registered: list[dict[str, Any]], listed: set[str]) -> types.ModuleType:
    """The module; ``registered`` gets the keywords of each ``registerCustomSampleDataSource``."""

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(
            category="Custom",
            sampleName=None,
            uris=None,
            fileNames=None,
            nodeNames=None,
            customDownloader=None,
            thumbnailFileName=None,
            loadFileTypes=None,
            loadFiles=None,
            loadFileProperties={},  # noqa: B006 (the real signature)
            checksums=None,
            loadFileType=None,
        ):
            registered.append(dict(locals()))

        @staticmethod
        def isSampleDataSourceRegistered(category, sampleDataSource):
            return any(one["category"] == category for one in registered)

    module = types.ModuleType("SampleData")
    vars(module)["SampleDataLogic"] = SampleDataLogic

    def find(name: str) -> Any:
        if name in listed:
            raise NotImplementedError(f"Slicer 5.8.1 has SampleData.{name}; the double does not imitate it")
        raise AttributeError(f"SampleData has no {name} in Slicer 5.8.1")

    vars(module)["__getattr__"] = find
    return module
