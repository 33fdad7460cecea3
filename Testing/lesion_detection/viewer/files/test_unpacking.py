"""Bundles of Slicer, and zips that only look like them."""

from __future__ import annotations

import stat
import zipfile

import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.viewer.files import unpacking
from LesionDetectionLib.viewer.files.unpacking import unpack_scene

from .scene_files import bundle, naming

SCENE = naming("fileName", "Data/scan.nrrd")


@pytest.fixture
def unpack(tmp_path):
    """``unpack(entries)``: of such a bundle; nothing may be left where that is refused."""

    def do(entries, progress=None):
        path = entries if hasattr(entries, "exists") else bundle(tmp_path / "x.mrb", entries)
        return unpack_scene(path, tmp_path / "place", progress or Progress())

    yield do
    assert not (tmp_path.parent / "outside.txt").exists()


def refused(tmp_path):
    return not (tmp_path / "place").exists()


WHOLE = {"chest/chest.mrml": SCENE, "chest/Data/scan.nrrd": b"NRRD0004\n\n" + bytes(range(256)) * 50}


def test_a_bundle_is_unpacked_as_it_is(unpack, tmp_path):
    scene = unpack(WHOLE)
    assert scene == tmp_path / "place" / "chest" / "chest.mrml"
    assert scene.read_text() == SCENE
    assert (scene.parent / "Data" / "scan.nrrd").read_bytes() == WHOLE["chest/Data/scan.nrrd"]


def test_of_several_scenes_the_outer_one_is_meant(unpack):
    scene = unpack({"a/b/inner.mrml": SCENE, "a/outer.mrml": SCENE, "a/Data/scan.nrrd": b"NRRD0004\n\n"})
    assert scene.name == "outer.mrml"


def link(name, target="/etc/passwd", kind=stat.S_IFLNK):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return {entry: target, "a/x.mrml": SCENE}


@pytest.mark.parametrize(
    "entries",
    [
        {"../../outside.txt": "x", "a/x.mrml": SCENE},
        {"a/../../../outside.txt": "x", "a/x.mrml": SCENE},
        {"/outside.txt": "x", "a/x.mrml": SCENE},
        {"a\\..\\..\\outside.txt": "x", "a/x.mrml": SCENE},
        {"C:/outside.txt": "x", "a/x.mrml": SCENE},
        link("a/Data/scan.nrrd"),
        link("a/Data", "/etc"),
        link("a/pipe", "", stat.S_IFIFO),
    ],
)
def test_what_leads_out_of_it_is_refused(unpack, tmp_path, entries):
    with pytest.raises(InputError, match="leads out"):
        unpack(entries)
    assert refused(tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(unpack, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_SMALL", 2**20)
    with pytest.raises(InputError, match="far more than a scene"):
        unpack({"a/x.mrml": SCENE, "a/Data/scan.nrrd": b"\0" * (2 * 2**20)})
    assert refused(tmp_path)


def test_a_bomb_that_says_less_of_itself_is_stopped(unpack, tmp_path):
    path = bundle(tmp_path / "x.mrb", {"a/x.mrml": SCENE, "a/Data/scan.nrrd": b"\0" * 100_000})
    content = path.read_bytes()
    assert content.count((100_000).to_bytes(4, "little")) == 2
    path.write_bytes(content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(InputError, match="damaged"):
        unpack(path)
    assert refused(tmp_path)


def test_too_many_files_are_refused(unpack, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)
    with pytest.raises(InputError, match="far more than a scene"):
        unpack({f"a/{n}.txt": "" for n in range(3)} | {"a/x.mrml": SCENE})
    assert refused(tmp_path)


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"readme.txt": "nothing"}, "holds no scene"),
        ({"a/x.mrml": naming("fileName", "/etc/passwd.nrrd")}, "not in its own folder"),
        ({"a/x.mrml": "<MRML>"}, "damaged"),
        ([("a/x.mrml", SCENE), ("a/x.mrml", SCENE)], "names in it"),
        ([("a", "file"), ("a/x.mrml", SCENE)], "names in it"),
        ({"a/" + "x" * 300 + ".mrml": SCENE}, "names in it"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_no_scene_is_refused_in_a_sentence(unpack, tmp_path, entries, says):
    with pytest.raises(InputError, match=says):
        unpack(entries)
    assert refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 10])
def test_what_is_no_zip_is_refused(unpack, tmp_path, content):
    path = tmp_path / "x.mrb"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no scene bundle"):
        unpack(path)
    assert refused(tmp_path)


def test_damaged_content_is_refused(unpack, tmp_path):
    path = bundle(tmp_path / "x.mrb", WHOLE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        unpack(path)
    assert refused(tmp_path)


def test_a_full_disk_is_told(unpack, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10**6})())
    with pytest.raises(OutputError, match="no room"):
        unpack({"a/x.mrml": SCENE})
    assert refused(tmp_path)


def test_a_cancelled_one_leaves_nothing(unpack, tmp_path):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        unpack({"a/x.mrml": SCENE}, progress)
    assert refused(tmp_path)
