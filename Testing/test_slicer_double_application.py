"""What the double lets a module live through: timers, processes, keys, questions, settings, a database, and its end."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest


@pytest.fixture
def qt(slicer_app):
    import qt

    return qt


# --- what lives how long ---


def wait(qt, milliseconds):
    loop = qt.QEventLoop()
    qt.QTimer.singleShot(milliseconds, loop.quit)
    loop.exec_()


def test_a_timer_dies_with_its_last_reference(qt):
    ticks = []
    timer = qt.QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(1)
    wait(qt, 30)
    assert ticks
    del timer
    count = len(ticks)
    wait(qt, 30)
    assert len(ticks) == count


def test_table_items_live_without_a_reference(qt):
    table = qt.QTableWidget(1, 2)
    item = qt.QTableWidgetItem()
    item.setData(qt.Qt.DisplayRole, 0.91)
    item.setData(qt.Qt.UserRole, "L1")
    table.setItem(0, 0, item)
    del item
    gc.collect()
    assert table.item(0, 0).data(qt.Qt.UserRole) == "L1"
    assert table.item(0, 0).data(qt.Qt.DisplayRole) == 0.91
    assert table.rowCount == 1


def test_a_process_talks_in_lines(slicer_app, qt):
    process = qt.QProcess()
    ended, output = [], []
    process.connect("readyReadStandardOutput()", lambda: output.append(process.readAllStandardOutput().data()))
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: ended.append((code, status)))
    process.finished.connect(lambda *passed: ended.append(passed))
    process.start(sys.executable, ["-u", "-c", "import sys; print(sys.stdin.readline().strip())"])
    process.write("größer\n")
    slicer_app.process_events(until=lambda: len(ended) == 2)
    assert b"".join(output).decode().strip() == "größer"
    assert ended == [(0, qt.QProcess.NormalExit), (0,)]


def test_a_program_that_cannot_be_started_only_says_so(slicer_app, qt):
    process = qt.QProcess()
    said = []
    process.connect("errorOccurred(QProcess::ProcessError)", said.append)
    process.connect("finished(int,QProcess::ExitStatus)", lambda *_: said.append("finished"))
    process.start("/nosuch/program", [])
    slicer_app.process_events(until=lambda: said)
    assert said == [qt.QProcess.FailedToStart]


def test_a_timer_that_runs_on_after_its_module_is_found(slicer_app, qt):
    from slicer_double.left_running import left_running

    timer = qt.QTimer()
    timer.start(500)
    once = qt.QTimer()
    once.setSingleShot(True)
    once.start(500)
    assert left_running() == ["a timer of 500 ms"]
    timer.stop()
    assert left_running() == []


# --- keys ---


def test_keys_reach_the_shortcut_of_the_panel_they_are_pressed_in(slicer_app, qt):
    panel, other, field = qt.QWidget(), qt.QWidget(), qt.QLineEdit()
    qt.QVBoxLayout(panel).addWidget(field)
    pressed = []
    shortcut = qt.QShortcut(qt.QKeySequence("N"), panel)
    shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
    shortcut.connect("activated()", lambda: pressed.append("N"))
    slicer_app.press("N", field)
    slicer_app.press("N", other)
    assert pressed == ["N"]


# --- questions ---


def test_questions_are_recorded_and_answered_as_under_testing(slicer_app):
    import slicer

    assert slicer.util.confirmOkCancelDisplay("Delete all?") is False
    slicer_app.answers["Delete"] = True
    assert slicer.util.confirmOkCancelDisplay("Delete all?", windowTitle="Lesions") is True
    assert slicer.util.infoDisplay("Done") is None
    assert [(q.kind, q.text, q.title) for q in slicer_app.questions] == [
        ("ok_cancel", "Delete all?", ""),
        ("ok_cancel", "Delete all?", "Lesions"),
        ("info", "Done", ""),
    ]


def test_a_dialog_that_would_wait_for_ever_raises(slicer_app, qt):
    with pytest.raises(AssertionError, match="Folder of models"):
        qt.QFileDialog.getExistingDirectory(None, "Folder of models")
    with pytest.raises(AssertionError, match="Really"):
        box = qt.QMessageBox()
        box.text = "Really?"
        box.exec_()
    slicer_app.answers["path"] = "/data"
    assert qt.QFileDialog.getExistingDirectory(None, "Folder of models", "") == "/data"


def test_a_dialog_of_our_own_is_answered_by_a_function(slicer_app, qt):
    dialog = qt.QDialog()
    dialog.windowTitle = "Name"
    edit = qt.QLineEdit(dialog)

    def fill(shown):
        edit.text = "liver"
        return qt.QDialog.Accepted

    accepted = []
    dialog.accepted.connect(lambda: accepted.append(True))
    slicer_app.answers["Name"] = fill
    assert dialog.exec_() == qt.QDialog.Accepted
    assert (edit.text, accepted) == ("liver", [True])


def test_errors_in_a_guarded_block_are_raised_again_under_testing(slicer_app):
    import slicer

    with pytest.raises(RuntimeError, match="no disk"), slicer.util.tryWithErrorDisplay("Not saved", waitCursor=True):
        raise RuntimeError("no disk")


def test_pip_is_recorded_and_fails_when_told_to(slicer_app):
    import slicer

    slicer.util.pip_install("safetensors")
    assert slicer_app.pip == ["safetensors"]
    slicer_app.pip.fails = True
    with pytest.raises(subprocess.CalledProcessError):
        slicer.util.pip_install(["torch"])


# --- what a test has for itself ---


def test_settings_are_the_tests_own(slicer_app, qt):
    import slicer

    qt.QSettings().setValue("LesionDetection/folder", "/models")
    assert slicer.util.settingsValue("LesionDetection/folder", "") == "/models"
    assert slicer.app.settings().value("LesionDetection/folder") == "/models"
    assert slicer.app.userSettings().contains("LesionDetection/folder")


def test_all_children_are_those_that_slicers_own_function_finds(slicer_app, qt):
    import slicer
    from slicer_double import util

    outer, inner = qt.QWidget(), qt.QWidget()
    inner.setParent(outer)
    qt.QPushButton("Detect", inner)
    qt.QTimer(outer)
    found = slicer.util.findChildren(outer)
    assert [type(child).__name__ for child in found] == ["QWidget", "QTimer", "QWidget", "QPushButton"]
    assert all(a is b for a, b in zip(found, util._FIND_CHILDREN(outer), strict=True))
    assert slicer.util.findChildren(outer, text="Detect") == [found[-1]]


def test_nothing_is_left_after_a_test(slicer_lists, tmp_path, monkeypatch):
    import slicer
    from slicer_double import api
    from slicer_double.slicer_app import running

    lists = api.load(slicer_lists)
    before = set(sys.modules)
    known = set(vars(slicer)), slicer.util.pip_install
    with running(lists, tmp_path, monkeypatch) as app:
        app.load_module("LesionTraining")
        assert "qt" in sys.modules
        assert "LesionTraining" in sys.modules
    assert (set(vars(slicer)), slicer.util.pip_install) == known
    left = {name for name in set(sys.modules) - before if name in ("qt", "ctk", "LesionTraining") or ".panel" in name}
    assert not left


def test_a_dicom_database_is_a_file_that_other_processes_read(slicer_app, phantoms_kept, tmp_path):
    import slicer
    from DICOMLib import DICOMUtils
    from LesionDetectionLib.core.progress import Progress
    from LesionTrainingLib.cohorts.dicom.database import DatabaseCatalogue
    from LesionTrainingLib.cohorts.dicom.live import LiveCatalogue
    from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
    from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms

    write_phantoms("chest", 1, 1, "dicom", tmp_path / "files", settings=TINY)
    with DICOMUtils.TemporaryDICOMDatabase(str(tmp_path / "database")) as database:
        DICOMUtils.importDicom(str(tmp_path / "files"))
        assert database is slicer.dicomDatabase
        (series,) = LiveCatalogue(database).series()
        assert DatabaseCatalogue(tmp_path / "database", Progress()).series() == [series]
        assert (series.modality, len(series.files)) == ("CT", 100)
    assert not slicer.dicomDatabase.isOpen
    slicer.dicomDatabase.openDatabase(str(tmp_path / "database" / "ctkDICOM.sql"))
    assert LiveCatalogue(slicer.dicomDatabase).series() == [series]


def test_a_library_loaded_anew_is_forgotten_after_the_test(slicer_lists, tmp_path, monkeypatch):
    """The modules reload their library: classes that other tests hold must stay those that are loaded."""
    from LesionDetectionLib.core import errors
    from slicer_double import api
    from slicer_double.slicer_app import running

    lists = api.load(slicer_lists)
    with running(lists, tmp_path, monkeypatch) as app:
        app.load_module("LesionDetection").onReload()
        assert sys.modules["LesionDetectionLib.core.errors"] is not errors
    assert sys.modules["LesionDetectionLib.core.errors"] is errors
    assert sys.modules["LesionDetectionLib.core"].errors is errors
    assert not [name for name in sys.modules if name.startswith("Lesion") and ".panel" in name]
