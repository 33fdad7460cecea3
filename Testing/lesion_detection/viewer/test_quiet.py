"""What is no fault stays out of the terminal, and what is one does not."""

from __future__ import annotations

import asyncio
import gc

import pytest
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
