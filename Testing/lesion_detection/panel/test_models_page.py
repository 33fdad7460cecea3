"""The page of models and libraries, on the double of Slicer."""

from __future__ import annotations

import importlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from LesionDetectionLib.app import packages
from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.packages import Found
from LesionDetectionLib.core.bundle import MANIFEST, Bundle
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.resources import demonstration_model

DEMONSTRATION = "nodule-ct-phantom"
SHIPPED = [info.demonstration_model for info in methods().values() if info.demonstration_model]


@pytest.fixture
def changes():
    return []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LESION_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def page(slicer_app, folder, changes):
    import qt

    slicer_app.testing = False
    container = qt.QWidget()
    container.setLayout(qt.QVBoxLayout())
    made = importlib.import_module("LesionDetectionLib.panel.models_page").ModelsPage(
        container, lambda: changes.append(1)
    )
    container.show()
    slicer_app.process_events()
    made.container = container
    yield made
    made.close()


@pytest.fixture
def other(tmp_path):
    """Another model, as a folder; ``other(name)``."""

    def make(name: str = "lung-hospital", version: str = "2") -> Path:
        from LesionDetectionLib.core.bundle import write_bundle

        bundle = Bundle.open(demonstration_model(DEMONSTRATION))
        facts = {**vars(bundle.manifest), "name": name, "version": version, "trained_on_phantoms": False}
        path = tmp_path / f"source-{name}"
        write_bundle(path, type(bundle.manifest)(**facts), bundle.weights(), "# Card of it")
        return path

    return make


def rows(table):
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_it_lists_what_is_there_when_it_is_seen(page, folder):
    assert len(rows(page.ui.modelsTable)) == len(SHIPPED)
    row = next(number for number, cells in enumerate(rows(page.ui.modelsTable)) if cells[0].startswith(DEMONSTRATION))
    _, learned, cpm, place, method = rows(page.ui.modelsTable)[row]
    page.ui.modelsTable.selectRow(row)
    assert "nodule" in method.lower()
    assert place == "shipped"
    assert learned == "phantoms"
    assert float(cpm) > 0.9
    assert "CPM" in page.ui.modelAboutText.text
    assert page.ui.modelsFolderEdit.text == str(folder)
    assert "phantoms only" in page.ui.modelAboutText.text


def test_nothing_is_looked_for_before_it_is_seen(slicer_app, folder, monkeypatch):
    import qt

    looked = []
    monkeypatch.setattr(packages, "state", lambda own=None: looked.append(1) or ())
    container = qt.QWidget()
    container.setLayout(qt.QVBoxLayout())
    page = importlib.import_module("LesionDetectionLib.panel.models_page").ModelsPage(container, lambda: None)
    assert looked == []
    container.show()
    slicer_app.process_events()
    assert looked == [1]
    page.close()


def test_shipped_models_cannot_be_removed(page):
    assert not page.ui.modelRemoveButton.enabled
    assert not page.ui.modelsClearButton.enabled
    assert page.ui.modelVerifyButton.enabled


def test_install_a_folder_verify_and_remove_it(slicer_app, page, folder, other, changes):
    slicer_app.answers["Folder of a model"] = str(other())
    page.ui.modelFromFolderButton.click()
    assert page.chosen.name == "lung-hospital"
    assert page.chosen.path.parent == folder
    assert "verified and installed" in page.ui.modelsMessageText.text
    assert len(changes) == 1
    page.ui.modelVerifyButton.click()
    assert "whole" in page.ui.modelsMessageText.text
    page.ui.modelRemoveButton.click()  # the question is answered with no
    assert len(rows(page.ui.modelsTable)) == len(SHIPPED) + 1
    slicer_app.answers["ok_cancel"] = True
    page.ui.modelRemoveButton.click()
    assert [row[3] for row in rows(page.ui.modelsTable)] == ["shipped"] * len(SHIPPED)
    assert len(changes) == 2


def test_a_zip_goes_out_and_comes_in(slicer_app, page, folder, other, tmp_path):
    ModelShelf(folder).install(other())
    page.refresh()
    page.choose(folder / "lung-hospital-2")
    slicer_app.answers["Save the model"] = str(tmp_path / "carried")
    page.ui.modelZipButton.click()
    assert zipfile.is_zipfile(tmp_path / "carried.zip")
    shutil.rmtree(folder)
    slicer_app.answers["A model"] = str(tmp_path / "carried.zip")
    page.ui.modelFromZipButton.click()
    assert Bundle.open(folder / "lung-hospital-2").manifest.name == "lung-hospital"


def test_a_model_of_the_same_name_is_replaced_only_after_asking(slicer_app, page, folder, other):
    ModelShelf(folder).install(other())
    again = other_with_same_name(other("lung-hospital-b"))
    before = Bundle.open(folder / "lung-hospital-2").digest
    slicer_app.answers["Folder of a model"] = str(again)
    page.ui.modelFromFolderButton.click()
    assert "Replace it?" in slicer_app.questions[-1].text
    assert Bundle.open(folder / "lung-hospital-2").digest == before
    slicer_app.answers["ok_cancel"] = True
    page.ui.modelFromFolderButton.click()
    assert Bundle.open(folder / "lung-hospital-2").digest != before


