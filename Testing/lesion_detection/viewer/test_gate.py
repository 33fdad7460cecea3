"""Who comes in: one browser, by the link, once; and what everybody else is told."""

from __future__ import annotations

import asyncio
import threading

import pytest

from .site import Site

pytest.importorskip("aiohttp", reason="the viewer's server stands on aiohttp")

SECRET = "what only the one browser may see"


def build(app):
    from aiohttp import web
    from LesionDetectionLib.viewer.gate import Refused
    from LesionDetectionLib.viewer.refusals import TOO_LARGE

    async def secret(_request):
        return web.Response(text=SECRET)

    async def broken(_request):
        raise RuntimeError("/home/somebody/secret.txt is not there")

    async def refused(_request):
        raise Refused(TOO_LARGE.with_text("Too <b>much</b> for `lesion view`."))

    async def socket(request):
        response = web.WebSocketResponse()
        await response.prepare(request)
        await response.close()
        return response

    app.router.add_get("/", secret)
    app.router.add_post("/", secret)
    app.router.add_get("/broken", broken)
    app.router.add_post("/refused", refused)
    app.router.add_get("/ws", socket)


@pytest.fixture(scope="module")
def site():
    """In which the one browser is."""
    made = Site(build)
    made.enter()
    yield made
    made.close()


@pytest.fixture
def fresh():
    """Which nobody has entered."""
    made = Site(build)
    yield made
    made.close()


def upgrade(site, **headers):
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin": f"http://127.0.0.1:{site.port}",
        **headers,
    }


def test_the_link_becomes_a_cookie_and_a_clean_address(fresh):
    token = fresh.gate.token
    assert fresh.gate.link() == f"http://127.0.0.1:{fresh.port}/?token={token}"
    answer = fresh.ask("GET", f"/?token={token}&scan=a/b.nrrd&sessionURL=ws://elsewhere")
    assert (answer.status, answer.headers["location"]) == (303, "/?scan=a%2Fb.nrrd")
    cookie = answer.headers["set-cookie"]
    name, key = cookie.split(";")[0].split("=")
    assert name == f"lesion-viewer-{fresh.port}"
    assert len(key) >= 43
    assert key != token
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    fresh.cookie = f"{name}={key}"
    assert fresh.ask("GET", "/").text == SECRET
    again = fresh.ask("GET", f"/?token={token}")  # the link, opened again in the same browser
    assert (again.status, again.headers["location"]) == (303, "/")
    assert "set-cookie" not in again.headers


def test_the_link_works_once(site):
    for path in ("/", f"/?token={'x' * 43}", "/?token="):
        answer = site.ask("GET", path, Cookie=None)
        assert answer.status == 403
        assert "another browser" in answer.text
        assert "set-cookie" not in answer.headers
        assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["/", "/ws", "/broken", "/nothing", "/viewer-web/page.js"])
def test_without_the_cookie_there_is_nothing(site, path):
    for cookie in (None, "lesion-viewer=x", f"lesion-viewer-{site.port}=", f"lesion-viewer-{site.port}={'x' * 43}"):
        answer = site.ask("GET", path, Cookie=cookie)
        assert answer.status == 403
        assert "<h1>" in answer.text


def test_a_wrong_token_is_told_later_each_time_and_leaves_the_right_one(fresh, monkeypatch):
    from LesionDetectionLib.viewer import gate

    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(gate.asyncio, "sleep", sleep)
    for _ in range(12):
        answer = fresh.ask("GET", "/?token=guessed")
        assert answer.status == 403
        assert "not valid" in answer.text
    assert waits == sorted(waits)
    assert waits[0] < waits[3] < waits[6]
    assert waits[-1] == waits[-2] == 5.0
    fresh.enter()


def test_many_wrong_tokens_at_once_are_not_all_heard(fresh, monkeypatch):
    from LesionDetectionLib.viewer import gate

    held = asyncio.Event()

    async def sleep(_seconds):
        await held.wait()

    monkeypatch.setattr(gate.asyncio, "sleep", sleep)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(fresh.ask("GET", "/?token=guessed").status)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    while found.count(429) < 4:
        assert all(thread.is_alive() for thread in threads) or found
    fresh.enter()  # the right one waits for nobody
    fresh.loop.call_soon_threadsafe(held.set)
    for thread in threads:
        thread.join()
    assert sorted(found) == [403] * 8 + [429] * 4


