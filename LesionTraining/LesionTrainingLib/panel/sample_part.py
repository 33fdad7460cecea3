"""The last section: a computer-made scan to try the modules on."""

from __future__ import annotations

from pathlib import Path

from LesionDetectionLib.panel import dependencies
from LesionDetectionLib.panel.context import told
from LesionDetectionLib.panel.message_line import MessageLine
from slicer.i18n import tr as _

from ..session.phantom import load_phantom
from .training_context import TrainingContext

_PROTOCOL = "fast"
"""A little coarser than the usual one: it is there in seconds, and models find in it what they find in others."""


class SamplePart:
    """Args:
    context: of the panel.
    """

    def __init__(self, context: TrainingContext) -> None:
        self._context, ui = context, context.ui
        self.message = MessageLine(ui.sampleMessageRow, ui.sampleMessageIcon, ui.sampleMessage)
        ui.phantomButton.connect("clicked(bool)", self._on_load)

    def close(self) -> None:
        self._context.ui.phantomButton.disconnect("clicked(bool)", self._on_load)
        self.message.close()

    def show(self) -> None:
        """How far the phantom is."""
        phantom = self._context.session.phantom
        self._context.ui.phantomButton.text = _("Cancel") if phantom.busy else _("Load a phantom")
        if phantom.busy:
            text = phantom.text or _("Starting")
            self.message.plain(_("{text} ({percent} %)").format(text=text, percent=round(100 * phantom.fraction)))
        elif phantom.error is not None:
            self.message.warn(str(phantom.error))

    def _on_load(self, _checked: bool = False) -> None:
        session = self._context.session
        if session.phantom.busy:
            session.phantom.cancel()
            self.show()
            self.message.clear()
            return
        with told(self.message.warn):
            if dependencies.ensure("phantom"):
                self.load()

    def load(self, protocol: str = _PROTOCOL) -> None:
        """Have the phantom of the chosen number made and loaded, in the background."""
        self._context.session.make_phantom(self._context.parameters.phantomSeed, self._made, protocol)

    def _made(self, folder: Path) -> None:
        with told(self.message.warn):
            volume, truth = load_phantom(self._context.scene, folder)
            count = truth.segmentation.GetSegmentation().GetNumberOfSegments()
            text = _("Loaded “{name}” with {count} nodules as “Truth”.")
            self.message.note(text.format(name=volume.GetName(), count=count))
