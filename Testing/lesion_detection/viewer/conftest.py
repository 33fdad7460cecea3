"""One viewer for all tests, without a browser: each test begins with an empty scene and the first choices.

The engine is one that the test itself moves on.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import pytest

from ..panel.conftest import HeldEngine, chest_image, found_in


@functools.cache
def chest():
    """The image that is looked at."""
    return replace(chest_image(), name="scan-1904")


@functools.cache
def found():
    """What is found in it."""
    return found_in(chest())


class Page:
    """Does what a browser would: presses buttons by the id of their element, and sets what fields are bound to."""

    def __init__(self, viewer):
        self._viewer = viewer
        self.server = viewer.context.server
        self.html = viewer.layout.html

    def press(self, element_id):
        tag = re.search(rf'<[^<>]*\sid="{element_id}"(?:[^<>"]|"[^"]*")*>', self.html).group()
        name = re.search(r"@click=\"trigger\('([^']+)'", tag).group(1)
        self.call(name)

    def call(self, name, *values):
        """As the browser calls a handler: changes go out when it has ended."""
        with self.server.state:
            return self.server.controller.trigger_fn(name)(*values)

    def key(self, name):
        self.call("page_key", name)

    def row(self, finding_id, more=False, up_to=False):
        with self.server.state:
            self._viewer.findings_part.table.click(finding_id, more, up_to)

    def set(self, **values):
        with self.server.state as state:
            state.update(values)

    def told(self):
        """The message at the bottom; empty for none."""
        state = self.server.state
        return state.message_text if state.message_shown else ""

    def everything(self):
        """All that the browser has, as text."""
        return unescape(json.dumps(self.server.state.to_dict(), ensure_ascii=False, default=str))


@pytest.fixture(scope="session")
def shared_viewer(tmp_path_factory):
    pytest.importorskip("trame_slicer", reason="the viewer stands on trame-slicer", exc_type=ImportError)
    from LesionDetectionLib.viewer.application import Viewer
    from LesionDetectionLib.viewer.options import ViewerOptions
    from trame.app import get_server

    folder, engine = tmp_path_factory.mktemp("viewer"), HeldEngine()
    server = get_server(f"page-{folder.name}-{id(engine)}", client_type="vue3")
    viewer = Viewer(server, engine, ViewerOptions(models=folder / "models", training=False))
    server.state.ready()
    yield SimpleNamespace(viewer=viewer, engine=engine, page=Page(viewer), folder=folder)
    viewer.close()


@pytest.fixture
def viewer(shared_viewer):
    from LesionDetectionLib.viewer.context import Choices

    viewer = shared_viewer.viewer
    with viewer.context.state:
        shared_viewer.engine.end_all()
        viewer.context.choices = Choices()
        viewer.close_scene()
        viewer.context.state.rejected_shown = False
        viewer.context.state.page = "viewer"
    shared_viewer.engine.jobs.clear()
    return viewer


@pytest.fixture
def engine(shared_viewer, viewer):
    return shared_viewer.engine


@pytest.fixture
def page(shared_viewer, viewer):
    return shared_viewer.page


@pytest.fixture
def state(viewer):
    return viewer.context.state


@pytest.fixture
def ct(viewer):
    """The chest in the scene, chosen as CT."""
    from LesionDetectionLib.io.mrml import volume_node

    node = volume_node(viewer.context.scene, chest())
    viewer.context.choices.volumes["CT"] = node
    with viewer.context.state:
        viewer.context.choices_changed()
    return node


@pytest.fixture
def detected(viewer, page, ct, engine):
    """The viewer after Detect: four candidates, two of them shown."""
    page.press("detect-button")
    engine.finish(found())
    return viewer.context.session.results


@pytest.fixture
def seen_places(viewer, monkeypatch):
    """The places that the views were told to show."""
    places = []
    monkeypatch.setattr(viewer.context, "go_to", lambda place, _volume: places.append(place), raising=False)
    return places
