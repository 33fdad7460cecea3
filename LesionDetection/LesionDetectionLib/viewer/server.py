"""The server of one viewer: on this machine only, for one browser, behind the gate."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

from trame.app import get_server
from trame_slicer import module as slicer_module

from LesionDetectionLib.app.worker.pipes import PipedWorker

from .application import Viewer
from .options import ViewerOptions

LOOPBACK = "127.0.0.1"


def serve(options: ViewerOptions) -> None:
    """Serve until it is stopped (Ctrl-C, SIGTERM)."""
    asyncio.run(_serve(options))


async def _serve(options: ViewerOptions) -> None:
    server = get_server(f"viewer-{secrets.token_hex(4)}", client_type="vue3")
    server.cli.parse_known_args([])
    server.enable_module(slicer_module)
    engine = PipedWorker(paths=_folders())
    viewer = Viewer(server, engine, options)
    server.controller.on_server_ready.add(lambda **_: print(f"http://{LOOPBACK}:{server.port}/", flush=True))
    pump = asyncio.create_task(_pump(engine))
    opening = asyncio.create_task(_open(server, viewer, options))
    try:
        await server.start(
            port=options.port,
            host=LOOPBACK,
            exec_mode="coroutine",
            open_browser=False,
            show_connection_info=False,
            timeout=0,
        )
    finally:
        opening.cancel()
        pump.cancel()
        viewer.close()


async def _open(server: Any, viewer: Viewer, options: ViewerOptions) -> None:
    await server.ready
    await viewer.open(options.scans)


async def _pump(engine: PipedWorker) -> None:
    while True:
        engine.pump()
        await asyncio.sleep(0.02)


def _folders() -> tuple[Path, ...]:
    return ()