def test_the_token_counts_at_the_front_page_only_and_in_a_get(fresh):
    token = fresh.gate.token
    assert fresh.ask("GET", f"/ws?token={token}").status == 403
    assert fresh.ask("HEAD", f"/?token={token}").status == 403
    assert fresh.ask("POST", f"/?token={token}", Origin=f"http://127.0.0.1:{fresh.port}").status == 403
    fresh.enter()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{}", "[::1]:{}", None]
)
def test_another_name_that_leads_here_is_refused(site, host):
    answer = site.ask("GET", "/", Host=None if host is None else host.format(site.port))
    assert answer.status in (400, 403)
    assert SECRET not in answer.text


def test_the_loopback_address_has_two_names(site):
    for host in ("127.0.0.1", "localhost", "LocalHost"):
        assert site.ask("GET", "/", Host=f"{host}:{site.port}").text == SECRET


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{}"])
def test_changes_and_sockets_come_from_our_own_page(site, origin):
    origin = origin and origin.format(site.port)
    assert site.ask("POST", "/", b"", Origin=origin).status == 403
    assert site.ask("GET", "/ws", **upgrade(site, Origin=origin)).status == 403


def test_our_own_page_may_change_and_connect(site):
    assert site.ask("POST", "/", b"", Origin=f"http://localhost:{site.port}").text == SECRET
    assert site.ask("GET", "/ws", **upgrade(site)).status == 101


@pytest.mark.parametrize("place", ["cross-site", "same-site"])
def test_another_page_may_lead_here_but_not_read(site, place):
    embedded = {"Sec_Fetch_Site": place, "Sec_Fetch_Mode": "no-cors"}
    assert site.ask("GET", "/", **embedded).status == 403
    assert site.ask("GET", "/", **{**embedded, "Sec_Fetch_Mode": "navigate"}).text == SECRET
    assert site.ask("GET", "/", **{**embedded, "Sec_Fetch_Site": "same-origin"}).text == SECRET


def test_all_answers_say_what_a_browser_must_not_do(site):
    for answer in (site.ask("GET", "/"), site.ask("GET", "/nothing"), site.ask("GET", "/", Cookie=None)):
        headers = answer.headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_what_goes_wrong_is_a_calm_page_without_a_word_of_this_machine(site, caplog):
    answer = site.ask("GET", "/broken")
    assert answer.status == 500
    assert "somebody" not in answer.text
    assert "Traceback" not in answer.text
    assert "somebody" in caplog.text  # whoever started it may read it
    for path, method, status in (("/nothing", "GET", 404), ("/ws", "PUT", 405)):
        answer = site.ask(method, path, Origin=f"http://127.0.0.1:{site.port}")
        assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert "<h1>" in answer.text


def test_a_refusal_says_its_reason_as_a_page_or_to_a_script(site):
    answer = site.post("/refused", {})
    assert answer.status == 413
    assert "Too &lt;b&gt;much&lt;/b&gt; for <code>lesion view</code>." in answer.text
    answer = site.post("/refused", {}, Accept="application/json")
    assert answer.headers["content-type"].startswith("application/json")
    assert "Too <b>much</b> for lesion view." in answer.text


def test_head_is_answered_as_get(site):
    answer = site.ask("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")


def test_at_the_end_everybody_is_told(fresh):
    fresh.enter()
    fresh.loop.call_soon_threadsafe(setattr, fresh.gate, "closed", True)
    answer = fresh.ask("GET", "/")
    assert answer.status == 503
    assert "has ended" in answer.text


def test_each_page_of_refusals_is_whole():
    from LesionDetectionLib.viewer import refusals

    for name, value in vars(refusals).items():
        if isinstance(value, refusals.Refusal):
            page = refusals.page(value)
            assert page.startswith("<!doctype html>"), name
            assert "<script" not in page
            assert "http" not in page.replace("http-equiv", "")
            assert (str(value.status) in page) is (value.status >= 400)
    assert refusals.refusal_of(418).status == 418
    assert refusals.refusal_of(502).title == refusals.FAULT.title
