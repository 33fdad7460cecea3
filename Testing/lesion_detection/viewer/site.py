"""A small web application behind the gate, in a thread of its own, and what asks it: no browser, so that any header can be sent."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()


class Site:
    """Args:
    build: gets the application and puts what answers into it, behind the gate.
    """

    def __init__(self, build):
        self._build = build
        self._ready = threading.Event()
        self.cookie = ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    async def _serve(self):
        from aiohttp import web
        from LesionDetectionLib.viewer.gate import Gate

        self.loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        app, self.gate = web.Application(), Gate()
        self.gate.place(app)
        self._build(app)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self.gate.listen_at(self.port)
        self._ready.set()
        await self._ending.wait()
        await runner.cleanup()

    def close(self):
        self.loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)

    def enter(self):
        """As the browser that opens the link; what follows is asked by it."""
        answer = self.ask("GET", f"/?token={self.gate.token}")
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].split(";")[0]

    def ask(self, method, path, body=None, **headers):
        """Headers by name with ``_`` for ``-``; None leaves one out that would be sent."""
        return ask(self.port, method, path, body, self.cookie, **headers)

    def post(self, path, value, **headers):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", path, body, **{"Origin": f"http://127.0.0.1:{self.port}", **headers})


def ask(port, method, path, body=None, cookie="", **headers):
    """One request on a connection of its own."""
    given = {"Host": f"127.0.0.1:{port}", **({"Cookie": cookie} if cookie else {})}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in given:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        if body:
            with contextlib.suppress(ConnectionError):  # refused before all of it was sent
                connection.send(body)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
