"""One browser has the viewer: others are refused, nothing is read outside of the served folder, and the end is an end."""

from __future__ import annotations

import contextlib
import http.client
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from browser_driver.looking import View, rows, wait_for
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.io.files import write_image

SECRET = b"kept-apart"
SPACING_MM = 2.0
OUTSIDE = (
    "/?scan=../apart.nrrd",
    "/?scan=..%2Fapart.nrrd",
    "/?scan=%2e%2e%2fapart.nrrd",
    "/?scan=..%5capart.nrrd",
    "/?scan={folder}/../apart.nrrd",
    "/?scan=linked.nrrd",
    "/?scan=.hidden.nrrd",
    "/viewer-web/../server.py",
    "/viewer-web/%2e%2e/server.py",
    "/viewer-web/..%2fserver.py",
    "/viewer-web/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
    "/assets/../../../../../../etc/passwd",
    "//etc/passwd",
    "/{folder}/scan.nrrd",
    "/download/../scan.nrrd",
    "/index.html",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two scans, one of a dense ball, and others that are not to be had."""
    place = tmp_path_factory.mktemp("served")
    folder = place / "scans"
    folder.mkdir()
    k, j, i = np.mgrid[:40, :40, :40] - 20
    ball = np.where(k**2 + j**2 + i**2 < 36, 60, -850)
    noise = np.random.default_rng(0).normal(0, 15, ball.shape)
    image = Image((ball + noise).astype(np.int16), np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0]), CT)
    for path in (folder / "scan.nrrd", folder / "other.nrrd", folder / ".hidden.nrrd", place / "apart.nrrd"):
        write_image(image, path)
    (place / "apart.nrrd").write_bytes((place / "apart.nrrd").read_bytes() + SECRET)
    (folder / "linked.nrrd").symlink_to(place / "apart.nrrd")
    return folder


@pytest.fixture(scope="module")
def served(serve, folder):
    return serve(folder)


@pytest.fixture(scope="module")
def page(served, visit):
    """The first browser, with the folder's scan."""
    page = visit(served.link)
    page.click(".served-item[data-path='scan.nrrd']")
    page.wait_for_selector("#detect-button")
    wait_for(page, lambda: page.locator(".view-note-place").count() == 3, "slices")
    return page


def asked(address, path, cookies="", **headers):
    """(status, body) of a GET whose path is sent as it stands."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": place.netloc, "Cookie": cookies, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()


def cookies_of(page):
    return "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())


def test_a_wrong_token_gets_a_page_that_says_so_and_nothing_else(served, visit, watched):
    page = visit(f"{served.address}?token=guessed")
    assert "This link is not valid" in page.inner_text("main")
    assert page.context.cookies() == []
    assert "403" in "".join(watched.take())


def test_the_token_is_gone_from_the_address_and_the_page_has_the_scan(page, served):
    assert page.url == served.address
    assert View(page, "Red").picture().std() > 5
    items = page.locator(".served-item").evaluate_all("all => all.map(one => one.dataset.path)")
    assert items == ["other.nrrd", "scan.nrrd"]


def test_a_second_browser_is_refused_and_gets_no_data(page, served, visit, watched):
    second = visit(served.link)
    assert "This viewer belongs to another browser" in second.inner_text("main")
    assert "scan.nrrd" not in second.content()
    assert second.context.cookies() == []
    assert "403" in "".join(watched.take())
    web_socket = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin": served.address.rstrip("/"),
    }
    for path, headers in (("/ws", web_socket), ("/", {}), ("/viewer-web/views.js", {}), ("/?scan=scan.nrrd", {})):
        status, body = asked(served.address, path, **headers)
        assert status == 403, path
        assert b"belongs to another browser" in body
    assert asked(served.address, "/ws", cookies_of(page), **{**web_socket, "Origin": "http://evil.example"})[0] == 403
    assert View(page, "Red").picture().std() > 5


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_of_the_folder_is_had_by_any_address(page, served, folder, path):
    status, body = asked(served.address, path.format(folder=str(folder).lstrip("/")), cookies_of(page))
    assert 400 <= status < 500
    assert SECRET not in body
    assert b"root:" not in body
    assert b"def " not in body
    assert str(folder.parent).encode() not in body


def test_a_page_says_that_a_scan_is_not_there(page, served, watched):
    refused = page.context.new_page()
    refused.goto(f"{served.address}?scan=../apart.nrrd")
    assert "There is nothing here" in refused.inner_text("main")
    refused.close()
    assert "404" in "".join(watched.take())


def test_a_page_that_is_loaded_anew_goes_on_with_its_findings(page):
    view = View(page, "Red")
    middle = (-20 * SPACING_MM, -20 * SPACING_MM, 20 * SPACING_MM)
    view.go_to(middle[2])
    page.click("#click-button")
    view.click_at(middle)
    wait_for(page, lambda: rows(page), "a finding")
    before = rows(page)
    page.reload()
    wait_for(page, lambda: rows(page) == before, "the finding again")
    wait_for(page, lambda: page.locator(".view-note-place").count() == 3, "slices")
    assert View(page, "Red").picture().std() > 5


def test_the_tab_that_was_opened_last_shows_the_viewer_and_the_other_says_so(page, served, watched):
    other = page.context.new_page()
    other.goto(served.address)
    page.wait_for_url("**/elsewhere")
    assert "open in another tab" in page.inner_text("main")
    wait_for(other, lambda: rows(other), "the finding")
    page.click("a")
    other.wait_for_url("**/elsewhere")
    other.close()
    wait_for(page, lambda: page.locator(".view-note-place").count() == 3, "slices")
    watched.take()  # the browser's own words for a connection that is cut


def test_the_page_says_that_the_viewer_has_ended_and_nothing_of_it_is_left(page, served, watched):
    children = children_of(served.process.pid)
    assert children
    assert served.stop() == 0
    page.wait_for_selector("#ended")
    assert not page.locator("canvas").count()
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 1e6; }")  # it would wait for half a minute
    page.wait_for_selector(".ended-gone")
    assert "The viewer has ended" in page.inner_text(".ended-gone")
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    watched.take()  # the browser's own words for a connection that is cut
    assert "LesionDetectionLib" not in served.printed()  # no traceback of ours


def children_of(pid):
    """Processes that this one has started, and theirs; as Linux has it."""
    listed = [
        int(child)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for child in path.read_text(encoding="ascii").split()
    ]
    return [*listed, *(other for child in listed for other in children_of(child))]
