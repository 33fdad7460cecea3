"""The server of one viewer: on this machine only, for one browser, behind the gate."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from LesionDetectionLib.core.errors import InputError, UsageError

from . import quiet
from .options import ViewerOptions

if TYPE_CHECKING:
    from LesionDetectionLib.app.worker.loop import LoopPipes

    from .application import Viewer
    from .gate import Gate

LOOPBACK = "127.0.0.1"
_END_S = 5.0
"""For so long the end waits for a browser that does not close its connection."""


def serve(options: ViewerOptions, tell: Callable[[str], None] | None = None) -> None:
    """Serve until it is stopped (Ctrl-C, SIGTERM).

    Args:
        tell: gets the link, once, when the server listens; printed where None.

    Raises:
        UsageError: the port is another program's.
    """
    quiet.forget_environment()
    _require_free(options.port)
    with contextlib.suppress(KeyboardInterrupt):  # before the loop listens to signals
        asyncio.run(_serve(options, tell or partial(print, flush=True)))


async def _serve(options: ViewerOptions, tell: Callable[[str], None]) -> None:
    stopped, made = asyncio.Event(), None
    try:
        with _signals(stopped):
            made = _made(options, tell)
            await _until_stopped(stopped, made, options)
    finally:  # signals end it at once from here on: a second Ctrl-C does not wait for a run of training
        if made is not None:
            await _ended(made)


class _Made(NamedTuple):
    server: Any
    viewer: Viewer
    gate: Gate
    pipes: LoopPipes


def _made(options: ViewerOptions, tell: Callable[[str], None]) -> _Made:
    # Late: these take seconds, and trame reads the environment while it is loaded.
    from trame.app import get_server
    from trame_client.module.vue3 import www as client_folder

    from LesionDetectionLib.app.worker.loop import LoopPipes
    from LesionDetectionLib.app.worker.worker_engine import WorkerEngine

    from .application import Viewer
    from .front import FrontPage
    from .gate import Gate

    quiet.log_instead_of_print()
    server = get_server(f"viewer-{secrets.token_hex(4)}", client_type="vue3")
    secret = secrets.token_urlsafe(32)
    quiet.orders(server.cli, orders(secret))
    gate, front = Gate(), FrontPage(Path(client_folder), secret)
    quiet.pages_may_go(asyncio.get_running_loop())
    pipes = LoopPipes(asyncio.get_running_loop())
    make_engine = partial(WorkerEngine, pipes.transport)
    viewer = Viewer(server, make_engine(), options, make_engine)
    server.controller.on_server_bind.add(partial(_bind, gate, front, viewer))

    def ready(**_state: object) -> None:
        gate.listen_at(server.port)
        tell(gate.link())
        if options.browser:  # one that runs in a terminal would hold the loop
            threading.Thread(target=webbrowser.open, args=(gate.link(),), daemon=True).start()

    server.controller.on_server_ready.add(ready)
    return _Made(server, viewer, gate, pipes)


def orders(secret: str) -> list[str]:
    """For trame's parser of the command line."""
    # One word, as the secret may begin with a dash. Pictures are compressed already.
    return ["--host", LOOPBACK, f"--authKey={secret}", "--nosignalhandlers", "--no-ws-compress"]


def _bind(gate: Any, front: Any, viewer: Any, web_server: Any) -> None:
    """Put gate, front page and files before trame's own files; called before these are there."""
    from aiohttp import web

    from .gate import Refused
    from .refusals import NOT_FOUND

    async def show(request: web.Request) -> web.Response:
        if "scan" in request.query and request.method == "GET":
            try:
                with viewer.context.state:
                    viewer.open_part.open_served(request.query["scan"])
            except InputError as error:
                raise Refused(NOT_FOUND.with_text(str(error))) from error
            except UsageError as error:
                viewer.context.tell(str(error), "warning")
        page, policy = front.made(request.host)
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})

    gate.place(web_server.app)
    web_server.app.router.add_get("/", show)
    web_server.app.router.add_get("/index.html", _nothing)
    web_server.app.router.add_get("/elsewhere", _elsewhere)
    viewer.exchange.place(web_server.app)


async def _nothing(_request: Any) -> Any:
    """In place of the client's own page, which takes from its address where to connect to."""
    from aiohttp import web

    raise web.HTTPNotFound


async def _elsewhere(request: Any) -> Any:
    """What a tab shows when the viewer was opened in another one: two would draw their views in each other's sizes."""
    from .gate import answer
    from .refusals import ELSEWHERE

    return answer(request, ELSEWHERE)


async def _until_stopped(stopped: asyncio.Event, made: _Made, options: ViewerOptions) -> None:
    server = made.server
    running = asyncio.ensure_future(
        server.start(
            port=options.port,
            host=LOOPBACK,
            exec_mode="coroutine",
            backend="aiohttp",
            follow_symlinks=False,
            open_browser=False,
            show_connection_info=False,
            timeout=0,
        )
    )
    stopping = asyncio.ensure_future(stopped.wait())
    opening = asyncio.ensure_future(_open(made, options))
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    made.gate.closed = True
    opening.cancel()
    stopping.cancel()
    if not running.done():
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(server.stop(), _END_S)
        running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        pass
    except OSError as error:
        raise _refused(options.port, error) from error


@contextlib.contextmanager
def _signals(stopped: asyncio.Event) -> Any:
    """Ctrl-C and SIGTERM set the event, where this thread gets signals."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            loop.add_signal_handler(number, stopped.set)
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)


async def _open(made: _Made, options: ViewerOptions) -> None:
    await made.server.ready
    await made.viewer.open(options.scans)


async def _ended(made: _Made) -> None:
    busy = (made.viewer.open_part.opener, made.viewer.export_part)
    for one in busy:
        one.cancel()
    try:
        with contextlib.suppress(asyncio.TimeoutError):  # a thread that still writes is not swept up after
            await asyncio.wait_for(asyncio.gather(*(one.finished() for one in busy)), _END_S)
        if made.viewer.training_page is not None:
            await made.viewer.training_page.finish()
    finally:
        made.viewer.close()
        made.pipes.close()


def _require_free(port: int) -> None:
    """Before what takes seconds. It may be taken in between: that is told then.

    Raises:
        UsageError: it is another program's, or not ours to use.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        if os.name == "posix":  # as asyncio does: a port that was just left may be taken again
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((LOOPBACK, port))
        except OSError as error:
            raise _refused(port, error) from error


def _refused(port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"Port {port} is in use by another program, perhaps another viewer. Choose another one with --port, or leave "
            "--port out to get a free one."
        )
    return UsageError(
        f"Port {port} cannot be used: {error.strerror or error}. Choose another one, above 1023, with --port."
    )
