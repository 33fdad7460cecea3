"""The training page without a browser: handlers are called as it would call them, with engines that the test moves on."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import pytest
from training_doubles import FIGURES, Engines, learned, write_model

pytest.importorskip("trame.widgets.vuetify3", reason="the training page stands on trame")

_numbers = itertools.count(1)


class Browser:
    """Presses buttons by the id of their element, and sets what fields are bound to."""

    def __init__(self, page, built):
        self._page, self._built = page, built
        self._server = page.context.server

    @property
    def html(self):
        return self._built.html

    def __getattr__(self, name):
        return self._server.state[f"training_{name}"]

    def press(self, name):
        """Of the element ``training-NAME``."""
        tag = re.search(rf'<[^<>]*\sid="training-{name}"(?:[^<>"]|"[^"]*")*>', self.html).group()
        with self._server.state:
            self._handler(re.search(r"@click=\"trigger\('([^']+)'", tag).group(1))()

    def answer(self, name):
        """A button of the question that is shown."""
        assert self.asking
        assert name in [one["name"] for one in self.question["answers"]]
        with self._server.state:
            self._handler(re.search(r"trigger\('([^']+)', \[one\.name\]\)", self.html).group(1))(name)

    def set(self, **values):
        with self._server.state as state:
            state.update({f"training_{name}": value for name, value in values.items()})

    def told(self, section):
        """(kind, text) of a section's line; empty for none."""
        message = self._server.state[f"training_{section}_message"]
        return (message["kind"], message["text"]) if message["text"] else ()

    def _handler(self, trigger):
        """What the page that is tested has where the one that was built has this."""
        built = self._built.server.controller.trigger_fn(trigger)
        page = self._page
        owners = (page.data, page.plan, page.run, page.result, page.context.question)
        (owner,) = (one for one in owners if type(one) is type(built.__self__))
        return getattr(owner, built.__name__)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A page whose widgets were made, which takes a while: once for all tests."""
    from trame.ui.vuetify3 import VAppLayout

    folder = tmp_path_factory.mktemp("built")
    page = made_page(folder, Engines())
    with VAppLayout(page.context.server) as layout:
        page.build()
    yield SimpleNamespace(server=page.context.server, html=layout.html)
    page.close()


def made_page(folder, engines):
    from LesionTrainingLib.viewer.training_page import TrainingPage
    from trame.app import get_server

    server = get_server(f"training-{next(_numbers)}", client_type="vue3")
    page = TrainingPage(server, folder / "Models", folder / "Training", engines)
    server.state.ready()
    return page


@pytest.fixture
def engines():
    return Engines()


@pytest.fixture
def page(engines, tmp_path):
    made = made_page(tmp_path, engines)
    yield made
    made.close()


@pytest.fixture
def browser(page, built):
    return Browser(page, built)


@pytest.fixture
def run(browser, page):
    """A run on phantoms that was begun by the button."""
    browser.set(name="Mine")
    browser.press("start")
    assert page.session.run.state.is_busy, browser.told("run")
    return page.session.run


@pytest.fixture
def learn():
    """``learn(run, 40)`` writes a history as a recipe does; with validations where asked."""
    return learned


@pytest.fixture
def install(tmp_path):
    """``install("Mine")`` puts a model into the model folder; gives its path."""

    def make(name, figures=FIGURES, **facts):
        path = tmp_path / "Models" / f"{name.replace(' ', '-')}-1"
        write_model(path, name, figures, **facts)
        return path

    return make


@pytest.fixture
def finish(engines, install):
    """``finish(run)`` ends the model that is being trained, as its task does."""

    def make(run, **facts):
        path = install(run.part.name, **facts)
        run.folder.folder(run.part).mkdir(parents=True, exist_ok=True)
        run.folder.note_installed(run.part, path)
        engines.end("TrainRequest", result=str(path))
        return path

    return make
