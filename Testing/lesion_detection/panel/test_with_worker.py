"""The panel with its real worker process, and the module's own self-test."""

from __future__ import annotations

import pytest

from .conftest import CENTERS, chest_image

pytestmark = pytest.mark.usefixtures("phantoms_kept")


@pytest.fixture
def widget(slicer_app, monkeypatch, tmp_path):
    """The module's widget as it is in Slicer: work is done by a child process over QProcess."""
    monkeypatch.setenv("LESION_MODELS", str(tmp_path / "models"))
    made = slicer_app.load_module("LesionDetection")
    slicer_app.show(made)
    return made


def test_a_click_is_measured_by_the_worker(slicer_app, panel, ui, ct):
    ui.clickButton.click()
    slicer_app.click_in_slice(CENTERS[0])
    slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
    assert panel.session.job.state == "done", panel.session.message
    assert ui.findingsTable.rowCount == 1
    assert abs(float(ui.findingsTable.item(0, 2).text()) - 12) < 1.5
    assert panel.session.results.nodes.segmentation.GetSegmentation().GetNumberOfSegments() == 1


def test_what_the_worker_refuses_is_a_sentence(slicer_app, panel, ui, ct):
    panel.click.clicked((2.0, 2.0, 2.0))
    slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
    assert panel.session.job.state == "failed"
    assert ui.clickText.text in (
        "Nothing stands out at this point; click inside the lesion.",
        "No border was found around this point. Click inside the lesion, or allow a larger diameter if it is larger.",
    )


def test_a_report_is_written_by_the_worker(slicer_app, panel, ui, ct, tmp_path, monkeypatch):
    import qt
    from LesionDetectionLib.panel import ask

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", opened.append, raising=False)
    monkeypatch.setattr(ask, "choose_folder", lambda *_: tmp_path / "report")
    panel.click.clicked(CENTERS[0])
    slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
    ui.exportSection.collapsed = False
    ui.reportButton.click()
    assert ui.exportProgressRow.isVisibleTo(ui.exportSection)
    slicer_app.process_events(lambda: panel.export.job.finished, timeout=120)
    assert panel.export.job.state == "done", panel.export.job.error
    assert (tmp_path / "report" / "report.html").is_file()
    assert (tmp_path / "report" / "lesions.csv").is_file()
    assert "Everything is in" in ui.exportMessage.text
    assert not ui.exportProgressRow.isVisibleTo(ui.exportSection)


@pytest.mark.slow
def test_the_modules_own_test_passes(slicer_app, widget):
    """As “Reload and Test” calls it."""
    import slicer

    slicer.selfTests["LesionDetection"]()
    assert all(question.kind not in ("ok_cancel", "yes_no") for question in slicer_app.questions)


def test_the_volume_of_the_self_test_is_one_without_training(slicer_app, widget):
    """Where Lesion Training is not installed the self-test makes its own chest, with nodules that stand out."""
    from LesionDetectionLib.core.image import understood_as
    from LesionDetectionLib.imaging.click import measure_at
    from LesionDetectionLib.io.mrml import image_from_node
    from LesionDetectionLib.panel.self_test import scans

    node, centers = scans.plain_chest()
    image = understood_as(image_from_node(node))
    sizes = [measure_at(image, center).diameter_mm for center in centers]
    assert sizes == pytest.approx([10, 12, 14, 16], abs=3)


@pytest.mark.slow
def test_the_scene_is_closed_in_the_middle_and_something_is_detected_again(slicer_app, panel, ui):
    """That Detect is cancelled by its button is in the module's own test."""
    from LesionDetectionLib.panel.self_test import scans

    panel.context.parameters.ctVolume, _truth = scans.phantom_volume()
    ui.detectButton.click()
    slicer_app.process_events(lambda: panel.session.job.fraction > 0.1, timeout=60)
    assert panel.session.job.state == "running"
    slicer_app.scene.Clear(0)
    slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
    assert panel.session.job.state == "cancelled"
    assert panel.session.results is None
    chosen = panel.context.parameters
    chosen.ctVolume, chosen.petVolume, truth, _kidneys = scans.pet_ct_volumes()
    chosen.method = "active-pet-ct"  # in a tenth of the time that a network takes
    ui.detectButton.click()
    slicer_app.process_events(lambda: not panel.session.busy, timeout=120)
    assert panel.session.job.state == "done", panel.session.message
    assert ui.findingsTable.rowCount >= len(truth) // 2


