"""The model folder: what is listed, installed, refused and removed."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.app import models
from LesionDetectionLib.app.models import ModelShelf, default_models_folder, line_on
from LesionDetectionLib.core.bundle import MANIFEST, WEIGHTS, Bundle, Manifest, write_bundle
from LesionDetectionLib.core.errors import BundleError, OutputError, UsageError

MADE = Manifest(
    "nodule-ct",
    "Liège study",
    "2",
    {},
    {"operating_points": {"a": 0.5}},
    {"cases": {"training": 160}},
    trained_on_phantoms=False,
    metrics={"test": {"cpm": 0.8712, "scans": 40}},
)
ARRAYS = {"w": np.arange(4, dtype=np.float32)}


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "shipped").mkdir()
    return ModelShelf(tmp_path / "user", tmp_path / "shipped")


@pytest.fixture(params=["m", "m.zip"])
def a_bundle(request, tmp_path):
    path = tmp_path / "downloads" / request.param
    write_bundle(path, MADE, ARRAYS, "card")
    return path


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_shipped_model_is_listed_with_its_warning():
    entries = ModelShelf(Path("/nowhere/at/all")).entries("nodule-ct")
    (entry,) = [entry for entry in entries if entry.name == "nodule-ct-phantom"]
    assert entry.shipped
    assert entry.on_phantoms
    assert entry.problem == ""
    assert entry.line.startswith("Learned from 160 scans of computer-made phantoms; CPM 0.9")


def test_an_installed_model_is_listed_whole_and_says_what_it_learned_from(shelf, a_bundle):
    installed = shelf.install(a_bundle)
    assert shelf.entries() == (installed,)
    assert shelf.entries("nodule-ct") == (installed,)
    assert shelf.entries("liver-ct") == ()
    assert (installed.method, installed.name, installed.version) == ("nodule-ct", "Liège study", "2")
    assert not installed.shipped
    assert not installed.on_phantoms
    assert installed.line == "Learned from 160 scans of patients; CPM 0.871 on 40 others."
    assert installed.path.parent == shelf.user_folder
    assert shelf.verify(installed.path).digest == Bundle.open(a_bundle).digest == installed.digest
    assert [path.name for path in shelf.user_folder.iterdir()] == [installed.path.name]


def test_a_second_installation_of_the_same_is_no_error_and_of_another_is_refused(shelf, a_bundle, tmp_path):
    first = shelf.install(a_bundle)
    assert shelf.install(a_bundle) == first
    write_bundle(tmp_path / "other.zip", replace(MADE, licence="MIT"), ARRAYS, "another card")
    before = contents(shelf.user_folder)
    with pytest.raises(OutputError, match="already"):
        shelf.install(tmp_path / "other.zip")
    assert contents(shelf.user_folder) == before
    replaced = shelf.install(tmp_path / "other.zip", overwrite=True)
    assert replaced.path == first.path
    assert shelf.verify(replaced.path).manifest.licence == "MIT"
    assert [path.name for path in shelf.user_folder.iterdir()] == [first.path.name]


def test_two_versions_live_side_by_side(shelf, tmp_path):
    for version in ("1", "2"):
        write_bundle(tmp_path / version, replace(MADE, version=version), ARRAYS, "card")
        shelf.install(tmp_path / version)
    assert [entry.version for entry in shelf.entries()] == ["1", "2"]


def test_a_damaged_model_is_not_installed_and_leaves_nothing(shelf, tmp_path):
    write_bundle(tmp_path / "m", MADE, ARRAYS, "card")
    (tmp_path / "m" / WEIGHTS).write_bytes(b"other")
    with pytest.raises(BundleError, match="SHA-256"):
        shelf.install(tmp_path / "m")
    assert not shelf.user_folder.exists()


def test_a_damaged_copy_is_replaced_when_asked(shelf, a_bundle):
    installed = shelf.install(a_bundle)
    (installed.path / WEIGHTS).write_bytes(b"bad sector")
    assert shelf.entries()[0].problem == ""  # the list does not read weights
    with pytest.raises(BundleError):
        shelf.verify(installed.path)
    with pytest.raises(OutputError, match="already"):
        shelf.install(a_bundle)
    shelf.install(a_bundle, overwrite=True)
    shelf.verify(installed.path)


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "C:\\evil", "..", "a/b", "\0", "CON:", "x" * 500, " . ", "nul.x"]
)
def test_a_name_is_never_a_path(shelf, tmp_path, name):
    write_bundle(tmp_path / "m", replace(MADE, name=name, version=name), ARRAYS, "card")
    installed = shelf.install(tmp_path / "m")
    assert installed.path.parent == shelf.user_folder
    assert installed.path.resolve().parent == shelf.user_folder.resolve()
    assert len(installed.path.name) < 130
    assert installed.path.name.split(".")[0].lower() not in ("con", "nul")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "shipped", "user"]
    shelf.verify(installed.path)


def test_a_zip_with_a_path_in_it_is_refused(shelf, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr(MANIFEST, "{}")
        archive.writestr("../evil.txt", "x")
    with pytest.raises(BundleError, match="plain file names"):
        shelf.install(tmp_path / "m.zip")
    assert not shelf.user_folder.exists()


def test_a_model_of_an_unknown_method_is_refused_and_listed_with_the_reason(shelf, tmp_path):
    write_bundle(tmp_path / "m", replace(MADE, method="of-tomorrow"), ARRAYS, "card")
    with pytest.raises(BundleError, match="does not have"):
        shelf.install(tmp_path / "m")
    write_bundle(shelf.user_folder / "m", replace(MADE, method="of-tomorrow"), ARRAYS, "card")
    assert "does not have" in shelf.entries()[0].problem


def test_broken_models_are_listed_with_the_reason_under_every_method(shelf, a_bundle):
    installed = shelf.install(a_bundle)
    content = json.loads((installed.path / MANIFEST).read_text())
    (installed.path / MANIFEST).write_text(json.dumps({**content, "trained_on_phantoms": True}))
    (shelf.user_folder / "cut.zip").write_bytes(b"PK")
    (shelf.user_folder / "notes").mkdir()
    changed, cut = sorted(shelf.entries("nodule-ct"), key=lambda entry: entry.path.suffix)
    assert "changed after it was made" in changed.problem
    assert "cannot be read" in cut.problem
    assert changed.path == installed.path


def test_a_file_that_is_missing_shows_in_the_list(shelf, a_bundle):
    (shelf.install(a_bundle).path / WEIGHTS).unlink()
    assert "missing" in shelf.entries()[0].problem


def test_the_list_reads_no_weights(shelf, a_bundle, monkeypatch):
    shelf.install(a_bundle)
    write_bundle(shelf.user_folder / "z.zip", MADE, ARRAYS, "card")
    monkeypatch.setattr(models.Bundle, "open", lambda path: pytest.fail("the whole bundle was read"))
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: pytest.fail("weights were read") if path.name == WEIGHTS else read(path)
    )
    assert [entry.problem for entry in shelf.entries()] == ["", ""]


def test_removing_leaves_the_others(shelf, a_bundle, tmp_path):
    first = shelf.install(a_bundle)
    write_bundle(tmp_path / "v3", replace(MADE, version="3"), ARRAYS, "card")
    second = shelf.install(tmp_path / "v3")
    shelf.remove(first)
    assert shelf.entries() == (second,)
    assert [path.name for path in shelf.user_folder.iterdir()] == [second.path.name]
    with pytest.raises(OutputError):
        shelf.remove(first)


def test_only_the_users_models_can_be_removed(shelf, a_bundle, tmp_path):
    installed = shelf.install(a_bundle)
    write_bundle(shelf.shipped_folder / "demo", MADE, ARRAYS, "card")
    shipped = shelf.entries()[0]
    assert shipped.shipped
    with pytest.raises(UsageError, match="stays"):
        shelf.remove(shipped)
    for elsewhere in (a_bundle, shelf.shipped_folder / "demo", installed.path / "..", shelf.user_folder):
        with pytest.raises(UsageError, match="does not lie"):
            shelf.remove(replace(installed, path=elsewhere))
    assert len(shelf.entries()) == 2
    assert a_bundle.exists()


def test_a_link_is_removed_and_not_what_it_leads_to(shelf, tmp_path):
    write_bundle(tmp_path / "precious", MADE, ARRAYS, "card")
    shelf.user_folder.mkdir()
    (shelf.user_folder / "link").symlink_to(tmp_path / "precious")
    (entry,) = shelf.entries()
    shelf.remove(entry)
    assert shelf.entries() == ()
    Bundle.open(tmp_path / "precious")


def test_clearing_takes_models_and_nothing_else(shelf, a_bundle):
    shelf.install(a_bundle)
    write_bundle(shelf.shipped_folder / "demo", MADE, ARRAYS, "card")
    (shelf.user_folder / "broken").mkdir()
    (shelf.user_folder / "broken" / MANIFEST).write_text("{")
    (shelf.user_folder / "holiday").mkdir()
    (shelf.user_folder / "holiday.zip").write_bytes(b"not ours")
    assert shelf.clear() == 2
    assert sorted(path.name for path in shelf.user_folder.iterdir()) == ["holiday", "holiday.zip"]
    assert [entry.shipped for entry in shelf.entries()] == [True, False]


def test_a_folder_that_cannot_be_written_is_a_sentence(shelf, a_bundle):
    shelf.user_folder.write_text("a file is in the way")
    with pytest.raises(OutputError):
        shelf.install(a_bundle)
    assert shelf.entries() == ()


def test_a_failing_replacement_leaves_the_old_model(shelf, a_bundle, tmp_path, monkeypatch):
    installed = shelf.install(a_bundle)
    before = contents(shelf.user_folder)
    write_bundle(tmp_path / "other", replace(MADE, licence="MIT"), ARRAYS, "card")
    rename = Path.rename

    def failing(path, target):
        if path.name.startswith(".new-"):
            raise PermissionError("in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="in use"):
        shelf.install(tmp_path / "other", overwrite=True)
    assert contents(shelf.user_folder) == before
    assert shelf.entries() == (installed,)


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"LESION_MODELS": "/shared/models"}, "linux", "/shared/models"),
        ({}, "linux", "/home/u/.local/share/SlicerLesionDetection/Models"),
        ({"XDG_DATA_HOME": "/data"}, "linux", "/data/SlicerLesionDetection/Models"),
        ({"XDG_DATA_HOME": "relative"}, "linux", "/home/u/.local/share/SlicerLesionDetection/Models"),
        ({}, "darwin", "/home/u/Library/Application Support/SlicerLesionDetection/Models"),
        ({"LOCALAPPDATA": "/home/u/AppData/Local"}, "win32", "/home/u/AppData/Local/SlicerLesionDetection/Models"),
        ({}, "win32", "/home/u/AppData/Local/SlicerLesionDetection/Models"),
    ],
)
def test_the_default_folder_follows_the_platform(environment, platform, folder):
    assert default_models_folder(environment, platform, Path("/home/u")) == Path(folder)


def test_a_model_that_was_not_measured_says_so():
    assert line_on(replace(MADE, metrics={})) == (
        "Learned from 160 scans of patients; how good it is was not measured."
    )
    odd = replace(MADE, training={"cases": "many"}, metrics={"test": {"cpm": "high"}}, trained_on_phantoms=True)
    assert line_on(odd) == "Learned from scans of computer-made phantoms; how good it is was not measured."
