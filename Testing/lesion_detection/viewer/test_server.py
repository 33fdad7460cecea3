"""``lesion view`` as a program: how it starts, who reaches it, what it reads of a folder, and how it ends."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
from LesionDetectionLib.app import command_line
from LesionDetectionLib.io.files import write_image

from .conftest import chest
from .files.scene_files import naming
from .site import ask

pytest.importorskip("trame_slicer", reason="the viewer stands on trame-slicer", exc_type=ImportError)

LINK = re.compile(r"^http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})$", re.MULTILINE)
PATIENCE_S = 90


class Program:
    """``lesion view`` in a process of its own, with folders of its own."""

    def __init__(self, place, *arguments, **environment):
        self.temporary = place / "temporary"
        self.temporary.mkdir()
        (place / "models").mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "LesionDetectionLib.app.command_line", "view", "--no-browser", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": str(self.temporary), "LESION_MODELS": str(place / "models"), **environment},
        )
        self.printed = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until = time.monotonic() + PATIENCE_S
        while not LINK.search(self.printed) and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        found = LINK.search(self.printed)
        assert found, self.printed
        self.port, self.token, self.cookie = int(found[1]), found[2], ""

    def _read(self):
        for line in self.process.stdout:
            self.printed += line

    def ask(self, method, path, body=None, **headers):
        return ask(self.port, method, path, body, self.cookie, **headers)

    def children(self):
        found = subprocess.run(["ps", "--ppid", str(self.process.pid), "-o", "pid="], capture_output=True, text=True)
        return [int(one) for one in found.stdout.split()]

    def stop(self, how):
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(5)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """With a folder of two scans, a hostile scene and a secret beside it; the environment tells trame to listen to all."""
    place = tmp_path_factory.mktemp("program")
    folder = place / "scans"
    (folder / "sub").mkdir(parents=True)
    write_image(chest(), place / "secret.nrrd")
    write_image(chest(), folder / "a.nrrd")
    write_image(chest(), folder / "sub" / "b.nrrd")
    (folder / "hostile.mrml").write_text(naming("fileName", str(place / "secret.nrrd")))
    (folder / "out.nrrd").symlink_to(place / "secret.nrrd")
    made = Program(
        place,
        folder,
        TRAME_ARGS="--host 0.0.0.0 --authKey known --port 1",
        TRAME_DEFAULT_HOST="0.0.0.0",
        WSLINK_FOLLOW_SYMLINKS="1",
        TRAME_LOG_NETWORK=str(place / "network.log"),
    )
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def test_one_line_with_the_link_is_all_that_it_prints(program):
    assert LINK.fullmatch(program.printed.strip())


def test_it_listens_on_the_loopback_address_alone(program):
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):  # noqa: PTH110
            pytest.skip("what a process listens to is looked up in Linux’s tables")
        with open(table) as lines:  # noqa: PTH123
            fields = [line.split() for line in list(lines)[1:]]
        listening += [one[1] for one in fields if one[3] == "0A" and int(one[1].split(":")[1], 16) == program.port]
    assert listening == [f"0100007F:{program.port:04X}"]


def test_nothing_is_there_for_others(program):
    for path in (
        "/",
        "/index.html",
        "/ws",
        "/viewer-web/page.js",
        "/vue.global.js",
        "/upload",
        "/download/x",
        "/?scan=a.nrrd",
    ):
        answer = ask(program.port, "GET", path)
        assert answer.status == 403, path
        assert "another browser" in answer.text
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        connection.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


@pytest.fixture(scope="module")
def browser(program):
    """The program, and the cookie of the one browser."""
    answer = program.ask("GET", f"/?token={program.token}")
    assert answer.status == 303
    program.cookie = answer.headers["set-cookie"].split(";")[0]
    return program


def secret_of(page):
    return json.loads(re.search(r'"\?secret=" \+ (".*?")', page)[1])


def test_the_front_page_has_its_own_script_and_no_other(browser):
    first, second = browser.ask("GET", "/"), browser.ask("GET", "/")
    nonces = [re.search(r"'nonce-([\w-]+)'", one.headers["content-security-policy"])[1] for one in (first, second)]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip((first, second), nonces, strict=True):
        scripts = re.findall(r"<script([^>]*)>", answer.text)
        assert all("src=" in one or f'nonce="{nonce}"' in one for one in scripts)
        assert f"connect-src 'self' ws://127.0.0.1:{browser.port};" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"].split("style-src")[0]
    assert secret_of(first.text) not in ("wslink-secret", "known", "")
    for source in re.findall(r'(?:src|href)="([^":]+)"', first.text):
        assert browser.ask("GET", "/" + source.removeprefix("./")).status == 200, source


def test_an_address_with_orders_for_the_client_is_cleaned(browser):
    for query in (
        "sessionURL=ws://evil.example/ws",
        "sessionManagerURL=http://evil.example",
        "secret=x&reconnect=auto",
    ):
        answer = browser.ask("GET", f"/?{query}")
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert browser.ask("GET", f"/index.html?{query}").status == 404


def test_a_tab_that_gave_way_leads_back(browser):
    answer = browser.ask("GET", "/elsewhere")
    assert answer.status == 200
    assert "open in another tab" in answer.text
    assert '<a href="/">' in answer.text


def web_socket(program, secret):
    """What a WebSocket's greeting with this secret is answered."""
    import asyncio

    import aiohttp
    import msgpack
    from wslink.chunking import generate_chunks

    async def greet():
        name, key = program.cookie.split("=")
        origin = f"http://127.0.0.1:{program.port}"
        async with (
            aiohttp.ClientSession(cookies={name: key}, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
            session.ws_connect(f"{origin}/ws", origin=origin) as ws,
        ):
            hello = {
                "wslink": "1.0",
                "id": "system:c0:0",
                "method": "wslink.hello",
                "args": [{"secret": secret}],
                "kwargs": {},
            }
            for chunk in generate_chunks(msgpack.packb(hello), 4096):
                await ws.send_bytes(chunk)
            return str((await ws.receive(timeout=20)).data)

    return asyncio.run(greet())


def test_a_socket_needs_the_secret_of_the_page(browser):
    right = secret_of(browser.ask("GET", "/").text)
    assert "clientID" in web_socket(browser, right)
    for wrong in ("wslink-secret", "known", "", right[:-1]):
        assert "Authentication failed" in web_socket(browser, wrong)


@pytest.mark.parametrize(
    "scan",
    [
        "../secret.nrrd",
        "..%2Fsecret.nrrd",
        "%2e%2e/secret.nrrd",
        "/etc/passwd",
        "out.nrrd",
        "sub/../../secret.nrrd",
        "gone",
        "",
    ],
)
def test_a_link_to_a_scan_outside_of_the_folder_is_not_found(browser, scan):
    answer = browser.ask("GET", f"/?scan={scan}")
    assert answer.status == 404
    assert "no such scan in the folder" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "path", ["/../secret.nrrd", "/viewer-web/../gate.py", "/viewer-web/%2e%2e/gate.py", "/viewer-web//etc/passwd"]
)
def test_static_files_are_those_of_the_page(browser, path):
    assert browser.ask("GET", path).status in (400, 403, 404)


