"""One case's folder: whole, replaced as a whole, or not there."""

from __future__ import annotations

import dataclasses

import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled, InputError, ModalityError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.inference.cohort_run import make_job
from LesionTrainingLib.inference.images_for import images_for
from LesionTrainingLib.inference.one_case import detect_case
from LesionTrainingLib.inference.record import Record


@pytest.fixture
def detector(stand_ins):
    return stand_ins.create(None, "cpu")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_and_said(a_job, a_cohort, detector):
    case = a_cohort("good").cases[0]
    outcome = detect_case(a_job, case, detector)
    folder = a_job.output / "good"
    assert names(folder) == ["detections.json", "lesions.csv", "run.json"]
    (lesion,) = Detections.load(folder / "detections.json").lesions
    assert lesion.center_ras_mm == (-30, -20, 10)
    assert (outcome.case, outcome.lesions, outcome.best_score, outcome.reason) == ("good", 1, 0.9, "")
    assert outcome.seconds > 0
    record = Record.load(folder)
    assert record.finished
    assert record.outcome == outcome


def test_full_writes_what_a_single_scan_gets_and_plain_removes_it_again(a_job, a_cohort, detector):
    case = a_cohort("good").cases[0]
    folder = a_job.output / "good"
    detect_case(dataclasses.replace(a_job, full=True), case, detector)
    assert {"scene.mrb", "report.html", "pictures", "detections.json", "run.json"} <= set(names(folder))
    assert Record.load(folder).full
    (folder / "mine.txt").write_text("a person's own")
    detect_case(a_job, case, detector)
    assert names(folder) == ["detections.json", "lesions.csv", "mine.txt", "run.json"]
    assert names(a_job.output) == ["good"]


def test_a_failure_leaves_what_was_there(a_job, a_cohort, detector, monkeypatch):
    case = a_cohort("good").cases[0]
    detect_case(a_job, case, detector)
    before = (a_job.output / "good" / "detections.json").read_bytes()

    def full_disk(*_):
        raise OutputError("The disk is full.")

    monkeypatch.setattr("LesionTrainingLib.inference.one_case.write_csv", full_disk)
    with pytest.raises(OutputError, match="full"):
        detect_case(a_job, case, detector)
    assert (a_job.output / "good" / "detections.json").read_bytes() == before
    assert names(a_job.output) == ["good"]
    assert not Record.load(a_job.output / "good").finished, "the next run does it anew"


@pytest.mark.parametrize("name", ["corrupt", "missing"])
def test_a_case_that_cannot_be_read_leaves_nothing(a_job, a_cohort, detector, name):
    case = a_cohort(name).cases[0]
    if name == "missing":
        case.path.unlink()
    with pytest.raises(InputError, match=name):
        detect_case(a_job, case, detector)
    assert not (a_job.output / name).exists()


def test_an_image_that_the_method_needs_is_missing(a_job, a_cohort, detector):
    case = dataclasses.replace(a_cohort("good").cases[0], modalities=("PT",))
    with pytest.raises(ModalityError, match="needs CT, and this case has PT"):
        detect_case(a_job, case, detector)


def test_an_image_that_the_method_can_do_without_may_be_missing(stand_ins):
    info = dataclasses.replace(stand_ins.METHOD, modalities=("PT", "CT"), optional=("CT",))
    images = {"CT": "ct", "MR": "mr", "PT": "pet"}
    assert list(images_for(info, images).items()) == [("PT", "pet"), ("CT", "ct")], "its main image first"
    assert images_for(info, {"PT": "pet"}) == {"PT": "pet"}
    with pytest.raises(ModalityError, match="needs PT, and this case has CT"):
        images_for(info, {"CT": "ct"})


def test_settings_may_be_given(stand_ins, tmp_path):
    job, _ = make_job(stand_ins.METHOD, None, "0.5", tmp_path, given={"notes": "here"})
    assert (job.settings.notes, job.settings.operating_point) == ("here", "0.5")
    with pytest.raises(UsageError, match=r"“note” is not known\. Settings: notes"):
        make_job(stand_ins.METHOD, None, "", tmp_path, given={"note": "here"})


def test_maps_are_written_with_all_else_only(a_job, a_cohort, detector, monkeypatch):
    plain = detector.detect

    def detect(images, settings, progress):
        found = plain(images, settings, progress)
        return dataclasses.replace(found, maps={"Similarity": images["CT"].crop((0, 0, 0), (5, 4, 3))})

    monkeypatch.setattr(detector, "detect", detect, raising=False)
    case = a_cohort("good").cases[0]
    detect_case(dataclasses.replace(a_job, full=True), case, detector)
    assert names(a_job.output / "good" / "maps") == ["similarity.nrrd"]
    detect_case(a_job, case, detector)
    assert names(a_job.output / "good") == ["detections.json", "lesions.csv", "run.json"]


def test_it_can_be_cancelled(a_job, a_cohort, detector):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        detect_case(a_job, a_cohort("good").cases[0], detector, progress)
    assert names(a_job.output) == []
