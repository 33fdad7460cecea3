"""The viewer put together: the page for training beside it, and its end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ..panel.conftest import HeldEngine
from .conftest import Page, chest, found


class StandInTraining:
    """In place of the page for training, which brings a library of its own."""

    def __init__(self, server, models, runs, make_engine):
        self.made_with = (server, models, runs, make_engine)
        self.times_shown, self.closed = 0, False

    def build(self):
        from trame.widgets import html

        html.Div(id="training-stand-in")

    def shown(self):
        self.times_shown += 1

    def close(self):
        self.closed = True


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A viewer of its own with a page for training: ``viewer``, ``page``, ``engine``."""
    pytest.importorskip("trame_slicer", reason="the viewer stands on trame-slicer", exc_type=ImportError)
    from LesionDetectionLib.viewer import application
    from LesionDetectionLib.viewer.options import ViewerOptions
    from trame.app import get_server

    monkeypatch.setattr(application, "load", lambda _place: StandInTraining)
    monkeypatch.setattr(application.importlib.util, "find_spec", lambda _name: object())
    server, engine = get_server(f"end-{id(tmp_path)}", client_type="vue3"), HeldEngine()
    viewer = application.Viewer(server, engine, ViewerOptions(models=tmp_path), make_engine=HeldEngine)
    server.state.ready()
    return SimpleNamespace(viewer=viewer, engine=engine, page=Page(viewer))


def test_training_is_beside_it_and_nothing_is_heard_after_the_end(made, tmp_path):
    viewer, engine, page = made.viewer, made.engine, made.page
    context, training = viewer.context, viewer.training_page
    assert training.made_with == (context.server, tmp_path, None, HeldEngine)
    for name in ("viewer-tab", "training-tab", "training-stand-in"):
        assert f'id="{name}"' in page.html
    page.set(page="training")
    assert training.times_shown == 1
    training.use("liver-ct", tmp_path / "my-model")
    assert (context.state.page, context.state.method) == ("viewer", "liver-ct")
    assert context.choices.models["liver-ct"] == tmp_path / "my-model"
    training.use("nodule-ct", tmp_path / "none")

    from LesionDetectionLib.io.mrml import volume_node

    context.choices.volumes["CT"] = volume_node(context.scene, chest())
    context.choices_changed()
    page.press("detect-button")
    viewer.close()
    assert engine.closed
    assert training.closed
    assert engine.jobs[-1][0].state == "cancelling"
    engine.finish(found())
    assert context.state.order == []
    context.choices_changed()  # of a part that hears too late
    assert not context.server.controller.on_client_connected.exists()
