"""What is done a little later, in an event loop."""

from __future__ import annotations

import asyncio

from LesionDetectionLib.viewer.later import Settling, call_later


def test_a_slider_is_followed_to_where_it_comes_to_rest_and_not_step_by_step():
    places, seen = [0], []

    async def drag():
        settling = Settling(lambda: seen.append(places[-1]), 0.02)
        for place in range(1, 21):
            places.append(place)
            settling.moved()
        assert seen == []
        await asyncio.sleep(0.1)
        places.append(30)
        settling.moved()
        settling.stop()
        await asyncio.sleep(0.05)

    asyncio.run(drag())
    assert seen == [20]


def test_without_a_loop_it_is_done_at_once():
    seen = []
    Settling(lambda: seen.append(1), 5.0).moved()
    assert seen == [1]
    assert call_later(0.0, lambda: seen.append(2)) is None
    assert seen == [1]
