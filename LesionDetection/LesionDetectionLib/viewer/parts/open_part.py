"""Section Images: what is loaded, and opening more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trame.widgets import html

from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.io.files import read_image
from LesionDetectionLib.io.mrml import volume_node

from ..context import Context
from .part import Part


class OpenPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.state.opening_text = ""
        context.state.images_text = ""

    def build(self) -> None:
        html.Div("{{ opening_text || images_text || 'Drop a scan here.' }}", classes="section-text")

    def refresh(self) -> None:
        names = [f"{name}: {node.GetName()}" for name, node in self.context.choices.volumes.items()]
        self.context.state.images_text = ", ".join(names)

    async def open(self, paths: Sequence[Path]) -> None:
        """Read scans and show the first; the page stays alive meanwhile."""
        context = self.context
        with context.told():
            for path in paths:
                with context.state:
                    context.state.opening_text = f"Reading {path.name}"
                image = await asyncio.to_thread(_read, path)
                self._add(image)
        with context.state:
            context.state.opening_text = ""
            context.choices_changed()

    def _add(self, image: Image) -> Any:
        context = self.context
        node = volume_node(context.scene, image)
        context.choices.volumes[image.modality or "CT"] = node
        context.stage.show(node)
        return node


def _read(path: Path) -> Image:
    return understood_as(read_image(path))
