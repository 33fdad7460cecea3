"""What a browser sends: within limits and whole, or nothing of it stays."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from collections import namedtuple

import pytest

from ..site import Site

pytest.importorskip("aiohttp", reason="the viewer's server stands on aiohttp")

LIMIT = 3_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A site that takes uploads, its folder, and what was received."""
    from LesionDetectionLib.viewer.files.uploads import Uploads

    folder, received = tmp_path_factory.mktemp("uploads"), []
    uploads = Uploads(folder, LIMIT, received=received.append)
    site = Site(uploads.place)
    site.enter()
    yield namedtuple("Served", "site folder received uploads")(site, folder, received, uploads)
    site.close()


@pytest.fixture
def site(served):
    yield served.site
    served.received.clear()
    shutil.rmtree(served.folder)
    served.folder.mkdir()


@pytest.fixture
def announce(site):
    """``announce(("a.dcm", 5), ...)`` -> the address to send to."""

    def do(*files):
        answer = site.post("/upload", {"files": files})
        assert answer.status == 200, answer.text
        return "/upload/" + answer.text.split('"')[3]

    return do


def stored(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nothing_left(served):
    return not list(served.folder.iterdir()) and not served.received


def test_files_are_stored_as_they_were_sent(site, served, announce):
    content = bytes(range(256)) * 4000
    address = announce(("scan/b/1.dcm", 5), ("scan/b/2.dcm", 0), ("scan/c/1.dcm", len(content)), ("x.mhd", 3))
    assert site.post(address, b"hello" + content + b"end").status == 200
    (folder,) = served.received
    assert stored(folder) == {"0/1.dcm": b"hello", "0/2.dcm": b"", "1/1.dcm": content, "2/x.mhd": b"end"}


def test_names_are_never_paths(site, served, announce):
    names = ["../../etc/passwd", "/etc/shadow", "..\\..\\x.ini", "C:\\a.dcm", "..", "", "a\x00b", "ü.dcm"]
    assert site.post(announce(*((name, 1) for name in names)), b"x" * len(names)).status == 200
    (folder,) = served.received
    assert folder.parent == served.folder
    found = sorted(stored(folder))
    assert len(found) == len(names)
    assert all(part.isdigit() for part in {name.split("/")[0] for name in found})
    assert not any(".." in name for name in found)
    assert len(list(served.folder.iterdir())) == 1


def test_two_files_of_one_name_stay_two(site, served, announce):
    assert site.post(announce(("a/x.dcm", 1), ("a/X.dcm", 1), ("a/./x.dcm", 1)), b"123").status == 200
    assert sorted(stored(served.received[0]).values()) == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    ("files", "status", "says"),
    [
        ([("scan.dcm", LIMIT + 1)], 413, "at most"),
        ([("a.dcm", LIMIT - 10), ("b.dcm", 11)], 413, "at most"),
        ([("a.dcm", 10**30)], 413, "at most"),
        ([("a.dcm", 1)] * 20_001, 413, "20001 files are too many"),
        ([("scans.zip", 10)], 415, "Archives are not unpacked"),
        ([("a.tar.gz", 10), ("letter.pdf", 3)], 415, "Archives are not unpacked"),
        ([("photo.jpg", 10), ("letter.PDF", 3)], 415, "Open a scan"),
        ([], 400, "no files"),
    ],
)
def test_what_is_not_taken_is_refused_before_it_is_sent(site, served, files, status, says):
    answer = site.post("/upload", {"files": files}, Accept="application/json")
    assert answer.status == status
    assert says in answer.text
    assert nothing_left(served)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"files": 5}',
        b'{"files": [["a.dcm"]]}',
        b'{"files": [["a.dcm", -1]]}',
        b'{"files": [["a.dcm", 1.5]]}',
        b'{"files": [["a.dcm", true]]}',
        b'{"files": [["a.dcm", "1"]]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_list_that_makes_no_sense_is_refused(site, served, body):
    assert site.post("/upload", body).status == 400
    assert nothing_left(served)


def test_a_list_without_end_is_refused(site, served):
    assert site.post("/upload", b"x", Content_Length=str(10**9)).status == 413
    assert nothing_left(served)


def test_what_was_not_announced_is_refused(site, served, announce):
    address = announce(("a.dcm", 3))
    assert site.post("/upload/guessed", b"123").status == 404
    assert site.post(address, b"123").status == 200
    assert site.post(address, b"123").status == 404  # once
    assert len(served.received) == 1


@pytest.mark.parametrize("sent", [b"12", b"1234", b""])
def test_another_length_than_announced_is_refused_and_not_kept(site, served, announce, sent):
    assert site.post(announce(("a.dcm", 3)), sent).status in (400, 413)
    assert nothing_left(served)


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(("parts", "status"), [((b"1", b"23"), 200), ((b"12", b"34"), 413), ((b"1",), 400)])
def test_a_stream_that_does_not_say_its_length_is_counted(site, served, announce, parts, status):
    address = announce(("a.dcm", 3))
    answer = site.post(address, chunked(*parts), Transfer_Encoding="chunked", Content_Length=None)
    assert answer.status == status
    assert nothing_left(served) == (status != 200)


def test_a_cut_connection_leaves_nothing(site, served, announce):
    address = announce(("a.dcm", 1_000_000))
    with contextlib.closing(socket.create_connection(("127.0.0.1", site.port))) as connection:
        head = (
            f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nOrigin: http://127.0.0.1:{site.port}\r\n"
            f"Cookie: {site.cookie}\r\nContent-Length: 1000000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 300_000)
        while not served.uploads._under_way:
            time.sleep(0.005)
        second = site.post("/upload", {"files": [("b.dcm", 1)]}, Accept="application/json")
        assert second.status == 409
        assert "Another upload is under way" in second.text
    while served.uploads._under_way:
        time.sleep(0.005)
    assert nothing_left(served)


def test_a_full_disk_is_told_before_and_while_writing(site, served, announce, monkeypatch):
    from LesionDetectionLib.viewer.files import uploads

    address = announce(("a.dcm", 3))
    Usage = namedtuple("Usage", "free")
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _folder: Usage(500 * 10**6))
    answer = site.post("/upload", {"files": [("a.dcm", 3)]}, Accept="application/json")
    assert (answer.status, "no room on the disk" in answer.text) == (413, True)
    monkeypatch.undo()

    def full(self, data):
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr(uploads._Writer, "write", full)
    answer = site.post(address, b"123")
    assert (answer.status, "disk is full" in answer.text, "secret" in answer.text) == (413, True, False)
    assert nothing_left(served)


def test_while_something_is_opened_nothing_is_taken(site, served, announce):
    address = announce(("a.dcm", 3))
    served.uploads.may_come = lambda: "A scan is being opened."
    try:
        for answer in (site.post(address, b"123"), site.post("/upload", {"files": [("a.dcm", 3)]})):
            assert (answer.status, "A scan is being opened." in answer.text) == (409, True)
    finally:
        served.uploads.may_come = lambda: ""
    assert nothing_left(served)


def test_only_our_own_page_may_send(site, served):
    for origin in (None, "http://evil.example"):
        assert site.post("/upload", {"files": [("a.dcm", 3)]}, Origin=origin).status == 403
    assert site.ask("GET", "/upload").status == 405