@pytest.mark.slow
def test_dicom_of_a_real_series_is_written_by_the_worker(slicer_app, panel, ui, real_data, tmp_path, monkeypatch):
    import pydicom
    import slicer
    from LesionDetectionLib.core.progress import Progress
    from LesionDetectionLib.io.dicom import read_dicom
    from LesionDetectionLib.io.mrml import volume_node
    from LesionDetectionLib.panel import ask

    folder = real_data("crlm-ct-1004")
    files = {}
    for path in sorted(folder.rglob("*.dcm")):
        files[pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID] = path

    class Database:
        isOpen = True

        def fileForInstance(self, uid):
            return str(files[uid])

        def __getattr__(self, name):
            return getattr(slicer_app.database, name)

    monkeypatch.setattr(slicer, "dicomDatabase", Database())
    monkeypatch.setattr(ask, "choose_folder", lambda *_: tmp_path / "dicom")
    image = read_dicom(folder, None, Progress())
    node = volume_node(slicer_app.scene, image)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    panel.context.parameters.ctVolume = node
    middle = image.geometry.ras_from_ijk([n // 2 for n in image.shape_kji[::-1]])
    panel.click.clicked(tuple(middle))
    slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
    if panel.session.job.state == "failed":
        pytest.skip(f"nothing to measure in the middle: {panel.session.message}")
    ui.exportSection.collapsed = False
    ui.dicomFolderButton.click()
    slicer_app.process_events(lambda: panel.export.job.finished, timeout=120)
    assert panel.export.job.state == "done", panel.export.job.error
    kinds = {pydicom.dcmread(path).Modality for path in (tmp_path / "dicom").glob("*.dcm")}
    assert kinds == {"SEG", "SR"}


@pytest.mark.slow
def test_two_examinations_are_aligned_by_the_worker_and_compared(slicer_app, panel, ui, kept_phantoms):
    from dataclasses import replace

    import numpy as np
    from LesionDetectionLib.io.mrml import volume_node
    from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY

    case = kept_phantoms.chest(1, TINY)
    moved = np.array(case.image.ijk_to_ras)
    shift = np.array((9.0, -14.0, 30.0))
    moved[:3, 3] += shift
    later = replace(case.image, ijk_to_ras=moved, name="later")
    largest = max(case.lesions, key=lambda lesion: lesion.diameter_mm).center_ras_mm
    for image, place in ((case.image, largest), (later, tuple(np.add(largest, shift)))):
        panel.context.parameters.ctVolume = volume_node(slicer_app.scene, image)
        panel.click.clicked(place)
        slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
        assert panel.session.job.state == "done", panel.session.message
    ui.followUpSection.collapsed = False
    ui.compareButton.click()
    slicer_app.process_events(lambda: panel.follow_up.comparing.job.finished, timeout=120)
    assert panel.follow_up.comparing.job.state == "done", panel.follow_up.comparing.job.error
    assert ui.followUpTable.item(0, 0).text() == ui.followUpTable.item(0, 1).text() == "L1"
    assert abs(float(ui.followUpTable.item(0, 4).text())) < 5
    assert panel.follow_up.comparing.job.result.matrix[:3, 3] == pytest.approx(shift, abs=2)


def test_a_reviewed_scan_becomes_a_case_that_training_reads(slicer_app, panel, ui, ct, tmp_path, monkeypatch):
    from LesionDetectionLib.panel import ask
    from LesionTrainingLib.cohorts.spec import open_cohort

    monkeypatch.setattr(ask, "choose_folder", lambda *_: tmp_path)
    panel.click.clicked(CENTERS[0])
    slicer_app.process_events(lambda: not panel.session.busy, timeout=60)
    panel.session.accept([panel.session.current])
    ui.trainingCaseButton.click()
    slicer_app.process_events(lambda: panel.export.job.finished, timeout=60)
    assert panel.export.job.state == "done", panel.export.job.error
    (case,) = open_cohort(f"reviewed:{tmp_path}").cases
    (image,) = case.images().values()
    assert image.shape_kji == chest_image().shape_kji
    assert len(case.truth().lesions) == 1
    monkeypatch.setattr(ask, "confirm", lambda text: asked.append(text))
    asked = []
    ui.trainingCaseButton.click()
    slicer_app.process_events(lambda: panel.export.job.finished, timeout=60)
    assert len(asked) == 1
