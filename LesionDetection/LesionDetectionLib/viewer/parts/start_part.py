"""What stands in place of the views while nothing is loaded."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..marked import marked
from .part import Part


class StartPart(Part):
    """The first thing that a person sees: where a scan comes from."""

    def build(self) -> None:
        with html.Div(classes="start", v_if=("!has_images",), id="start", raw_attrs=marked("region", "Open a scan")):
            v3.VIcon("mdi-tray-arrow-down", size=56, classes="start-icon")
            html.H2("Drop a scan here")
            html.P("DICOM folders and files, NIfTI, NRRD, MetaImage, or a scene of Slicer.")
            with html.Div(classes="start-buttons"):
                v3.VBtn("Open files", click="window.lesionPage.press('open-files')", variant="tonal", id="start-files")
                v3.VBtn(
                    "Open a folder", click="window.lesionPage.press('open-folder')", variant="tonal", id="start-folder"
                )
            html.P("{{ busy_text }}", v_if=("busy_text",))

    def refresh(self) -> None:
        self.context.state.has_images = bool(self.context.choices.volumes)

    def scene_closed(self) -> None:
        self.context.state.has_images = False
