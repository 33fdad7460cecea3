"""What stands in place of the views while nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..context import Context
from ..marked import marked
from .part import Part


class StartPart(Part):
    """The first thing that a person sees: where a scan comes from.

    Args:
        phantoms: that can be made, ``{value, title}``.
        open_phantom: makes one and opens it.
    """

    def __init__(
        self, context: Context, phantoms: Sequence[Mapping[str, str]], open_phantom: Callable[[str], None]
    ) -> None:
        super().__init__(context)
        self._phantoms, self._open_phantom = phantoms, open_phantom
        context.state.has_images = False

    def build(self) -> None:
        with html.Div(classes="start", v_if=("!has_images",), id="start", raw_attrs=marked("region", "Open a scan")):
            v3.VIcon("mdi-tray-arrow-down", size=56, classes="start-icon")
            html.H2("Drop a scan here")
            html.P("DICOM folders and files, NIfTI, NRRD, MetaImage, or a scene of Slicer.")
            with html.Div(classes="start-buttons"):
                for name, title in (("files", "Open files"), ("folder", "Open a folder")):
                    v3.VBtn(title, id=f"start-{name}", click=f"window.lesionPage.press('open-{name}')", variant="tonal")
            if self._phantoms:
                html.P("Or try it on a phantom, a scan that the computer makes:")
                with html.Div(classes="start-buttons"):
                    for phantom in self._phantoms:
                        v3.VBtn(
                            phantom["title"],
                            id=f"start-phantom-{phantom['value']}",
                            click=(self._open_phantom, f"['{phantom['value']}']"),
                            variant="outlined",
                            size="small",
                            disabled=("!!busy_text || opening",),
                        )
            with html.Div(classes="start-opening", v_if=("opening",)):
                v3.VProgressLinear(
                    model_value=("100 * opening_fraction",),
                    height=4,
                    rounded=True,
                    color="primary",
                    raw_attrs=marked(label="Opening"),
                )
                html.Span("{{ opening_text }}")

    def refresh(self) -> None:
        self.context.state.has_images = bool(self.context.choices.volumes)

    def scene_closed(self) -> None:
        self.context.state.has_images = False
