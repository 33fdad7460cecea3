"""Dialogs for files and folders: what they give, and where they begin."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def ask(slicer_app, monkeypatch):
    from LesionDetectionLib.panel import ask

    slicer_app.testing = False
    monkeypatch.setattr(ask, "_last_folder", [])
    return ask


@pytest.mark.parametrize(
    ("typed", "named"), [("lesions", "lesions.csv"), ("of 2.5 mm", "of 2.5 mm.csv"), ("a.CSV", "a.CSV")]
)
def test_a_new_file_gets_its_ending(slicer_app, ask, tmp_path, typed, named):
    slicer_app.answers["Table"] = str(tmp_path / typed)
    assert ask.choose_new_file("Table", "", "lesions.csv") == tmp_path / named


def test_no_file_is_replaced_unasked(slicer_app, ask, tmp_path):
    """Qt's dialog asks about the name as it was typed: ``lesions``, beside a ``lesions.csv`` of another patient."""
    (tmp_path / "lesions.csv").write_text("of another patient")
    slicer_app.answers["Table"] = str(tmp_path / "lesions")
    assert ask.choose_new_file("Table", "", "lesions.csv") is None
    assert slicer_app.questions[-1].text == f"{tmp_path / 'lesions.csv'} is there already. Replace it?"
    slicer_app.answers["is there already"] = True
    assert ask.choose_new_file("Table", "", "lesions.csv") == tmp_path / "lesions.csv"


def test_a_dialog_begins_where_the_last_one_ended(slicer_app, ask, tmp_path, monkeypatch):
    """Not in the folder of the program, which is Slicer's current one."""
    from slicer_double import classes

    begun = []

    def answer(_parent, _title, begin, _filters=""):
        begun.append(Path(begin))
        return str(tmp_path / "a" / "scene.mrb")

    monkeypatch.setitem(classes.proxy_class("QFileDialog")._statics, "getSaveFileName", answer)
    for _twice in range(2):
        ask.choose_new_file("Scene", "", "lesions.mrb")
        (tmp_path / "a").mkdir(exist_ok=True)
    assert begun == [Path.home() / "lesions.mrb", tmp_path / "a" / "lesions.mrb"]


def test_a_choice_leaves_no_dialog_behind(slicer_app, ask):
    import slicer

    window = slicer.util.mainWindow()
    before = len(window.findChildren("QMessageBox"))
    slicer_app.answers["Which?"] = 0
    assert ask.choose("Which?", ["This", "That"]) is None
    slicer_app.process_events()
    assert len(window.findChildren("QMessageBox")) == before
