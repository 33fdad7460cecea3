from __future__ import annotations

import asyncio
import io
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="the viewer stands on trame-slicer", exc_type=ImportError)

PATIENT_S = 20


@pytest.fixture
def view():
    """A view whose picture's brightness is a number that the test sets, and the pictures that were sent of it."""
    from LesionDetectionLib.viewer.views.painter import Frame, Painter, Turns

    made = SimpleNamespace(value=0, sent=[], turns=Turns())

    def draw():
        pixels = np.full((16, 24, 3), made.value, dtype=np.uint8)
        return Frame(pixels, {"value": made.value})

    def painter(**options):
        return Painter(draw, lambda picture, notes: made.sent.append((picture, notes["value"])), made.turns, **options)

    made.painter, made.new = painter(), painter
    return made


def run(coroutine):
    async def limited():
        return await asyncio.wait_for(coroutine, PATIENT_S)

    return asyncio.run(limited())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


def test_a_change_is_drawn_at_once_and_once_more_in_better_quality(view):
    from PIL import Image

    async def one():
        view.value = 7
        view.painter.request()
        await until(lambda: len(view.sent) == 2)
        view.painter.close()

    run(one())

    assert [value for _picture, value in view.sent] == [7, 7]
    first, last = (Image.open(io.BytesIO(picture)) for picture, _value in view.sent)
    assert first.size == last.size == (24, 16)
    assert sum(last.quantization[0]) < sum(first.quantization[0])  # finer steps
    assert last.layer[0][1:3] == (1, 1)  # colours at full resolution
    assert first.layer[0][1:3] == (2, 2)


def test_while_the_page_does_not_keep_up_pictures_are_left_out_and_the_newest_comes(view):
    async def many():
        for value in range(1, 60):
            view.value = value
            view.painter.request()
            await asyncio.sleep(0.002)
        drawn = view.painter.drawn
        view.painter.arrived()
        view.painter.arrived()
        await until(lambda: view.sent and view.sent[-1][1] == 59)
        view.painter.close()
        return drawn

    assert run(many()) == 2  # two may be on the way


def test_a_picture_that_is_lost_does_not_stop_the_view(view, monkeypatch):
    from LesionDetectionLib.viewer.views import painter as module

    monkeypatch.setattr(module, "_LOST_AFTER_S", 0.05)

    async def lost():
        for value in range(1, 5):
            view.value = value
            view.painter.request()
            await asyncio.sleep(0.04)
        await until(lambda: view.sent and view.sent[-1][1] == 4)
        view.painter.close()

    run(lost())


def test_a_view_that_cannot_be_drawn_once_is_drawn_the_next_time(view, caplog):
    failing = [True]

    async def fails():
        sane = view.painter._draw

        def draw():
            if failing:
                raise RuntimeError("no graphics")
            return sane()

        view.painter._draw = draw
        view.painter.request()
        await until(lambda: "no graphics" in caplog.text)
        failing.clear()
        view.value = 3
        view.painter.request()
        await until(lambda: view.sent)
        view.painter.close()

    run(fails())
    assert view.sent[0][1] == 3


def test_a_hidden_view_is_not_drawn(view):
    async def hidden():
        view.painter.paused = True
        view.painter.request()
        await asyncio.sleep(0.05)
        drawn = view.painter.drawn
        view.painter.paused = False
        view.painter.request()
        await until(lambda: view.sent)
        view.painter.close()
        return drawn

    assert run(hidden()) == 0


def test_another_view_waits_while_the_hand_is_in_one(view):
    async def two():
        other = view.new(patience_s=PATIENT_S)
        view.turns.prefer(view.painter)
        view.painter.request()
        await until(lambda: view.painter.moving)
        other.request()
        await until(lambda: view.painter.drawn == 1)
        waited = other.drawn
        await until(lambda: other.drawn)
        done = view.painter.drawn
        view.painter.close()
        other.close()
        return waited, done

    assert run(two()) == (0, 2)
