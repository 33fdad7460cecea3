"""Debian's Chromium, headless, on ``lesion view``. Where there is no Chromium, these tests skip and say so."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from browser_driver import running
from browser_driver.looking import PATIENCE_S

SIZE = {"width": 1400, "height": 860}
_OWN = ("data:", "blob:")
"""Addresses that lead nowhere."""
_OF_TORCH = "torchinductor_"
"""A folder that torch makes, empty, in every process that trains."""


@pytest.fixture(scope="session")
def chromium_path():
    """Where Chromium is; skips the test where it is not."""
    path = running.chromium_path()
    if not path:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium; or set CHROMIUM)")
    return path


@pytest.fixture(scope="module")
def chromium(chromium_path):
    """The browser of this file's tests; closed at its end, as Playwright keeps an event loop of its own in the process."""
    with running.chromium(chromium_path) as browser:
        yield browser


@pytest.fixture(scope="module")
def serve(chromium_path, tmp_path_factory):
    """``serve(scan, "--upload-limit", "0.1")`` starts ``lesion view`` with these arguments; stopped at the end of the file, when
    nothing may be left of what it kept while it ran."""
    started = []

    def start(*arguments):
        started.append(running.served(tmp_path_factory.mktemp("viewer"), *arguments))
        return started[-1]

    yield start
    for served in started:
        served.stop()
        left = [path.name for path in served.temporary.iterdir()]
        assert [name for name in left if not name.startswith(_OF_TORCH)] == []


@dataclass
class Watched:
    """What went on in the browser.

    Attributes:
        faults: errors and warnings of pages.
        foreign: requests and WebSockets to anywhere but the viewer.
    """

    faults: list = field(default_factory=list)
    foreign: list = field(default_factory=list)

    def take(self):
        """All of it, which is forgotten then."""
        told = [*self.faults, *self.foreign]
        self.faults.clear()
        self.foreign.clear()
        return told


@pytest.fixture(scope="module")
def watched():
    return Watched()


@pytest.fixture(autouse=True)
def nothing_went_wrong(watched):
    """Fails each test in which the browser told an error, or asked anybody but the viewer; ``watched.take()`` has seen them."""
    yield
    assert watched.take() == []


@pytest.fixture(scope="module")
def visit(chromium, watched):
    """``visit(served.link)`` -> the page in a browser that has nothing from another visit: no cookie, no cache."""
    contexts = []

    def go(link, **options):
        address = link.split("?")[0]
        own = (address, address.replace("http:", "ws:"), *_OWN)
        context = chromium.new_context(viewport=SIZE, accept_downloads=True, **options)
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE_S)
        context.on("console", lambda told: told.type in ("error", "warning") and watched.faults.append(told.text))
        context.on("weberror", lambda told: watched.faults.append(str(told.error)))
        context.on("request", lambda asked: asked.url.startswith(own) or watched.foreign.append(asked.url))
        page = context.new_page()
        page.on("websocket", lambda opened: opened.url.startswith(own) or watched.foreign.append(opened.url))
        page.goto(link)
        return page

    yield go
    for context in contexts:
        context.close()
