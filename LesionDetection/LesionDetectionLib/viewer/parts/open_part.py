"""Section Images: what is loaded, which of it is looked at, and opening more.

Elements: ``open-files``, ``open-folder`` (inputs), ``open-files-button``, ``open-folder-button``, ``open-progress``,
``open-text``, ``open-cancel``, ``ct-select``, ``pet-select``, ``images-text``, ``served`` with ``served-filter`` and
``served-list`` (``.served-item``); ``series-dialog`` with ``.series-item``, ``series-open`` and ``series-cancel``. Made by
``web/viewer.js``: ``drop-zone``, and ``upload`` with ``upload-text`` and ``upload-cancel``.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.app.volumes import about, allowed_choice
from LesionDetectionLib.core.errors import LesionDetectionError, UsageError
from LesionDetectionLib.core.image import CT, PET
from LesionDetectionLib.io.display import modality_name

from ..context import Context
from ..files.exchange import Exchange
from ..files.opening import IMAGE, SCENE, Choice, obvious
from ..files.served import ServedFolder, not_served
from ..options import ViewerOptions
from .open_fields import build_fields
from .opener import Opener
from .part import Part
from .phantoms import ITEMS, Phantoms

_AT_ONCE = 2
"""So many image files that were named or sent together are opened without asking: a CT and its PET."""
_SELECTS = ((CT, "ct_chosen"), (PET, "pet_chosen"))


class OpenPart(Part):
    """Attributes:
    opener: opens.
    phantoms: that can be made, for a list.
    """

    def __init__(self, context: Context, exchange: Exchange, options: ViewerOptions) -> None:
        super().__init__(context)
        self._exchange, self._options = exchange, options
        self.opener = Opener(context, exchange, self._show_opening)
        self.phantoms = ITEMS
        self._phantoms = Phantoms(context, exchange, self.opener)
        self._offered: list[Choice] = []
        self._upload: Path | None = None
        self._kept: list[Path] = []
        self._shown = {name: "" for _modality, name in _SELECTS}
        exchange.uploads.received, exchange.uploads.may_come = self._received, self._why_not
        context.state.update(
            {
                "opening": False,
                "opening_text": "",
                "opening_fraction": 0.0,
                "ct_items": [],
                "pet_items": [],
                "ct_chosen": "",
                "pet_chosen": "",
                "images_text": [],
                "images_warnings": [],
                "served_name": "",
                "served_scans": [],
                "served_filter": "",
                "series_shown": False,
                "series_title": "",
                "series_items": [],
                "series_chosen": [],
            }
        )
        for modality, name in _SELECTS:
            context.state.change(name)(
                lambda modality=modality, name=name, **state: self._on_select(modality, state[name])
            )

    def build(self) -> None:
        build_fields(self)

    # What is shown

    def refresh(self) -> None:
        """Show what is loaded and chosen."""
        state, chosen = self.context.state, self.context.choices.volumes
        for modality in [name for name, node in chosen.items() if node is None or node.GetScene() is None]:
            del chosen[modality]
        ct, pet = allowed_choice(chosen.get(CT), chosen.get(PET))
        for modality, node in ((CT, ct), (PET, pet)):
            if node is None:
                chosen.pop(modality, None)
        items = [{"value": node.GetID(), "title": node.GetName()} for node in self.opener.volumes.nodes()]
        for (modality, name), other in zip(_SELECTS, ((PET, CT)), strict=True):
            taken = chosen[other].GetID() if other in chosen else ""
            state[name.replace("chosen", "items")] = [
                {"value": "", "title": f"No {modality_name(modality)}"},
                *[item for item in items if item["value"] != taken],
            ]
            state[name] = self._shown[name] = chosen[modality].GetID() if modality in chosen else ""
        lines: list[str] = []
        warnings: list[str] = []
        for modality, node in chosen.items():
            for line in [*about(node, modality), *(f"⚠ {note}" for note in self.opener.volumes.notes(node))]:
                (warnings if line.startswith("⚠") else lines).append(line.removeprefix("⚠").strip())
        state.images_text, state.images_warnings = lines, warnings

    def _show_opening(self) -> None:
        state, opener = self.context.state, self.opener
        state.opening, state.opening_text = opener.running, opener.text if opener.running else ""
        state.opening_fraction = opener.fraction if opener.running else 0.0
        self.context.busy(state.opening_text)

    # Opening

    async def open(self, paths: Sequence[Path]) -> None:
        """Open what the viewer was started with, and wait for it; a folder of several scans is offered for choosing."""
        folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
        with self.context.state, self.context.told():
            if folder is not None:
                self.opener.start(lambda: self._serve(folder))
            elif paths:
                self.opener.start(lambda: self._open_named(paths, self._options.series))
            elif self._options.phantom:
                self.open_phantom(str(self.phantoms[0]["value"]))
        await self.opener.finished()

    def open_served(self, path: str) -> None:
        """Open a scan of the folder that is served, by its path there.

        Raises:
            InputError: there is no such scan.
            UsageError: something is being opened.
        """
        served = self._exchange.served
        if served is None:
            raise not_served()
        found = served.find(path)
        self.opener.start(lambda: self._open_from(served, found))

    def open_phantom(self, name: str) -> None:
        """Have the worker make a phantom, and open it."""
        with self.context.told():
            self._phantoms.open(str(name))

    def cancel(self) -> None:
        """Stop opening."""
        self.opener.cancel()

    async def _serve(self, folder: Path) -> None:
        served = ServedFolder(folder)
        scans = await self.opener.in_thread(served.scans)
        if len(scans) == 1:
            await self._open_from(served, served.find(scans[0].path), self._options.series)
            return
        self._exchange.served = served
        with self.context.state as state:
            state.served_name = served.root.name
            state.served_scans = [{"path": one.path, "details": one.details} for one in scans]

    async def _open_from(self, served: ServedFolder, path: Path, series: str = "") -> None:
        again = self.opener.volumes.from_path(path)
        if again:
            self.opener.choose(again)
            return
        choices = await self.opener.look([path], series, served.holds)
        await self._open_or_ask(choices, path.name)

    async def _open_named(self, paths: Sequence[Path], series: str) -> None:
        files, folders = [one for one in paths if one.is_file()], [one for one in paths if not one.is_file()]
        choices = await self.opener.look(files)
        several: list[Choice] = []
        for folder in folders:
            found = await self.opener.look([folder], series)
            (several if len(found) > 1 else choices).extend(found)
        if several:
            self._ask([*choices, *several], " and ".join(folder.name for folder in folders))
        else:
            await self.opener.open(choices)

    async def _open_or_ask(self, choices: Sequence[Choice], where: str) -> None:
        together = len(choices) <= _AT_ONCE and all(one.kind == IMAGE for one in choices)
        if len(choices) == 1 and choices[0].kind == SCENE and self.context.session.results is not None:
            with self.context.state:
                self.context.ask(
                    "Open the scene?",
                    "It takes the place of what is open. Findings and decisions that were not downloaded are lost.",
                    "Open it",
                    lambda: self.opener.start(lambda: self._open_chosen(choices)),
                )
        elif len(choices) == 1 or together:
            await self._open_chosen(choices)
        else:
            self._ask(choices, where)

    async def _open_chosen(self, choices: Sequence[Choice]) -> None:
        try:
            await self.opener.open(choices)
        finally:
            self._drop_upload()

    # The dialog with several series

    def _ask(self, choices: Sequence[Choice], where: str) -> None:
        self._offered = list(choices)
        first = obvious(choices)
        with self.context.state as state:
            state.series_title = where
            state.series_items = [
                {"value": str(n), "title": one.title, "details": one.details} for n, one in enumerate(choices)
            ]
            state.series_chosen = [str(n) for n, one in enumerate(choices) if one in first]
            state.series_shown = True

    def answer_series(self, chosen: Sequence[str]) -> None:
        """The person's answer: the values of the items; none where nothing is to be opened."""
        self.context.state.series_shown = False
        offered, self._offered = self._offered, []
        choices = [one for n, one in enumerate(offered) if str(n) in chosen]
        with self.context.told():
            if choices:
                self.opener.start(lambda: self._open_chosen(choices))
            else:
                self._drop_upload()

    # What the browser sends

    def _why_not(self) -> str:
        return "Something is being opened. Wait for it, or cancel it." if self.opener.running else ""

    def _received(self, folder: Path) -> None:
        self._offered = []
        self._drop_upload()
        self._upload = folder

        async def work() -> None:
            try:
                choices = await self.opener.look([folder])
            except LesionDetectionError:
                self._drop_upload()
                raise
            await self._open_or_ask(choices, "what you sent")

        with self.context.state, self.context.told():
            self.context.state.series_shown = False
            try:
                self.opener.start(work)
            except UsageError:
                self._drop_upload()
                raise

    def _drop_upload(self) -> None:
        """Remove what was sent, once nothing of it is needed. A DICOM export reads the files again: such stay until all is
        closed."""
        if self._upload is not None and self.opener.volumes.uses(self._upload):
            self._kept.append(self._upload)
        elif self._upload is not None:
            shutil.rmtree(self._upload, ignore_errors=True)
        self._upload = None

    # What the person does

    def _on_select(self, modality: str, value: str) -> None:
        name, chosen = dict(_SELECTS)[modality], self.context.choices.volumes
        if value == self._shown[name]:  # what was put there by us, perhaps some time ago
            return
        self._shown[name] = value
        with self.context.told():
            node = self.context.scene.GetNodeByID(value) if value else None
            if node is None or node not in self.opener.volumes.nodes():
                chosen.pop(modality, None)
            else:
                chosen[modality] = node
            main = chosen.get(CT) or chosen.get(PET)
            if main is not None:
                self.context.stage.show(main)
            self.context.choices_changed()

    def on_served(self, path: str) -> None:
        """A scan of the list was pressed."""
        with self.context.told():
            self.open_served(str(path))

    # The end

    def scene_closed(self) -> None:
        self.opener.scene_closed()
        while self._kept:
            shutil.rmtree(self._kept.pop(), ignore_errors=True)
        self._offered = []
        self.context.state.series_shown = False

    def close(self) -> None:
        self.opener.cancel()