def other_with_same_name(path: Path) -> Path:
    from LesionDetectionLib.core.bundle import write_bundle

    bundle = Bundle.open(path)
    facts = {**vars(bundle.manifest), "name": "lung-hospital", "intended_use": "Another."}
    target = path.with_name("again")
    write_bundle(target, type(bundle.manifest)(**facts), bundle.weights(), "# Another card")
    return target


def test_a_damaged_model_is_named_as_such(slicer_app, page, folder, other):
    entry = ModelShelf(folder).install(other())
    weights = entry.path / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    page.refresh()
    page.choose(entry.path)
    page.ui.modelVerifyButton.click()
    assert "refused" in page.ui.modelsMessageText.text
    assert slicer_app._application._cursors == 0


def test_a_folder_that_is_no_model_is_refused_in_a_sentence(slicer_app, page, tmp_path, changes):
    (tmp_path / "photos").mkdir()
    slicer_app.answers["Folder of a model"] = str(tmp_path / "photos")
    page.ui.modelFromFolderButton.click()
    assert "is not a model bundle" in page.ui.modelsMessageText.text
    assert changes == []


def test_a_manifest_that_cannot_be_read_is_listed_with_its_problem(page, folder, other):
    entry = ModelShelf(folder).install(other())
    (entry.path / MANIFEST).write_text(json.dumps({"schema": "other"}), encoding="utf-8")
    page.refresh()
    page.choose(entry.path)
    assert "not a model bundle" in page.ui.modelAboutText.text
    assert not page.ui.modelCardButton.enabled
    assert page.ui.modelRemoveButton.enabled


def test_the_card_is_shown_without_waiting(slicer_app, page):
    page.ui.modelCardButton.click()
    (dialog,) = page._cards
    assert dialog.visible
    assert any(name in dialog.windowTitle for name in SHIPPED)


def test_another_folder_is_remembered_and_taken_back(slicer_app, page, folder, tmp_path, changes):
    from LesionDetectionLib.panel.places import models_folder

    slicer_app.answers["Folder for your models"] = str(tmp_path / "elsewhere")
    page.ui.modelsFolderButton.click()
    assert models_folder() == tmp_path / "elsewhere"
    assert page.ui.modelsFolderEdit.text == str(tmp_path / "elsewhere")
    page.ui.modelsUsualButton.click()
    assert models_folder() == folder
    assert len(changes) == 2


def test_clear_asks_and_leaves_what_is_shipped(slicer_app, page, folder, other, changes):
    ModelShelf(folder).install(other())
    (folder / "letter.txt").write_text("mine", encoding="utf-8")
    page.refresh()
    slicer_app.answers["Delete all your models (1)"] = [False, True]
    page.ui.modelsClearButton.click()
    assert len(rows(page.ui.modelsTable)) == len(SHIPPED) + 1
    page.ui.modelsClearButton.click()
    assert [row[3] for row in rows(page.ui.modelsTable)] == ["shipped"] * len(SHIPPED)
    assert (folder / "letter.txt").exists()
    assert len(changes) == 1


def test_libraries_are_listed_with_what_is_here_and_needed(page):
    table = rows(page.ui.librariesTable)
    numpy = next(row for row in table if row[0] == "numpy")
    assert numpy[1] == packages.first_version("numpy")
    assert numpy[2] == "1.26"
    torch = next(row for row, cells in enumerate(table) if cells[0] == "torch")
    assert "Detecting lesions" in page.ui.librariesTable.item(torch, 3).toolTip()
    assert page.ui.librariesText.text == "All libraries are there."
    assert not page.ui.librariesInstallButton.enabled
    assert "PyTorch" in page.ui.torchText.text


def test_what_is_missing_can_be_installed_from_here(slicer_app, page, monkeypatch):
    lacking, rare = Found(packages.PACKAGES["torch"]), Found(packages.PACKAGES["mirp"])
    monkeypatch.setattr(packages, "state", lambda own=None: (rare, Found(packages.PACKAGES["numpy"], "2.0"), lacking))
    page.refresh()
    table = page.ui.librariesTable
    shown = [[table.item(row, column).text() for column in (0, 1)] for row in range(3)]
    assert shown == [["torch", "missing"], ["mirp", "when wanted"], ["numpy", "2.0"]]
    assert "Missing or too old: torch" in page.ui.librariesText.text
    assert "not there" in page.ui.torchText.text
    asked = []
    monkeypatch.setattr(
        page.libraries._install.__globals__["dependencies"], "install", lambda found: asked.append(found)
    )
    page.ui.librariesInstallButton.click()
    assert asked == [(lacking,)]
    page.ui.librariesHowButton.click()
    assert '"torch>=2.2"' in slicer_app.questions[-1].text


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ([{"id": "auto", "title": "Automatic"}, {"id": "cuda:0", "title": "NVIDIA H100 (78 GiB)"}], "NVIDIA H100"),
        ([{"id": "auto", "title": "Automatic"}, {"id": "cpu", "title": "CPU"}], "found no NVIDIA GPU"),
        ([], "once the worker has started"),
    ],
)
def test_where_torch_runs_is_said_when_it_is_known(page, devices, words, monkeypatch):
    page.libraries._state = (Found(packages.PACKAGES["torch"], "2.7.1"),)
    page.know_devices(devices)
    assert words in page.ui.torchText.text


def test_nothing_is_observed_after_close(page, changes, slicer_app, other):
    page.close()
    page.ui.modelVerifyButton.click()
    page.container.hide()
    page.container.show()
    slicer_app.process_events()
    assert page.ui.modelsMessageText.text == ""
