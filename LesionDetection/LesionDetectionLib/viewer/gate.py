"""Who may come in: one browser, on this machine, with the token of the link; and what it is told to allow in its turn.

Everything that the server answers, its WebSocket and its files too, comes after :meth:`Gate.middleware`. In this order:

1. the ``Host`` is the loopback address with our port: a foreign name that leads here (DNS rebinding) is refused;
2. a change, a WebSocket, or a request that says that another page made it, is of our own page (``Origin``, ``Sec-Fetch-Site``);
3. the cookie of the one browser, or the token, once, for which it gets the cookie.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from aiohttp import web

from .refusals import (
    ENDING,
    FAULT,
    NO_SESSION,
    TOO_MANY_TRIES,
    WRONG_HOST,
    WRONG_ORIGIN,
    WRONG_TOKEN,
    Refusal,
    page,
    refusal_of,
)

TOKEN = "token"
"""In the query of the link."""
_SLOWEST_S = 5.0
_FIRST_WAIT_S = 0.05
"""For a wrong token, doubled with each: ten of them take ten seconds, and all that follow five each."""
_MOST_WAITING = 8
_PASSED_ON = ("scan",)
"""What of a query stays when the address is cleaned. trame's client takes others for where to connect to, and with what."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)


class Refused(Exception):
    """Raised by whoever answers a request: the browser gets the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class Gate:
    """In front of one server.

    Attributes:
        token: of the link; empty once it was used.
        closed: the viewer is ending: nobody is let in.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self.closed = False
        self._key = ""
        self._port = 0
        self._wrong = 0
        self._waiting = 0
        self._turn = asyncio.Lock()

    def listen_at(self, port: int) -> None:
        """The port, once it is known. Nobody is let in before."""
        self._port = port

    def link(self) -> str:
        """What a person opens, once."""
        return f"http://127.0.0.1:{self._port}/?{TOKEN}={self.token}"

    def place(self, app: web.Application) -> None:
        """Stand before an application that is not yet started."""
        app.middlewares.insert(0, self.middleware)
        app.on_response_prepare.append(self._on_prepare)

    @property
    def cookie_name(self) -> str:
        """With the port, as a browser sends cookies to all ports of a machine."""
        return f"lesion-viewer-{self._port}"

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what may come in, and answer the rest and all that goes wrong with a page."""
        try:
            refusal = self._refusal(request)
            if refusal is not None:
                return answer(request, refusal)
            if not self._knows(request):
                return await self._first_visit(request)
            if request.path == "/" and set(request.query) - set(_PASSED_ON):
                return self._to_clean_address(request)
            return await handler(request)
        except Refused as error:
            return answer(request, error.refusal)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return answer(request, refusal_of(error.status), error.headers.get("Allow", ""))
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            _log.exception("A request could not be answered.")
            return answer(request, FAULT)

    def _refusal(self, request: web.Request) -> Refusal | None:
        if self.closed:
            return ENDING
        hosts = {f"{name}:{self._port}" for name in ("127.0.0.1", "localhost")}
        if request.headers.get("Host", "").lower() not in hosts:
            return WRONG_HOST
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            return WRONG_ORIGIN
        changes = request.method not in ("GET", "HEAD") or "Upgrade" in request.headers
        if changes and origin is None:
            return WRONG_ORIGIN
        # Another port of this machine is another page, though the browser sends it our cookie.
        arrives = request.headers.get("Sec-Fetch-Mode") == "navigate" and not changes
        return None if site in ("none", "same-origin") or arrives else WRONG_ORIGIN

    def _knows(self, request: web.Request) -> bool:
        """Whether this is the one browser."""
        return _same(request.cookies.get(self.cookie_name, ""), self._key)

    async def _first_visit(self, request: web.Request) -> web.StreamResponse:
        given = request.query.get(TOKEN)
        if given is None or request.method != "GET" or request.path != "/":
            return answer(request, NO_SESSION)
        if _same(given, self.token):
            self.token, self._key = "", secrets.token_urlsafe(32)
            response = self._to_clean_address(request)
            response.set_cookie(self.cookie_name, self._key, httponly=True, samesite="Strict", path="/")
            return response
        return await self._wrong_token(request)

    async def _wrong_token(self, request: web.Request) -> web.StreamResponse:
        """One after the other, each later than the one before."""
        if self._waiting >= _MOST_WAITING:
            return answer(request, TOO_MANY_TRIES)
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.sleep(min(_SLOWEST_S, _FIRST_WAIT_S * 2 ** min(self._wrong, 20)))
                self._wrong += 1
        finally:
            self._waiting -= 1
        # Who comes too late with what was the token is told that the link is used up.
        return answer(request, WRONG_TOKEN if self.token else NO_SESSION)

    def _to_clean_address(self, request: web.Request) -> web.Response:
        """The front page, without the token; relative, so that it leads nowhere else."""
        query = {name: request.query[name] for name in _PASSED_ON if name in request.query}
        return web.Response(status=303, headers={"Location": f"/?{urlencode(query)}" if query else "/"})

    async def _on_prepare(self, _request: web.Request, response: web.StreamResponse) -> None:
        """What the browser shall allow, on all that is answered."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.pop("Server", None)


def content_policy(nonce: str = "", host: str = "") -> str:
    """What a page may load and run. Without a nonce: nothing but its own styles, as refusals and downloads are.

    Vue compiles its templates in the browser, which is evaluation; Vuetify writes styles into the page.

    Args:
        nonce: of the one inline script of the front page.
        host: name and port, as not every browser takes ``'self'`` for WebSockets too.
    """
    if not nonce:
        return (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    return (
        f"default-src 'none'; script-src 'self' 'unsafe-eval' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{host}; worker-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_HEADERS = {
    "Content-Security-Policy": content_policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def answer(request: web.Request, refusal: Refusal, allow: str = "") -> web.Response:
    """A refusal as it goes to the browser: a page, or title and text where a script asks for JSON. What is left of the request's
    body is not read."""
    if "application/json" in request.headers.get("Accept", ""):
        said = {"title": refusal.title, "text": refusal.text.replace("`", "")}
        response = web.json_response(said, status=refusal.status)
    else:
        response = web.Response(status=refusal.status, text=page(refusal), content_type="text/html")
    if allow:
        response.headers["Allow"] = allow
    if request.can_read_body:
        response.force_close()
    return response


def _same(given: str, right: str) -> bool:
    """Whether both are equal and not empty, in a time that does not say how far they are."""
    return bool(right) and hmac.compare_digest(given.encode(), right.encode())
