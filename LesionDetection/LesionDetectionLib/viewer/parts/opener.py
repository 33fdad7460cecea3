"""Opening, one thing after the other, without the page standing still: looking, asking which, reading, showing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from LesionDetectionLib.app.volumes import first_choice
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.image import CT, PET
from LesionDetectionLib.core.progress import Progress

from ..context import Context
from ..files.exchange import Exchange
from ..files.opening import SCENE, Choice, Opened, look_at, read
from ..files.references import check_scene
from ..files.scenes import load_scene
from ..files.unpacking import unpack_scene
from ..files.volumes_in import VolumesIn, belongs, place_of
from ..later import in_thread

_SHOWN_EACH_S = 0.15
"""So often the page is told how far it is."""
_BREATH_S = 0.1
"""For the page to show what is done next, where that cannot be interrupted."""

T = TypeVar("T")


class Opener:
    """Args:
    context: whose scene gets what is opened.
    changed: called when something began, went on or ended.

    Attributes:
        volumes: what is in the scene.
        running: whether something is being opened.
        text, fraction: what is done, and how far it is.
    """

    def __init__(self, context: Context, exchange: Exchange, changed: Callable[[], None]) -> None:
        self._context, self._exchange, self._changed = context, exchange, changed
        self.volumes = VolumesIn(context.scene)
        self.running = False
        self.text, self.fraction = "", 0.0
        self._progress = Progress()
        self._task: asyncio.Task[None] | None = None
        self._job: Job | None = None
        self._closing = False

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this in the background; errors are told in the page.

        Raises:
            UsageError: something is being opened already.
        """
        if self.running:
            raise UsageError("Something is being opened already. Wait for it, or cancel it.")
        self._begin()
        self._task = asyncio.get_running_loop().create_task(self._run(work))

    async def finished(self) -> None:
        """Wait until nothing is being opened."""
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task})

    def cancel(self) -> None:
        """Stop at the next step; nothing of what is being opened is added."""
        self._progress.cancel()
        if self._job is not None:
            self._job.cancel()

    def scene_closed(self) -> None:
        """Nothing is left of what was opened."""
        if not self._closing:
            self.cancel()
        self.volumes.forget()

    async def look(
        self, paths: Sequence[Path], series: str = "", allowed: Callable[[Path], bool] | None = None
    ) -> list[Choice]:
        """See :func:`.opening.look_at`; one after the other."""
        found: list[Choice] = []
        for path in paths:
            found += await self.in_thread(partial(look_at, path, series=series, allowed=allowed))
        return found

    async def open(self, choices: Sequence[Choice]) -> list[Any]:
        """Read and show; the new volumes. Where one cannot be read, none is added.

        Raises:
            LesionDetectionError: what cannot be read.
        """
        scenes = [one for one in choices if one.kind == SCENE]
        if scenes:
            if len(choices) > 1:
                raise UsageError(
                    "A scene is opened alone, as it takes the place of all that is there. Choose only the scene."
                )
            await self._open_scene(scenes[0])
            return []
        opened: list[Opened] = []
        for number, choice in enumerate(choices):
            part = (number / len(choices), (number + 1) / len(choices))
            opened.append(await self.in_thread(partial(read, choice), *part))
        nodes = [self.volumes.add(one, choice.path) for one, choice in zip(opened, choices, strict=True)]
        self.choose(nodes)
        return nodes

    def choose(self, nodes: Sequence[Any]) -> None:
        """Choose new volumes, and show them; what was chosen of another patient is chosen no more."""
        chosen = self._context.choices.volumes
        new = {place_of(node): node for node in nodes}
        for modality, other in list(chosen.items()):
            if modality not in new and not all(belongs(other, node) for node in nodes):
                del chosen[modality]
        chosen.update(new)
        main = new.get("CT") or next(iter(new.values()), None)
        self._context.choices_changed()
        if main is not None:
            self._context.stage.show(main)

    async def in_thread(self, work: Callable[[Progress], T], start: float = 0.0, stop: float = 1.0) -> T:
        """Work in a thread with a progress that the page shows."""
        return await in_thread(work, self._progress.part(start, stop))

    async def wait_for(self, submit: Callable[[Callable[[Job], None]], Job], stop: float = 0.95) -> Any:
        """The result of a job of the engine, whose progress the page shows.

        Args:
            submit: hands the request to the engine, with what is to be called when the job changes.

        Raises:
            LesionDetectionError: it failed.
            Cancelled: it was cancelled, here or elsewhere.
        """
        done = asyncio.get_running_loop().create_future()

        def changed(job: Job) -> None:
            self.report(stop * job.fraction, job.text)
            if job.finished and not done.done():
                done.set_result(job)
            elif self._progress.cancelled:
                job.cancel()

        job = submit(changed)
        self._job = job
        ended: Job = job if job.finished else await done
        self._job = None
        if ended.state == "failed":
            raise ended.error or UsageError("This failed without a reason.")
        if ended.state == "cancelled":
            raise Cancelled()
        return ended.result

    async def _open_scene(self, choice: Choice) -> None:
        context = self._context
        if context.session.busy:
            raise UsageError("Something is running. Wait for it, or cancel it, before another scene is opened.")
        place = self._exchange.new_place("scene")
        try:
            if choice.path.suffix.lower() == ".mrb":
                path = await self.in_thread(partial(unpack_scene, choice.path, place), 0.0, 0.5)
            else:
                path = choice.path
                await self.in_thread(lambda _progress: check_scene(path), 0.0, 0.5)
            self.report(0.6, "Loading the scene")
            await asyncio.sleep(_BREATH_S)
            self._progress(0.6)  # the last chance to stop
            self._replace(path)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _replace(self, path: Path) -> None:
        context = self._context
        self._closing = True
        try:
            context.close_scene()
            try:
                load_scene(context.stage, path)
            except InputError:
                context.close_scene()
                raise
        finally:
            self._closing = False
        ct, pet = first_choice(context.scene)
        found = {CT: ct, PET: pet}
        context.choices.volumes.update({name: node for name, node in found.items() if node is not None})
        context.scene_loaded()
        if ct is not None or pet is not None:
            context.stage.show(ct or pet)

    def report(self, fraction: float, text: str) -> None:
        """How far it is; from any thread."""
        self.fraction, self.text = fraction, text or self.text

    def _begin(self) -> None:
        self.running, self.text, self.fraction = True, "Opening", 0.0
        self._progress = Progress(self.report)
        self._changed()

    async def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        context = self._context
        showing = asyncio.create_task(self._show())
        try:
            with context.told():
                try:
                    await work()
                except Cancelled:
                    with context.state:
                        context.tell("Cancelled. Nothing was opened.")
        finally:
            showing.cancel()
            self.running = False
            with context.state:
                self._changed()

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(_SHOWN_EACH_S)
            with self._context.state:
                self._changed()