def test_a_link_to_a_scan_of_the_folder_opens_the_page(browser):
    answer = browser.ask("GET", "/?scan=sub%2Fb.nrrd", Sec_Fetch_Mode="navigate", Sec_Fetch_Site="none")
    assert answer.status == 200
    assert "secret=" in answer.text


def test_a_large_upload_is_refused(browser):
    origin = f"http://127.0.0.1:{browser.port}"
    body = json.dumps({"files": [["scan.nrrd", 10**12]]}).encode()
    while True:  # a scan is being opened, by the test before
        answer = browser.ask("POST", "/upload", body, Origin=origin, Accept="application/json")
        if answer.status != 409:
            break
        time.sleep(0.1)
    assert (answer.status, "at most 4.0 GB" in answer.text) == (413, True)


def test_at_the_end_no_process_and_no_file_is_left(browser, tmp_path):
    import signal

    workers = browser.children()
    assert list(browser.temporary.iterdir())
    assert browser.stop(signal.SIGTERM) == 0
    assert list(browser.temporary.iterdir()) == []
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    assert LINK.fullmatch(browser.printed.strip())  # and not a word more
    with pytest.raises(ConnectionError):
        browser.ask("GET", "/")


# Before anything is started


def said(capsys, *arguments):
    code = command_line.main(["view", "--no-browser", *map(str, arguments)])
    return code, capsys.readouterr().err


def test_a_port_in_use_is_told(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = said(capsys, "--port", port)
    assert code == 2
    assert f"Port {port} is in use by another program" in text


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--port", "70000"], 2, "--port must be a number from 0 to 65535"),
        (["--upload-limit", "0"], 2, "--upload-limit must be"),
        (["--upload-limit", "nan"], 2, "--upload-limit must be"),
        (["/there/is/nothing.nrrd"], 3, "There is no file or folder"),
        (["--models", "/there/is/nothing"], 3, "which --models names"),
    ],
)
def test_what_makes_no_sense_is_told(capsys, arguments, code, says):
    assert (said(capsys, *arguments)[0], says in said(capsys, *arguments)[1]) == (code, True)


def test_without_its_libraries_it_says_how_to_install_them(capsys, monkeypatch):
    from LesionDetectionLib.app.commands import view

    monkeypatch.setattr(view.importlib.util, "find_spec", lambda name: None if name == "trame_slicer" else name)
    code, text = said(capsys)
    assert code == 7
    assert "pip install 'slicer-lesion-detection[viewer]'" in text


def test_nothing_heavy_is_loaded_for_the_help():
    code = "import sys\nfrom LesionDetectionLib.app import command_line\ncommand_line.build_parser()\nprint('trame' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_asked_for_is_handed_on(monkeypatch, tmp_path):
    from LesionDetectionLib.app.commands import view

    asked = []
    monkeypatch.setattr(view, "load", lambda place: dict if place.endswith("ViewerOptions") else asked.append)
    assert (
        command_line.main(["view", str(tmp_path), "--port", "0", "--device", "cpu", "--series", "2", "--phantom"]) == 0
    )
    assert asked[0] == {
        "scans": (tmp_path,),
        "series": "2",
        "port": 0,
        "browser": True,
        "models": None,
        "device": "cpu",
        "phantom": True,
        "upload_limit_gb": 4.0,
    }
