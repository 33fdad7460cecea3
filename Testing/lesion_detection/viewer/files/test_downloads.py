"""What a browser fetches: once, under an address that cannot be guessed."""

from __future__ import annotations

import shutil
import time

import pytest
from LesionDetectionLib.core.errors import OutputError

from ..site import Site

pytest.importorskip("aiohttp", reason="the viewer's server stands on aiohttp")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    from LesionDetectionLib.viewer.files.downloads import Downloads

    folder = tmp_path_factory.mktemp("downloads")
    downloads = Downloads(folder)
    site = Site(downloads.place)
    site.enter()
    yield site, downloads, folder
    site.close()


@pytest.fixture
def site(served):
    return served[0]


@pytest.fixture
def downloads(served):
    yield served[1]
    served[1].forget()
    assert gone(served[2])


def gone(folder):
    """Soon after the last byte was sent."""
    for _ in range(1000):
        if not list(folder.iterdir()):
            return True
        time.sleep(0.005)
    return False


def test_a_file_is_fetched_once_and_gone_then(site, downloads, served):
    path = downloads.new_file("chest 1 lesions.csv")
    path.write_bytes(b"a,b\n" * 1000)
    address = downloads.offer_file(path)
    assert len(address) > 50
    answer = site.ask("GET", address)
    assert (answer.status, answer.body) == (200, b"a,b\n" * 1000)
    assert answer.headers["content-disposition"].startswith('attachment; filename="chest 1 lesions.csv"')
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    again = site.ask("GET", address)
    assert (again.status, "downloaded already" in again.text) == (404, True)
    assert gone(served[2])


def test_names_are_plain_and_in_any_language(site, downloads):
    path = downloads.new_file('../Thorax "Größe".pdf')
    path.write_bytes(b"x")
    said = site.ask("GET", downloads.offer_file(path)).headers["content-disposition"]
    assert said == "attachment; filename=\"Thorax _Gr__e_.pdf\"; filename*=UTF-8''Thorax%20_Gr%C3%B6%C3%9Fe_.pdf"


def test_a_file_may_be_written_when_it_is_fetched(site, downloads, served):
    written = []

    def write(path):
        written.append(path)
        path.write_bytes(b"model")

    address = downloads.offer("model.zip", write)
    assert not written
    assert site.ask("GET", address).body == b"model"
    assert len(written) == 1
    assert gone(served[2])


def test_what_cannot_be_written_is_told_without_a_path(site, downloads):
    def write(_path):
        raise OutputError("/home/somebody/models/x.zip was not written: the disk is full.")

    answer = site.ask("GET", downloads.offer("x.zip", write))
    assert answer.status == 500
    assert "the disk is full" in answer.text
    assert "somebody" not in answer.text


def test_nothing_is_guessed_and_no_path_is_one(site, downloads):
    downloads.new_file("x.csv").write_bytes(b"x")
    for path in ("/download/x.csv", "/download/../x", "/download/", "/download/%2e%2e%2fetc%2fpasswd", "/download/x/y"):
        assert site.ask("GET", path).status == 404
    shutil.rmtree(next(iter(downloads._folder.iterdir())))


def test_looking_does_not_spend_it(site, downloads):
    path = downloads.new_file("x.csv")
    path.write_bytes(b"x")
    address = downloads.offer_file(path)
    assert site.ask("HEAD", address).status == 405
    assert site.ask("GET", address, Cookie=None).status == 403
    assert site.ask("GET", address, Sec_Fetch_Site="same-site", Sec_Fetch_Mode="no-cors").status == 403
    assert site.ask("GET", address).body == b"x"


def test_offers_that_nobody_fetches_do_not_pile_up(site, downloads, served):
    for n in range(25):
        path = downloads.new_file(f"{n}.csv")
        path.write_bytes(b"x")
        downloads.offer_file(path)
    assert len(list(served[2].iterdir())) == 20
