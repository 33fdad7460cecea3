"""A bundle survives writing and reading, and anything done to it is noticed."""

from __future__ import annotations

import dataclasses
import json
import pickle
import zipfile

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import CARD, MANIFEST, WEIGHTS, Bundle, Manifest, read_manifest, write_bundle
from LesionDetectionLib.core.errors import BundleError, OutputError

MANIFEST_VALUE = Manifest(
    "nodule-ct", "tester", "1", {"widths": [1, 2]}, {"operating_points": {"a": 0.5}}, {"seed": 3}, True
)
ARRAYS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros((), np.int64)}


@pytest.fixture(params=["folder", "zip"])
def a_bundle(request, tmp_path):
    path = tmp_path / ("m.zip" if request.param == "zip" else "m")
    write_bundle(path, MANIFEST_VALUE, ARRAYS, "# Card ü")
    return path


def test_reading_gives_back_what_was_written(a_bundle):
    bundle = Bundle.open(a_bundle)
    assert bundle.manifest == MANIFEST_VALUE
    assert bundle.card() == "# Card ü"
    assert {name: array.tolist() for name, array in bundle.weights().items()} == {
        k: v.tolist() for k, v in ARRAYS.items()
    }
    assert "phantoms only" in bundle.warnings()[0]
    bundle.require_method("nodule-ct")
    with pytest.raises(BundleError, match="for the method nodule-ct, not liver-ct"):
        bundle.require_method("liver-ct")


def test_a_figure_that_is_no_number_is_null_in_the_file(tmp_path):
    """NaN is no JSON: other programs could not read the manifest."""
    figures = {"cpm": float("nan"), "rows": [{"low": np.float64("-inf")}, 0.5]}
    write_bundle(tmp_path / "m", dataclasses.replace(MANIFEST_VALUE, metrics=figures), ARRAYS, "card")

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    json.loads((tmp_path / "m" / MANIFEST).read_text(encoding="utf-8"), parse_constant=refuse)
    assert Bundle.open(tmp_path / "m").manifest.metrics == {"cpm": None, "rows": [{"low": None}, 0.5]}


def test_the_same_content_gives_the_same_digest_in_a_folder_and_a_zip(tmp_path):
    digests = set()
    for name in ("m", "m.zip"):
        write_bundle(tmp_path / name, MANIFEST_VALUE, ARRAYS, "card")
        digests.add(Bundle.open(tmp_path / name).digest)
    assert len(digests) == 1


@pytest.fixture
def a_folder(tmp_path):
    write_bundle(tmp_path / "m", MANIFEST_VALUE, ARRAYS, "card")
    return tmp_path / "m"


def edit_manifest(folder, **changes):
    content = json.loads((folder / MANIFEST).read_text())
    content.update(changes)
    (folder / MANIFEST).write_text(json.dumps(content))


def flip_a_byte(folder):
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (flip_a_byte, "SHA-256 differs"),
        (lambda folder: (folder / CARD).write_text("better card"), "SHA-256 differs"),
        (lambda folder: (folder / CARD).unlink(), "missing"),
        (lambda folder: (folder / "extra.py").write_text("x"), "added"),
        (lambda folder: edit_manifest(folder, trained_on_phantoms=False), "changed after it was made"),
        (lambda folder: edit_manifest(folder, schema="other"), "not a model bundle"),
        (lambda folder: edit_manifest(folder, schema_version=2), "version 2"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "damaged"),
        (lambda folder: (folder / MANIFEST).write_text("[]"), "damaged"),
        (lambda folder: (folder / MANIFEST).unlink(), "no bundle.json"),
        (lambda folder: (folder / "link").symlink_to("/etc/hostname"), "not a plain file"),
    ],
)
def test_tampering_is_refused(a_folder, tamper, words):
    tamper(a_folder)
    with pytest.raises(BundleError, match=words):
        Bundle.open(a_folder)


def test_a_path_inside_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr(MANIFEST, "{}")
        archive.writestr("../evil.txt", "x")
    with pytest.raises(BundleError, match="plain file names"):
        Bundle.open(tmp_path / "m.zip")
    assert not (tmp_path.parent / "evil.txt").exists()


def test_what_does_not_belong_is_not_even_read(tmp_path, monkeypatch):
    """A small zip may hold files that unpack to more than the memory."""
    write_bundle(tmp_path / "m.zip", MANIFEST_VALUE, ARRAYS, "card")
    with zipfile.ZipFile(tmp_path / "m.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more", b"\0" * 2**16)
    read, reading = list[str](), zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda self, name: read.append(str(name)) or reading(self, name))
    with pytest.raises(BundleError, match=r"were added \(more\)"):
        Bundle.open(tmp_path / "m.zip")
    assert read == [MANIFEST]


def test_a_zip_packed_in_another_way_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(MANIFEST, "{}")
    with pytest.raises(BundleError, match="packed in a way"):
        Bundle.open(tmp_path / "m.zip")


def test_foreign_files_are_refused(tmp_path):
    (tmp_path / "model.pth").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(BundleError, match="cannot be read"):
        Bundle.open(tmp_path / "model.pth")
    with pytest.raises(BundleError, match="no model bundle"):
        Bundle.open(tmp_path / "missing")


def test_a_cut_zip_is_refused(tmp_path):
    write_bundle(tmp_path / "m.zip", MANIFEST_VALUE, ARRAYS, "card")
    data = (tmp_path / "m.zip").read_bytes()
    (tmp_path / "m.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError):
        Bundle.open(tmp_path / "m.zip")


def test_an_existing_bundle_is_replaced_only_when_asked(a_folder):
    with pytest.raises(OutputError, match="already holds"):
        write_bundle(a_folder, MANIFEST_VALUE, ARRAYS, "new")
    assert Bundle.open(a_folder).card() == "card"
    write_bundle(a_folder, MANIFEST_VALUE, ARRAYS, "new", overwrite=True)
    assert Bundle.open(a_folder).card() == "new"


def test_a_manifest_alone_is_read_without_the_weights(a_bundle):
    digest = Bundle.open(a_bundle).digest
    assert read_manifest(a_bundle) == (MANIFEST_VALUE, digest)


def test_a_manifest_alone_is_refused_where_it_was_edited_or_files_are_missing(a_folder):
    (a_folder / WEIGHTS).write_bytes(b"other")
    assert read_manifest(a_folder)[0] == MANIFEST_VALUE  # the content is looked at by Bundle.open only
    (a_folder / WEIGHTS).unlink()
    with pytest.raises(BundleError, match="missing"):
        read_manifest(a_folder)
    edit_manifest(a_folder, trained_on_phantoms=False)
    with pytest.raises(BundleError, match="changed after it was made"):
        read_manifest(a_folder)
    with pytest.raises(BundleError, match="no model bundle"):
        read_manifest(a_folder / "none")


def test_a_manifest_that_is_far_too_large_is_not_read(a_folder):
    with (a_folder / MANIFEST).open("ab") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(BundleError, match="17 MiB"):
        read_manifest(a_folder)
