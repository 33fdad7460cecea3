"""What is no fault stays out of the terminal, and what is one does not; trame is told what it needs to know."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from LesionDetectionLib.viewer import quiet, server
from LesionDetectionLib.viewer.quiet import pages_may_go


@pytest.mark.parametrize(
    ("error", "told"), [(ConnectionResetError("Cannot write to closing transport"), False), (ValueError("x"), True)]
)
def test_a_page_that_goes_is_no_fault_and_everything_else_is(error, told, caplog):
    async def fail():
        raise error

    async def run():
        pages_may_go(asyncio.get_running_loop())
        task = asyncio.ensure_future(fail())
        await asyncio.wait([task])
        del task
        gc.collect()  # a task whose error nobody asked for is told of when it goes
        await asyncio.sleep(0)

    asyncio.run(run())
    assert ("never retrieved" in caplog.text) is told
    caplog.clear()
    for line in ("Exception raised", repr(error), f"Traceback\n{error!r}"):  # as wslink tells it
        logging.getLogger("wslink.protocol").error(line)
    try:
        raise error
    except Exception:
        logging.getLogger("aiohttp.server").exception("Error handling request")
    assert ("ValueError" in caplog.text) is told
    assert bool(caplog.records) is told


@pytest.mark.parametrize("secret", ["plain", "-begins-with-a-dash", "--help"])
def test_any_secret_is_taken_as_one(secret):
    trame = pytest.importorskip("trame.app", exc_type=ImportError)
    parser = trame.get_server(f"orders-{secret}", client_type="vue3").cli
    quiet.orders(parser, server.orders(secret))
    assert parser.parse_known_args()[0].authKey == secret
